"""Reads an Airflow connection by its form's declaration, and finds the road to the vendor from it."""

from __future__ import annotations

import base64
import difflib
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from airflow_provider_workflows.base.conversion import CONVERSIONS, FALSE, TRUE
from airflow_provider_workflows.base.form import ConnectionForm, Field
from airflow_provider_workflows.protocol.errors import InvalidConnection
from airflow_provider_workflows.protocol.message import scrub
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.redaction import SHORTEST

if TYPE_CHECKING:
    from airflow.sdk import Connection

#: How like a field's name another must be, from 0 to 1, to be taken for a slip of the pen.
NEAR = 0.8
#: What Airflow's API server shows in a secret's place. What it is sent back it replaces by the secret, but
#: only in fields whose name it takes for a secret's, while it masks every value that is a secret somewhere.
MASK = "***"
#: Scheme -> the port that goes without saying.
USUAL_PORTS = {"https": 443, "http": 80}
#: Beginning of a certificate or key that is text.
PEM = "-----BEGIN"
MASKED = (
    "holds ***, Airflow's mask, and not its value. Either that was saved, and it must be filled in again; or "
    "the API server masks it because a password or another secret is the same word, and only Test is wrong"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    A connection, checked and with every value of its declared type.

    :param base_url: scheme, host, port and path prefix
    :param options: values of the extra fields by name, defaults filled in
    :param unknown: names in the extra that are none of a field
    """

    conn_id: str
    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unknown: tuple[str, ...] = ()

    def endpoint(self, *, headers: Mapping[str, str]) -> Endpoint:
        """Return the road to the vendor: the same proxy and certificates for both HTTP libraries."""
        return Endpoint(
            base_url=self.base_url,
            timeout=self.options["timeout"],
            connect_timeout=min(10.0, self.options["timeout"]),
            ca=_certificates(self._verify()),
            client_cert=_client_cert(self.options["cert"]),
            proxy=_proxy(self.base_url, self.options["proxies"]),
            headers=headers,
            identity=(self.login, self.password),
        )

    @property
    def server(self) -> str:
        """The vendor's server as ``host:port``, and nothing else of its URL."""
        parts = urlsplit(self.base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or USUAL_PORTS[parts.scheme]}"

    @property
    def namespace(self) -> str:
        """What tells this installation of Airflow from others that use the same account at the vendor."""
        return str(self.options["namespace"] or "")

    @property
    def ui_url(self) -> str:
        """The form of the addresses of the vendor's pages; empty if there is none."""
        return str(self.options.get("ui_url") or "")

    def secrets(self) -> tuple[str, ...]:
        """Return the forms of the password beside itself, which Airflow masks, that may reach a log."""
        if not self.password:
            return ()
        basic = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        return (self.password, quote(self.password, safe=""), basic)

    def _verify(self) -> str | bool:
        text = str(self.options["verify"])
        if text.lower() in TRUE:
            return True
        return False if text.lower() in FALSE else text


def read_settings(connection: Connection, form: ConnectionForm) -> Settings:
    """
    Check a connection against its form.

    :raises InvalidConnection: a field is missing or wrong; the message names it and what was expected
    """
    fields = _Fields(connection, form)
    fields.require()
    fields.check_printable()
    fields.check_pasted()
    fields.check_names()
    options = fields.options()
    fields.check_links(options)
    return Settings(
        conn_id=connection.conn_id or "",
        base_url=fields.base_url(options),
        login=connection.login or "",
        password=connection.password or "",
        options=options,
        unknown=fields.unknown,
    )


def owner(form: ConnectionForm, conn_id: str | None) -> str:
    """Return how messages name a connection."""
    return f"Connection {conn_id!r} of type {form.conn_type!r}"


def misstated(form: ConnectionForm, conn_id: str | None, name: str, expected: str) -> InvalidConnection:
    """
    Return the error of a field that is wrong.

    :param expected: what is wrong with it or expected of it, to follow its name; without the value, which may
        be a secret in the wrong place
    """
    return InvalidConnection(f"{owner(form, conn_id)}: field {form.named(name)} {expected}")


class _Fields:
    """One connection's fields while they are checked."""

    def __init__(self, connection: Connection, form: ConnectionForm) -> None:
        self.connection = connection
        self.form = form

    def wrong(self, name: str, expected: str) -> InvalidConnection:
        return misstated(self.form, self.connection.conn_id, name, expected)

    def require(self) -> None:
        for name in self.form.required:
            if not getattr(self.connection, name):
                raise self.wrong(name, "is empty but needed")
        if self.connection.password == MASK:
            raise self.wrong("password", MASKED)

    def check_printable(self) -> None:
        """Refuse what no header can carry; a key that was pasted often ends in a line break."""
        for name in ("login", "password"):
            if not (getattr(self.connection, name) or "").strip().isprintable():
                raise self.wrong(name, "has a line break or another character that cannot be sent")

    def check_pasted(self) -> None:
        """
        Refuse a certificate or key itself where a message may show the value.

        The form's fields make one line of what is pasted, so that it does not break.
        """
        values = {name: getattr(self.connection, name) for name in ("host", "schema", "login")}
        values |= {one.name: self.extra.get(one.name) for one in self.form.all_fields if not one.secret}
        for name, value in values.items():
            if PEM in str(value):
                cert, verify = self.form.named("cert"), self.form.named("verify")
                raise self.wrong(
                    name,
                    "has a certificate or a key itself in it, which belongs into a file on every machine of "
                    f"Airflow's: {cert} and {verify} take the path of such a file",
                )

    def base_url(self, options: Mapping[str, Any]) -> str:
        host = (self.connection.host or self._usual_host(options) or "").strip()
        if host.count(":") > 1 and "://" not in host and not host.startswith("["):
            host = f"[{host}]"  # a connection that comes from a URI has its IPv6 address without brackets
        scheme = (self.connection.schema or "https").strip().lower()
        url = host if "://" in host else f"{scheme}://{host}"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self.wrong("host", "is not a host name or URL") from None
        if parts.scheme not in ("http", "https"):
            raise self.wrong("host" if "://" in host else "schema", "must be of scheme http or https")
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise self.wrong("host", "must be a host name, or a URL without login, query and fragment")
        if self.connection.port and port is None:
            port = self.connection.port
        # A port that is filled in and one that goes without saying lead to the same server, which a task that
        # has begun compares.
        port = None if port == USUAL_PORTS[parts.scheme] else port
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path.rstrip('/')}"

    def _usual_host(self, options: Mapping[str, Any]) -> str | None:
        chosen = (one.hosts.get(str(options[one.name])) for one in self.form.all_fields)
        return next(filter(None, chosen), self.form.default_host)

    @functools.cached_property
    def extra(self) -> dict[str, Any]:
        try:
            extra = json.loads(self.connection.extra or "{}")
        except ValueError:
            raise self.wrong("extra", "is not JSON") from None
        if not isinstance(extra, dict):
            raise self.wrong("extra", "must be a JSON object")
        return extra

    @property
    def unknown(self) -> tuple[str, ...]:
        known = {one.name for one in self.form.all_fields}
        return tuple(name for name in self.extra if name not in known)

    def check_names(self) -> None:
        """
        Refuse a name that is nearly a field's which is not given.

        Passed over, ``enviroment`` would be the default environment: production. What is like no field's may
        be there for somebody else.
        """
        absent = [one.name for one in self.form.all_fields if one.name not in self.extra]
        for name in self.unknown:
            for near in difflib.get_close_matches(name, absent, n=1, cutoff=NEAR):
                meant = self.form.named(near)
                raise self.wrong("extra", f"has {name!r}, which is no field; {meant} is nearly its name")

    def options(self) -> dict[str, Any]:
        return {one.name: self._option(one, self.extra.get(one.name)) for one in self.form.all_fields}

    def check_links(self, options: Mapping[str, Any]) -> None:
        """Refuse a secret in what whoever sees a task sees."""
        held = [options[one.name] for one in self.form.all_fields if one.secret]
        secrets = tuple(one for one in (self.connection.password, *held) if one and len(one) >= SHORTEST)
        template = options.get("ui_url")
        if template and scrub(unquote(template), secrets) != unquote(template):
            raise self.wrong("ui_url", "has a secret of the connection in it, for all who see a task to read")

    def _option(self, one: Field, value: Any) -> Any:
        if value is None or value == "":
            if one.required:
                raise self.wrong(one.name, "is empty but needed")
            return one.default
        if value == MASK or (isinstance(value, dict) and MASK in value.values()):
            raise self.wrong(one.name, MASKED)
        value = self._convert(one, value)
        if one.choices and value not in one.choices:
            raise self.wrong(one.name, f"must be one of {', '.join(one.choices)}")
        if one.minimum is not None and value <= one.minimum:
            raise self.wrong(one.name, f"must be a number above {one.minimum:g}")
        if one.check is not None and (expected := one.check(value)) is not None:
            raise self.wrong(one.name, expected)
        return value

    def _convert(self, one: Field, value: Any) -> Any:
        try:
            return CONVERSIONS[one.kind](value)
        except (TypeError, ValueError):
            raise self.wrong(one.name, f"must be of type {one.kind}") from None


def _certificates(verify: str | bool) -> str | bool:
    """Return the CA file that both clients use; requests and aiohttp have different defaults of their own."""
    import os

    import certifi

    if verify is not True:
        return verify
    named = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"))
    return next((path for path in named if path), certifi.where())


def _client_cert(value: str | None) -> str | tuple[str, str] | None:
    if not value:
        return None
    certificate, comma, key = (part.strip() for part in value.partition(","))
    return (certificate, key) if comma else certificate


def _proxy(url: str, proxies: Mapping[str, str] | None) -> str | None:
    """
    Return the proxy for a URL: the connection's, else the environment's unless no_proxy exempts the host.
    """
    from requests.utils import get_environ_proxies, select_proxy

    chosen: str | None = select_proxy(url, dict(proxies) if proxies is not None else get_environ_proxies(url))
    return chosen
