"""Connections as the pages show them: each URI means what stands beside it, each login opens the sandbox."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from airflow.sdk import BaseHook

from airflow_provider_workflows.core.connection.settings import read_settings
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.docs.pages import DOCS, code, sections

BY_TYPE = {form.conn_type: form for form in FORMS}
BY_NAME = {form.hook_name: form for form in FORMS}


def rows(page: str, title: str) -> list[list[str]]:
    (found,) = (one for one in sections(DOCS / page) if one.title == title)
    return found.rows


URIS = [tuple(code(both)) for _, both in rows("connections.md", "As a URI")]
LOGINS = rows("sandbox.md", "Who may log in")


def test_every_vendor_has_one() -> None:
    assert {uri.partition("://")[0] for uri, _ in URIS} == set(BY_TYPE)
    assert {row[0] for row in LOGINS} == set(BY_NAME)


@pytest.mark.parametrize(("uri", "address"), URIS)
def test_a_uri_means_what_stands_beside_it(uri: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOWN", uri)
    conn_type, _, rest = uri.partition("://")
    login, password = map(unquote, rest.rpartition("://")[2].partition("@")[0].split(":"))
    read = read_settings(BaseHook.get_connection("shown"), BY_TYPE[conn_type])
    extra = dict(parse_qsl(urlsplit(rest).query))
    assert extra
    assert read.base_url == address
    assert (read.login, read.password) == (login, password)
    assert {name: str(read.options[name]) for name in extra} == extra
    assert read.unknown == ()


def test_a_path_that_airflow_takes_for_a_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = "omflow://https://omflow.example.com/bpm"
    assert f"`{shown}`" in (DOCS / "connections.md").read_text(encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_OMFLOW_DEFAULT", shown.replace("//omflow", "//airflow:s3cret@omflow"))
    reached, message = import_string(BY_TYPE["omflow"].hook_class)().test_connection()
    assert not reached
    assert "field 'schema' (Scheme) must be http or https. If it is a path, add it to the host" in message


@pytest.mark.parametrize("row", LOGINS, ids=lambda row: code(row[1])[0].rpartition("/")[2])
def test_a_login_opens_the_sandbox(
    row: list[str], sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, address, login, password, extra = row
    form = BY_NAME[system]
    named = code(extra)
    connection = {
        "conn_type": form.conn_type,
        "host": code(address)[0].replace("http://127.0.0.1:8099", sandbox.url),
        "login": "".join(code(login)),
        "password": code(password)[0],
        "extra": dict(zip(named[::2], named[1::2], strict=True)),
    }
    monkeypatch.setenv("AIRFLOW_CONN_SHOWN", json.dumps(connection))
    hook = import_string(form.hook_class)
    assert hook("shown").test_connection()[0]
    refused = json.dumps({**connection, "password": "not-that-one"})
    monkeypatch.setenv("AIRFLOW_CONN_SHOWN", refused)
    reached, message = hook("shown").test_connection()
    # Robusta's status call does not say whether it knows the caller.
    assert not reached or "not checked" in message
