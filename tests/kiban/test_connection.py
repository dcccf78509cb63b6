"""The connection: which host, which mode, and which key."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_workflows.core.connection.settings import Settings, read_settings
from airflow_provider_workflows.exceptions import InvalidConnection
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.hooks import KibanHook
from tests.kiban.server import KibanServer


def settings(*, extra: dict[str, Any] | None = None, **fields: Any) -> Settings:
    shown = {"password": "the-key", **fields}
    connection = Connection(conn_id="space", conn_type="kiban", extra=json.dumps(extra or {}), **shown)
    return read_settings(connection, FORM)


@pytest.mark.parametrize(
    ("fields", "url", "sandbox"),
    [
        ({}, "https://workfloo.kiban.com", False),
        ({"extra": {"environment": "production"}}, "https://workfloo.kiban.com", False),
        ({"extra": {"environment": "sandbox"}}, "https://sandbox.workfloo.kiban.com", True),
        ({"host": "https://sandbox.workfloo.kiban.com"}, "https://sandbox.workfloo.kiban.com", True),
        ({"host": "https://gateway.example/kiban/"}, "https://gateway.example/kiban", False),
        (
            {"host": "https://gateway.example", "extra": {"environment": "sandbox"}},
            "https://gateway.example",
            True,
        ),
    ],
    ids=["default", "production", "sandbox", "sandbox host by hand", "override", "override in sandbox mode"],
)
def test_host_and_mode(fields: dict[str, Any], url: str, sandbox: bool) -> None:
    read = settings(**fields)
    assert read.base_url == url
    assert KibanHook().make_api(read).sandbox is sandbox


def test_key_goes_bare_into_its_header() -> None:
    headers = KibanHook().headers(settings(password="the-key"))
    assert headers["x-api-key"] == "the-key"
    assert "Authorization" not in headers


@pytest.mark.parametrize("key", ["Bearer the-key", "bearer the-key", " the-key", "the key", "the-key\n"])
def test_a_key_that_is_not_bare_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(InvalidConnection, match="API key") as caught:
        KibanHook("space").make_api(settings(password=key))
    assert "the-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"password": ""}, "API key"), ({"extra": {"environment": "staging"}}, "environment")],
    ids=["no key", "unknown environment"],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidConnection, match=named):
        settings(**fields)


def test_the_form_hides_the_login_and_masks_the_callback_key() -> None:
    entry = FORM.connection_type()
    assert entry["ui-field-behaviour"]["hidden-fields"] == ["login", "schema"]
    assert entry["ui-field-behaviour"]["relabeling"]["password"] == "API key"
    assert entry["conn-fields"]["callback_x_api_key"]["schema"]["format"] == "password"


@pytest.mark.parametrize(
    ("changes", "well", "told"),
    [
        ({}, True, r"\(sandbox\) accepted the API key"),
        ({"extra": {"environment": "production"}}, True, r"\(production\) accepted"),
        ({"password": "kiban-outsider-key"}, False, "No permission: .* may not list executions"),
        ({"password": "wrong"}, False, "did not accept the API key"),
    ],
    ids=["sandbox", "production", "without access", "wrong key"],
)
def test_test_connection(kiban: KibanServer, changes: dict[str, Any], well: bool, told: str) -> None:
    kiban.connect(**changes)
    status, message = KibanHook().test_connection()
    assert status is well
    assert re.search(told, message)
    assert kiban.effects()["started"] == 0
