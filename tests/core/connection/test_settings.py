"""Reading a connection: what counts as what, and what is said when it is wrong."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import certifi
import pytest
from airflow.sdk import BaseHook, Connection
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.connection.form import ConnectionForm, Field
from airflow_provider_workflows.core.connection.settings import Settings, read_settings
from airflow_provider_workflows.core.transport.endpoint import Endpoint, Proxy
from airflow_provider_workflows.exceptions import InvalidConnection
from airflow_provider_workflows.omflow.connection import FORM

PASSWORD = "hunter2-very-secret"
ENVIRONMENT = [
    f"{name}{suffix}"
    for name in ("http", "https", "all", "no", "HTTP", "HTTPS", "ALL", "NO")
    for suffix in ("_proxy", "_PROXY")
]

OTHER = ConnectionForm(
    conn_type="other",
    hook_name="Other",
    hook_class="nowhere.Hook",
    vendor_docs="https://example.com/docs",
    required=(),
    fields=(
        Field(name="strict", label="Strict", kind="boolean", default=False),
        Field(name="pages", label="Pages", kind="integer", minimum=0),
    ),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificates of the machine on which the tests run."""
    for name in (*ENVIRONMENT, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def settings(form: ConnectionForm = FORM, *, extra: Any = None, **fields: Any) -> Settings:
    shown = {"host": "flow.example", "login": "robot", "password": PASSWORD, **fields}
    text = extra if isinstance(extra, str) else json.dumps(extra or {})
    return read_settings(Connection(conn_id="flow", conn_type=form.conn_type, extra=text, **shown), form)


def endpoint(**fields: Any) -> Endpoint:
    return settings(**fields).endpoint(headers={"Accept": "application/json"})


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "flow.example"}, "https://flow.example"),
        ({"host": "flow.example", "schema": "http", "port": 8080}, "http://flow.example:8080"),
        ({"host": "flow.example/prefix/", "port": 8443}, "https://flow.example:8443/prefix"),
        ({"host": "http://flow.example"}, "http://flow.example"),
        ({"host": "http://flow.example", "schema": "https"}, "http://flow.example"),
        ({"host": "https://flow.example:9443/a/b/", "port": 1}, "https://flow.example:9443/a/b"),
        ({"host": "HTTPS://Flow.Example/Prefix"}, "https://flow.example/Prefix"),
        ({"host": " flow.example ", "schema": " HTTP "}, "http://flow.example"),
        ({"host": "127.0.0.1", "schema": "http", "port": 80}, "http://127.0.0.1"),
        ({"host": "127.0.0.1", "port": 443}, "https://127.0.0.1"),
        ({"host": "127.0.0.1", "schema": "http", "port": 443}, "http://127.0.0.1:443"),
        ({"host": "[::1]", "schema": "http", "port": 8080}, "http://[::1]:8080"),
        ({"host": "::1", "port": 8080}, "https://[::1]:8080"),
        ({"host": "http://[fe80::1]:81/x"}, "http://[fe80::1]:81/x"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_base_url(fields: dict[str, Any], url: str) -> None:
    assert settings(**fields).base_url == url


def _wrong(value: Any, name: str) -> Any:
    return pytest.param(value, name, id=f"{name}: {json.dumps(value)}")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        _wrong({"host": ""}, "host"),
        _wrong({"login": ""}, "login"),
        _wrong({"password": None}, "password"),
        _wrong({"password": f"{PASSWORD}\nX"}, "password"),
        _wrong({"login": "ro\tbot"}, "login"),
        _wrong({"host": "ftp://flow.example"}, "host"),
        _wrong({"host": "flow.example", "schema": "omflow"}, "schema"),
        _wrong({"host": "https://flow.example", "schema": "bpm"}, "schema"),
        _wrong({"host": "http://"}, "host"),
        _wrong({"host": "http://flow.example:notaport"}, "host"),
        _wrong({"host": "http://[::1"}, "host"),
        _wrong({"host": "flow.example:80:90"}, "host"),
        _wrong({"host": "///"}, "host"),
        _wrong({"host": f"http://robot:{PASSWORD}@flow.example"}, "host"),
        _wrong({"host": f"http://flow.example/?key={PASSWORD}"}, "host"),
        _wrong({"host": f"http://flow.example/#{PASSWORD}"}, "host"),
        _wrong({"extra": "{not json"}, "extra"),
        _wrong({"extra": "[1]"}, "extra"),
        _wrong({"extra": {"timeout": "soon"}}, "timeout"),
        _wrong({"extra": {"timeout": 0}}, "timeout"),
        _wrong({"extra": {"timeout": -1}}, "timeout"),
        _wrong({"extra": {"timeout": True}}, "timeout"),
        _wrong({"extra": {"timeout": "nan"}}, "timeout"),
        _wrong({"extra": {"timeout": [30]}}, "timeout"),
        _wrong({"extra": {"language": "klingon"}}, "language"),
        _wrong({"extra": {"server_version": "1.3"}}, "server_version"),
        _wrong({"extra": {"server_version": 1}}, "server_version"),
        _wrong({"extra": {"verify": {"a": 1}}}, "verify"),
        _wrong({"extra": {"cert": ["a", "b"]}}, "cert"),
        _wrong({"extra": {"proxies": "http://proxy:3128"}}, "proxies"),
        _wrong({"extra": {"proxies": ["http://proxy:3128"]}}, "proxies"),
        _wrong({"extra": {"proxies": {"https": 3128}}}, "proxies"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidConnection) as caught:
        settings(**fields)
    assert f"field '{named}'" in str(caught.value)
    assert "'flow'" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from([one.name for one in FORM.all_fields]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just(PASSWORD),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)
def test_no_extra_breaks_the_reading_or_makes_it_talk(extra: dict[str, Any]) -> None:
    read, refusal = None, ""
    try:
        read = settings(extra=json.dumps(extra))
    except InvalidConnection as error:
        refusal = str(error)
    assert PASSWORD not in f"{read!r} {refusal}"
    if read is None:
        assert any(f"field '{name}'" in refusal for name in extra)
    else:
        assert read.options["timeout"] > 0
        assert read.options["server_version"] in ("1.1", "1.2")
        assert read.endpoint(headers={}).url("x") == "https://flow.example/x"


def test_defaults() -> None:
    road = endpoint()
    assert (road.timeout, road.connect_timeout) == (30, 10)
    assert road.ca == certifi.where()
    assert (road.client_cert, road.proxy) == (None, None)


@pytest.mark.parametrize("verify", [False, "false", "False", "no", "0", 0, "off"])
def test_verify_off(verify: Any) -> None:
    assert endpoint(extra={"verify": verify}).ca is False


@pytest.mark.parametrize("verify", [True, "true", "TRUE", "yes", "1", 1, "", None])
def test_verify_on(verify: Any) -> None:
    assert endpoint(extra={"verify": verify}).ca == certifi.where()


def test_verify_by_a_file_of_ones_own() -> None:
    assert endpoint(extra={"verify": "/etc/ssl/Our CA.pem"}).ca == "/etc/ssl/Our CA.pem"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/etc/ssl/env.pem")
    assert endpoint().ca == "/etc/ssl/env.pem"
    assert endpoint(extra={"verify": "/own.pem"}).ca == "/own.pem"
    assert endpoint(extra={"verify": False}).ca is False


@pytest.mark.parametrize(
    ("cert", "expected"),
    [
        ("/a/both.pem", "/a/both.pem"),
        ("/a/cert.pem, /a/key.pem", ("/a/cert.pem", "/a/key.pem")),
        ("", None),
    ],
)
def test_client_certificate(cert: str, expected: Any) -> None:
    assert endpoint(extra={"cert": cert}).client_cert == expected


def test_the_passphrase_of_the_client_certificate_is_a_secret() -> None:
    read = settings(extra={"cert_password": "p4ssphrase"})
    road = read.endpoint(headers={})
    assert (road.cert_password, endpoint().cert_password) == ("p4ssphrase", "")
    assert "p4ssphrase" in read.secrets()
    assert "p4ssphrase" not in repr(read) + repr(road)


@pytest.mark.parametrize(
    ("timeout", "seconds", "connecting"), [("12.5", 12.5, 10.0), (3, 3.0, 3.0), ("45", 45.0, 10.0)]
)
def test_timeout_also_as_text(timeout: Any, seconds: float, connecting: float) -> None:
    road = endpoint(extra={"timeout": timeout})
    assert (road.timeout, road.connect_timeout) == (seconds, connecting)


class TestProxy:
    """The proxy is found once, so that worker and triggerer take the same road."""

    def test_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://env:3128")
        assert endpoint().proxy == Proxy(url="http://env:3128")
        assert endpoint(schema="http").proxy is None

    def test_of_the_connection_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://env:3128")
        assert endpoint(extra={"proxies": {"https": "http://own:3128"}}).proxy == Proxy(url="http://own:3128")

    def test_also_as_text(self) -> None:
        assert endpoint(extra={"proxies": '{"https": "http://own:3128"}'}).proxy == Proxy(
            url="http://own:3128"
        )

    def test_none_by_an_empty_object(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://env:3128")
        assert endpoint(extra={"proxies": {}}).proxy is None

    @pytest.mark.parametrize("exempt", ["flow.example", ".example", "*", "other,flow.example"])
    def test_no_proxy_exempts(self, exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://env:3128")
        monkeypatch.setenv("no_proxy", exempt)
        assert endpoint().proxy is None

    def test_no_proxy_for_others_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://env:3128")
        monkeypatch.setenv("no_proxy", "elsewhere.example")
        assert endpoint().proxy == Proxy(url="http://env:3128")


@pytest.mark.parametrize("text", ["true", "yes", "ON", "1", True, 1])
def test_booleans_also_as_text(text: Any) -> None:
    assert settings(OTHER, extra={"strict": text}).options["strict"] is True


@pytest.mark.parametrize(
    ("extra", "named"),
    [({"strict": "perhaps"}, "strict"), ({"pages": 1.5}, "pages"), ({"pages": 0}, "pages")],
)
def test_wrong_booleans_and_integers(extra: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidConnection, match=f"field '{named}'"):
        settings(OTHER, extra=extra)


@pytest.mark.parametrize("extra", [{}, {"tenant": ""}, {"tenant": None}], ids=str)
def test_a_required_extra_field_is_named_when_it_is_missing(extra: dict[str, Any]) -> None:
    form = ConnectionForm(
        conn_type="other",
        hook_name="Other",
        hook_class="nowhere.Hook",
        vendor_docs="https://example.com/docs",
        fields=(Field(name="tenant", label="Tenant", required=True, default="unused"),),
    )
    with pytest.raises(InvalidConnection, match=r"field 'tenant' \(Tenant\) is empty but required"):
        settings(form, extra=extra)
    assert settings(form, extra={"tenant": "t1"}).options["tenant"] == "t1"


def test_integers_also_as_text() -> None:
    assert settings(OTHER, extra={"pages": "12"}).options["pages"] == 12


def test_connection_from_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    # A URI's query brings nothing but text.
    monkeypatch.setenv(
        "AIRFLOW_CONN_FLOW",
        "omflow://robot:p%40ss%2Fword@flow.example:8080/http?verify=false&timeout=12&server_version=1.1"
        "&proxies=%7B%22http%22%3A%20%22http%3A%2F%2Fown%3A3128%22%7D",
    )
    read = read_settings(BaseHook.get_connection("flow"), FORM)
    assert read.base_url == "http://flow.example:8080"
    assert (read.login, read.password) == ("robot", "p@ss/word")
    assert read.options["server_version"] == "1.1"
    road = read.endpoint(headers={})
    assert (road.ca, road.timeout, road.proxy) == (False, 12.0, Proxy(url="http://own:3128"))


def test_fingerprint_changes_with_whatever_changes_the_road_or_the_caller() -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"password": "other"},
        {"login": "other"},
        {"host": "other.example"},
        {"extra": {"timeout": 31}},
        {"extra": {"verify": False}},
        {"extra": {"cert": "/c.pem"}},
        {"extra": {"cert_password": "p"}},
        {"extra": {"proxies": {"https": "http://p:1"}}},
    ]
    prints = [endpoint(**fields).fingerprint for fields in variants]
    assert len(set(prints)) == len(prints)
    assert endpoint().fingerprint == prints[0]
    assert all(PASSWORD not in text for text in prints)


HOSTED = ConnectionForm(
    conn_type="hosted",
    hook_name="Hosted",
    hook_class="nowhere.Hook",
    vendor_docs="https://example.com/docs",
    default_host="https://fallback.example",
    required=(),
    fields=(
        Field(
            name="stage",
            label="Stage",
            choices=("live", "test", "own"),
            default="live",
            hosts={"live": "https://live.example", "test": "https://test.example"},
        ),
    ),
)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": ""}, "https://live.example"),
        ({"host": "", "extra": {"stage": "test"}}, "https://test.example"),
        ({"host": "", "extra": {"stage": "own"}}, "https://fallback.example"),
        ({"host": "gateway.example", "extra": {"stage": "test"}}, "https://gateway.example"),
    ],
    ids=["default choice", "another choice", "a choice without host", "named by the connection"],
)
def test_a_choice_stands_for_a_host(fields: dict[str, Any], url: str) -> None:
    assert settings(HOSTED, **fields).base_url == url


