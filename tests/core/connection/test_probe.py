"""The Test button of all vendors, pressed as Airflow's API server presses it."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.core.connection import probe
from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.connections import SandboxConnection
from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.vendors import CONNECTIONS
from tests import vendors
from tests.conftest import OMFlowServer
from tests.core.transport.certificates import Certificates, encrypted
from tests.core.transport.conftest import certificates as certificates
from tests.core.transport.server import Peer, RawServer, answer, response

SECRET = "s3cret/w0rd+"
#: The name that the API server makes up for the time of the test.
TRANSIENT = "x7Gh2kLq"
VENDORS = {connection.conn_type: connection for connection in CONNECTIONS}
DECLARED = vendors.VENDORS

Press = Callable[..., tuple[bool, str]]


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Press:
    def press(conn_type: str, **fields: Any) -> tuple[bool, str]:
        from airflow.models.connection import Connection

        extra = fields.pop("extra", {})
        text = extra if isinstance(extra, str) else json.dumps(extra)
        connection = Connection(conn_id=TRANSIENT, conn_type=conn_type, extra=text, **fields)
        # It travels as a URI in the environment.
        monkeypatch.setenv(f"AIRFLOW_CONN_{TRANSIENT.upper()}", connection.get_uri())
        result: tuple[bool, str] = connection.test_connection()  # type: ignore[no-untyped-call]
        if fields.get("password") == SECRET:
            assert not [form for form in forms_of(SECRET) if form in result[1]]
        return result

    return press


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> SandboxConnection:
    """Each vendor in turn."""
    return VENDORS[request.param]


def filled_in(vendor: SandboxConnection, host: str, **extra: Any) -> dict[str, Any]:
    """The fields as the form sends them: what is left empty is there all the same."""
    (form,) = (one for one in FORMS if one.conn_type == vendor.conn_type)
    fields = vendor.fields("http://127.0.0.1:9")
    defaults = {one.name: one.default for one in form.all_fields}
    return {
        **fields,
        "host": host,
        "schema": "",
        "port": 0,
        "extra": {**defaults, **fields["extra"], **extra},
    }


def going_to(vendor: SandboxConnection, host: str) -> dict[str, Any]:
    """The same, with a password that no message may have."""
    return {**filled_in(vendor, host), "password": SECRET}


def forms_of(secret: str) -> list[str]:
    return [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]


class TestReached:
    def test_says_what_and_as_whom_and_has_no_effect(
        self, press: Press, sandbox: SandboxServer, vendor: SandboxConnection
    ) -> None:
        url = f"{sandbox.url}/{vendor.mount}"
        before = sandbox.control.effects(vendor.mount)
        assert press(**filled_in(vendor, url)) == (True, f"{DECLARED[vendor.conn_type].reached}, at {url}")
        after = sandbox.control.effects(vendor.mount)
        assert set(after["requests"].values()) == {1}
        assert {**after, "requests": None} == {**before, "requests": None}
        assert sandbox.control.records(vendor.mount) == []

    def test_a_password_that_is_wrong(
        self, press: Press, sandbox: SandboxServer, vendor: SandboxConnection
    ) -> None:
        fields = filled_in(vendor, f"{sandbox.url}/{vendor.mount}")
        good, message = press(**{**fields, "password": "no-such-password"})
        assert (good, message.split(":")[0]) == (False, "Bad credentials")
        assert "Check " in message
        assert "'password' (" in message
        assert ("'login'" in message) == bool(vendor.login)
        assert "no-such-password" not in message

    def test_a_user_whose_calls_will_all_fail(self, press: Press, sandbox: SandboxServer) -> None:
        """OMFlow gives a code to a user whose name is part of another's, and then fails each call."""
        mount = VENDORS["omflow"].mount
        fields = filled_in(VENDORS["omflow"], f"{sandbox.url}/{mount}")
        sandbox.control.add_user(mount, f"{fields['login']}2", "another", rights=["view"])
        good, message = press(**fields)
        assert not good
        assert "is part of another user's name" in message

    def test_no_right(self, press: Press, sandbox: SandboxServer) -> None:
        fields = filled_in(VENDORS["kiban"], f"{sandbox.url}/kiban")
        good, message = press(**{**fields, "password": "kiban-outsider-key"})
        assert (good, message.split(":")[0]) == (False, "No permission")

    def test_an_api_token_of_mybpm_is_never_said_to_be_good_without_an_object(
        self, press: Press, sandbox: SandboxServer
    ) -> None:
        fields = {**filled_in(VENDORS["mybpm"], f"{sandbox.url}/mybpm"), "login": ""}
        good, message = press(**{**fields, "password": "sandbox-api-token"})
        assert good
        assert message.startswith("MyBPM was reached, but the API token was not checked")
        assert "test_bo_code" in message
        named = {**fields["extra"], "test_bo_code": "NOTE"}
        good, message = press(**{**fields, "password": "sandbox-api-token", "extra": named})
        assert good
        assert message.startswith("MyBPM accepted the API token, with read access to NOTE")

    def test_a_session_token_at_hand_does_not_stand_in_for_the_password(
        self, press: Press, sandbox: SandboxServer
    ) -> None:
        fields = filled_in(VENDORS["mybpm"], f"{sandbox.url}/mybpm", test_bo_code="NOTE")
        for _ in range(2):
            assert press(**fields)[0]
        assert sandbox.control.effects("mybpm")["requests"]["login"] >= 2


