"""The names that moved, and the settings read."""

from __future__ import annotations

import asyncio
import logging

import pytest

from airflow_provider_workflows.core.runtime import versions
from tests.core.airflow_private import REDACT, private


def test_default_deferrable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions.default_deferrable() is False
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert versions.default_deferrable() is True


def test_connection_on_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOME", '{"conn_type": "omflow", "host": "flow.example"}')

    async def hosts() -> list[str | None]:
        found = await asyncio.gather(*(versions.aget_connection("some") for _ in range(5)))
        return [connection.host for connection in found]

    assert asyncio.run(hosts()) == ["flow.example"] * 5


def test_secrets_are_masked_from_both_sides() -> None:
    versions.mask("first-secret-value")
    asyncio.run(versions.amask("second-secret-value"))
    masked = private(REDACT)
    assert masked("first-secret-value and second-secret-value") == "*** and ***"


def test_airflow_is_not_asked_to_mask_what_it_would_not() -> None:
    assert not versions.can_be_masked("")
    assert not versions.can_be_masked("4711")
    assert versions.can_be_masked("47110")


def test_no_line_about_short_settings_while_they_are_read(caplog: pytest.LogCaptureFixture) -> None:
    masker = logging.getLogger(versions.MASKERS[0])
    with versions.reading_settings():
        masker.warning("Skipping masking for a secret as it's too short (<%d chars)", 5)
        masker.warning("something else")
    masker.warning("Skipping masking")
    assert caplog.messages == ["something else", "Skipping masking"]