class TestNames:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("sever_version", r"'server_version' \(Server version\)"),
            ("Language", r"'language' \(Language\)"),
            ("time_out", r"'timeout' \(Timeout \(s\)\)"),
            ("verfiy", r"'verify' \(Verify TLS\)"),
            ("ui-url", r"'ui_url' \(Link to the page\)"),
        ],
    )
    def test_a_slip_of_the_pen_is_refused_without_its_value(self, name: str, meant: str) -> None:
        with pytest.raises(
            InvalidConnection, match=f"unknown field '{name}'. Did you mean .*{meant}"
        ) as caught:
            settings(extra={name: PASSWORD})
        assert PASSWORD not in str(caught.value)

    def test_not_if_the_field_is_there_too(self) -> None:
        read = settings(extra={"verfiy": "x", "verify": "true"})
        assert read.unknown == ("verfiy",)

    @pytest.mark.parametrize("name", ["allow_redirects", "check_response", "trust_env", "max_redirects", "x"])
    def test_what_is_like_no_field_may_be_there(self, name: str) -> None:
        # The first four are the http provider's, for connections that both use.
        assert settings(extra={name: True}).unknown == (name,)
        assert settings().unknown == ()


class TestMask:
    @pytest.mark.parametrize(
        "fields", [{"password": "***"}, {"extra": {"proxies": {"https": "***"}}}], ids=str
    )
    def test_a_mask_is_no_value(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidConnection, match=r"contains Airflow's mask \*\*\* instead"):
            settings(**fields)

    def test_nor_in_a_choice(self) -> None:
        with pytest.raises(
            InvalidConnection, match=r"'language' \(Language\) contains Airflow's mask \*\*\*"
        ):
            settings(extra={"language": "***"})


class TestUiUrl:
    @pytest.mark.parametrize(
        "template",
        [
            f"https://x.example/?key={PASSWORD}",
            "https://x.example/?key=" + PASSWORD.replace("-", "%2D"),
            "https://x.example/" + base64.b64encode(PASSWORD.encode()).decode(),
        ],
        ids=["plain", "quoted", "Base64"],
    )
    def test_holds_no_secret(self, template: str) -> None:
        with pytest.raises(
            InvalidConnection, match=r"'ui_url' .* contains a secret of the connection"
        ) as caught:
            settings(extra={"ui_url": template})
        assert PASSWORD not in str(caught.value)

    def test_nor_one_of_another_field(self) -> None:
        form = replace(FORM, fields=(Field(name="other_secret", label="Other", secret=True),))
        with pytest.raises(InvalidConnection, match="'ui_url' "):
            settings(form, extra={"other_secret": "s3cret-too", "ui_url": "https://x.example/s3cret-too"})

    def test_is_kept_as_it_is(self) -> None:
        template = "https://x.example/{api_path}/{data_no}"
        assert settings(extra={"ui_url": template}).options["ui_url"] == template
