"""A certificate and its key, pasted into whatever field of a connection: no message has a line of it."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.connection.form import ConnectionForm
from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.exceptions import InvalidConnection, WorkflowError
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.connections import SandboxConnection
from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.vendors import CONNECTIONS
from tests.core.transport.certificates import Certificates
from tests.core.transport.conftest import certificates as certificates

VENDORS = {connection.conn_type: connection for connection in CONNECTIONS}
STANDARD = ("host", "schema", "login", "password")
#: The fields that take the path of a certificate.
PATHS = ("cert", "verify")


def shapes(name: str) -> list[str]:
    """What can be pasted: lines, or the one line that a form's field makes of them.

    Of what is between its first and last line nothing tells that it is a key, and only a path is read.
    """
    return ["lines", "one line", *(["body"] if name in PATHS else [])]


CASES = [
    pytest.param(form, name, shape, id=f"{form.conn_type}-{name}-{shape}")
    for form in FORMS
    for name in (*STANDARD, *(one.name for one in form.all_fields))
    for shape in shapes(name)
]


def connection(vendor: SandboxConnection, host: str, name: str, value: str) -> dict[str, Any]:
    fields = vendor.fields("http://127.0.0.1:9") | {"host": host}
    if name in STANDARD:
        return {**fields, name: value}
    return {**fields, "extra": {**fields["extra"], name: {"https": value} if name == "proxies" else value}}


def everything_told(hook: WorkflowHook[Any]) -> tuple[list[BaseException], list[str]]:
    """Test the connection and call the vendor, in a worker and on an event loop; return all that is said."""
    raised: list[BaseException] = []
    told = [hook.test_connection()[1]]
    calls: list[Callable[[], Any]] = [
        lambda: hook.run(hook.probe),
        lambda: asyncio.run(hook.arun(hook.probe)),
    ]
    for call in calls:
        try:
            told.append(str(call()))
        except WorkflowError as error:
            raised.append(error)
            told += [*traceback.format_exception(error), json.dumps(error.to_json())]
    return raised, told


@pytest.mark.parametrize(("form", "name", "shape"), CASES)
def test_it_is_not_repeated(
    sandbox: SandboxServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    form: ConnectionForm,
    name: str,
    shape: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    text = certificates.client.both.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("-----")]
    pasted = {"lines": text, "one line": text.replace("\n", ""), "body": "".join(lines)}[shape]
    vendor = VENDORS[form.conn_type]
    # Plain HTTP has no use for certificates; there is nobody at the other address.
    host = "https://127.0.0.1:9" if name in PATHS else f"{sandbox.url}/{vendor.mount}"
    fields = connection(vendor, host, name, pasted)
    monkeypatch.setenv(f"AIRFLOW_CONN_{form.default_conn_id.upper()}", json.dumps(fields))
    raised, told = everything_told(import_string(form.hook_class)())
    told += [logging.Formatter().format(record) for record in caplog.records]
    assert [line for line in lines if any(line in one for one in told)] == []
    secret = name == "password" or any(one.name == name and one.secret for one in form.all_fields)
    if not secret:
        assert [type(error) for error in raised] == [InvalidConnection] * 2
        assert f"'{name}'" in told[0]


def test_what_takes_a_path_is_told_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (form,) = (one for one in FORMS if one.conn_type == "kiban")
    fields = connection(VENDORS["kiban"], "https://127.0.0.1:9", "cert", "-----BEGIN PRIVATE KEY-----MII")
    monkeypatch.setenv("AIRFLOW_CONN_KIBAN_DEFAULT", json.dumps(fields))
    good, message = import_string(form.hook_class)().test_connection()
    assert not good
    assert message == (
        "This connection: field 'cert' (Client certificate) contains a certificate or key. Put it into a "
        "file on every Airflow machine, and enter the path of that file in 'cert' (Client certificate) or "
        "'verify' (Verify TLS)"
    )