class TestMisstated:
    def test_each_required_field_is_named_by_its_label(self, press: Press, vendor: SandboxConnection) -> None:
        (form,) = (one for one in FORMS if one.conn_type == vendor.conn_type)
        for name in form.required:
            good, message = press(**{**filled_in(vendor, "http://vendor.invalid"), name: ""})
            assert not good
            assert message == (f"This connection: field {name!r} ({form.labels[name]}) is empty but required")

    @pytest.mark.parametrize(
        ("extra", "told"),
        [
            ({"enviroment": "draft", "environment": None}, None),
            ({"verify": "/nowhere/ca.pem"}, "connection's field 'verify'"),
            ({"cert": "/nowhere/client.pem"}, "connection's field 'cert' takes the path"),
            ({"timeout": "soon"}, "'timeout' (Timeout (s)) must be of type number"),
            ({"proxies": "http://proxy"}, "'proxies' (Proxies) must be of type object"),
            ({"ui_url": "ftp://x"}, "'ui_url' (Link to the page) must be a URL that starts with"),
            ({"namespace": "***"}, "'namespace' (Namespace) contains Airflow's mask ***"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
    )
    def test_a_field_that_is_wrong_is_named(
        self, press: Press, vendor: SandboxConnection, extra: dict[str, Any], told: str | None
    ) -> None:
        good, message = press(**filled_in(vendor, "https://127.0.0.1:9", **extra))
        assert not good
        assert told is None or told in message
        assert TRANSIENT not in message
        assert "/nowhere" not in message, "what is taken for a path may be the key itself"

    def test_a_time_zone_that_there_is_not(self, press: Press) -> None:
        good, message = press(**filled_in(VENDORS["robusta"], "http://vendor.invalid", time_zone="Istanbul"))
        assert (good, "'time_zone' (Time zone) must be an IANA name" in message) == (False, True)

    def test_a_slip_of_the_pen_is_found(self, press: Press) -> None:
        extra = {"company_id": "c1", "enviroment": "draft"}
        fields = {**filled_in(VENDORS["blizwork"], "http://vendor.invalid"), "extra": extra}
        assert press(**fields) == (
            False,
            "This connection: field 'extra' has an unknown field 'enviroment'. "
            "Did you mean 'environment' (Environment)?",
        )

    def test_what_has_no_effect_is_told_on_success(self, press: Press, sandbox: SandboxServer) -> None:
        fields = filled_in(VENDORS["kiban"], f"{sandbox.url}/kiban", colour="blue")
        good, message = press(**fields)
        assert good
        assert message.endswith("Ignored, because they are not fields: 'colour' in extra")
        assert "blue" not in message


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that refuses: bound, so that nobody else gets it, but not listened on."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def _plain_refusal(peer: Peer) -> None:
    peer.wait_for_data()
    peer.send(response(b"", status=400))


class TestRoad:
    def test_a_name_that_does_not_resolve(self, press: Press, vendor: SandboxConnection) -> None:
        good, message = press(**going_to(vendor, "https://nowhere.invalid"))
        assert not good
        assert message.startswith("Bad host: Nothing was sent: the server's name does not resolve")
        assert "at https://nowhere.invalid" in message
        assert "Check 'host' (" in message

    def test_a_refused_connection(self, press: Press, vendor: SandboxConnection, refusing: str) -> None:
        good, message = press(**going_to(vendor, f"http://{refusing}"))
        assert not good
        assert message.startswith("Bad host: Nothing was sent: the server refuses the connection")

    def test_a_certificate_that_is_not_trusted(
        self, press: Press, vendor: SandboxConnection, certificates: Certificates
    ) -> None:
        with RawServer((answer(),), tls=certificates.untrusted.server_context()) as server:
            good, message = press(**going_to(vendor, server.url))
        assert not good
        assert message.startswith("Bad TLS: Nothing was sent: the server's certificate is not trusted")
        assert "'verify' (Verify TLS)" in message
        assert server.requests == []

    @pytest.mark.parametrize("whose", [None, "expired", "untrusted"])
    def test_a_client_certificate_that_the_server_does_not_accept(
        self, press: Press, vendor: SandboxConnection, certificates: Certificates, whose: str | None
    ) -> None:
        tls = certificates.server.server_context(client_authority=certificates.authority)
        fields = going_to(vendor, "")
        fields["extra"] |= {
            "verify": str(certificates.authority.certificate_file),
            "cert": whose and str(getattr(certificates, whose).both),
        }
        with RawServer((answer(),), tls=tls) as server:
            good, message = press(**{**fields, "host": server.url})
        assert not good
        assert message.startswith("No connection: Nothing was sent: the server wants a client certificate")
        assert "'cert' (Client certificate)" in message

    @pytest.mark.parametrize("passphrase", ["", "wr0ng-one"])
    def test_a_key_that_does_not_open(
        self,
        press: Press,
        vendor: SandboxConnection,
        certificates: Certificates,
        passphrase: str,
        tmp_path: Path,
    ) -> None:
        fields = going_to(vendor, "https://127.0.0.1:9")
        cert = str(encrypted(certificates.client, "p4ssphrase", tmp_path))
        fields["extra"] |= {"cert": cert, "cert_password": passphrase}
        good, message = press(**fields)
        assert not good
        assert "field 'cert_password'" in message
        assert "wr0ng-one" not in message

    def test_a_server_without_tls(self, press: Press, vendor: SandboxConnection) -> None:
        with RawServer((_plain_refusal,)) as server:
            good, message = press(**going_to(vendor, server.url.replace("http", "https")))
        assert not good
        assert message.startswith("Bad TLS: Nothing was sent: the server does not speak TLS")
        assert "the server has no TLS: start 'host' (" in message
        assert "with http://, which is not encrypted" in message

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_is_sent_once_and_no_more(self, press: Press, vendor: SandboxConnection, status: int) -> None:
        with RawServer((answer(response(b"{}", status=status, Retry_After="1")),)) as server:
            press(**going_to(vendor, server.url))
        assert len(server.requests) == 1

    def test_times_are_short_whatever_the_connection_says(self) -> None:
        from airflow_provider_workflows.core.transport.endpoint import Endpoint

        patient = Endpoint(base_url="http://vendor.invalid", timeout=600, connect_timeout=60)
        short = probe._impatient(patient)
        assert (short.timeout, short.connect_timeout) == (probe.ANSWER, probe.CONNECT)
        assert short.connect_timeout + 4 * short.timeout <= 60
        shorter = replace(patient, timeout=1, connect_timeout=1)
        assert probe._impatient(shorter) == shorter

    def test_a_redirect(self, press: Press, vendor: SandboxConnection) -> None:
        script = answer(response(b"", status=302, Location="https://elsewhere.invalid/"))
        with RawServer((script,)) as server:
            good, message = press(**going_to(vendor, server.url))
        assert (good, message.split(":")[0]) == (False, "Wrong address")

    def test_a_page_that_is_no_api(self, press: Press, vendor: SandboxConnection) -> None:
        if DECLARED[vendor.conn_type].may_answer_pages:
            pytest.skip("what the vendor answers then is not documented: it may be a page")
        with RawServer((answer(response(b"<html></html>", Content_Type="text/html")),)) as server:
            good, message = press(**going_to(vendor, server.url))
        assert (good, message.split(":")[0]) == (False, "Wrong address")

    def test_a_server_that_echoes_what_it_gets(self, press: Press, vendor: SandboxConnection) -> None:
        def echo(peer: Peer) -> None:
            seen = peer.read()
            peer.send(response(seen.target.encode() + seen.head + seen.body, status=404))

        with RawServer((echo,)) as server:
            press(**going_to(vendor, server.url))
        sent = str(server.requests)
        assert [form for form in (*forms_of(SECRET), forms_of(f"{vendor.login}:{SECRET}")[2]) if form in sent]


def test_whatever_happens_is_an_answer_without_its_text(omflow: OMFlowServer) -> None:
    class Broken(OMFlowHook):
        def probe(self, api: OMFlowApi) -> Any:
            raise RuntimeError(SECRET)

    assert Broken().test_connection() == (False, "The connection cannot be tested: RuntimeError")


def test_a_connection_that_there_is_not() -> None:
    good, message = OMFlowHook("no_such_connection").test_connection()
    assert not good
    assert "AirflowNotFoundException" in message


def test_each_kind_of_failure_has_its_advice() -> None:
    for kind, _, advice in probe.ADVICE:
        assert issubclass(kind, WorkflowError)
        for form in FORMS:
            assert "{" not in advice.format_map(probe._labels(form, ("login", "password")))
