"""The names that moved, and the settings read."""

from __future__ import annotations

import asyncio

import pytest
from airflow.sdk._shared.secrets_masker import redact as masked

from airflow_provider_workflows.base import compat


def test_default_deferrable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compat.default_deferrable() is False
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert compat.default_deferrable() is True


@pytest.mark.parametrize(("setting", "lag"), [(None, 10.0), ("5", 10.0), ("12.5", 17.5)])
def test_hand_over_lag(monkeypatch: pytest.MonkeyPatch, setting: str | None, lag: float) -> None:
    monkeypatch.delenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", raising=False)
    if setting is not None:
        monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", setting)
    assert compat.hand_over_lag() == lag


def test_connection_on_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOME", '{"conn_type": "omflow", "host": "flow.example"}')

    async def hosts() -> list[str | None]:
        found = await asyncio.gather(*(compat.aget_connection("some") for _ in range(5)))
        return [connection.host for connection in found]

    assert asyncio.run(hosts()) == ["flow.example"] * 5


def test_secrets_are_masked_from_both_sides() -> None:
    compat.mask("first-secret-value")
    asyncio.run(compat.amask("second-secret-value"))
    assert masked("first-secret-value and second-secret-value") == "*** and ***"
