"""Reads and checks an Airflow connection according to its form, and derives the endpoint from it."""

from __future__ import annotations

import base64
import copy
import difflib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_workflows.core.connection.conversion import CONVERSIONS, FALSE, TRUE
from airflow_provider_workflows.core.connection.form import ConnectionForm, Field
from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.protocol.scrubbing import scrub
from airflow_provider_workflows.core.protocol.secret import Secret, concealed
from airflow_provider_workflows.core.transport.answer import MEGABYTE
from airflow_provider_workflows.core.transport.endpoint import (
    DEFAULT_PORTS,
    Endpoint,
    InvalidAddress,
    Proxy,
    base_url,
)
from airflow_provider_workflows.core.transport.redaction import SHORTEST
from airflow_provider_workflows.exceptions import InvalidConnection

if TYPE_CHECKING:
    from airflow.sdk import Connection

#: Similarity to a field's name, from 0 to 1, from which an unknown name counts as a typo.
NEAR = 0.8
#: The text that Airflow's API server shows instead of a secret. When the form sends it back, the server
#: restores the secret, but only in fields whose name it treats as secret, while it masks every value that is
#: a secret anywhere.
MASK = "***"
#: Start of a certificate or key in text form.
PEM = "-----BEGIN"
MASKED = (
    "contains Airflow's mask *** instead of a value\n"
    "If *** was saved, enter the value again. If another secret in Airflow has the same value, the API "
    "server masks this field only for the test"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    A validated connection, with every value converted to its declared type.

    :param base_url: scheme, host, port and path prefix
    :param proxy: the connection's proxy, or else the environment's
    :param options: values of the extra fields by name, including defaults
    :param namespace: distinguishes this Airflow installation from others that use the same account
    :param ui_url: URL template of a record's page in the vendor's UI; empty if not set
    :param unknown: names in the extra that are not fields
    """

    conn_id: str
    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    proxy: Proxy | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    namespace: str = field(default="", repr=False)
    ui_url: str = field(default="", repr=False)
    unknown: tuple[str, ...] = ()

    def endpoint(self, *, headers: Mapping[str, str]) -> Endpoint:
        """Return the endpoint, with the same proxy and certificates for both HTTP libraries."""
        return Endpoint(
            base_url=self.base_url,
            conn_id=self.conn_id,
            timeout=self.options["timeout"],
            connect_timeout=min(10.0, self.options["timeout"]),
            largest_answer=int(self.options["max_answer_mb"] * MEGABYTE),
            ca=_certificates(self._verify()),
            client_cert=_client_cert(self.options["cert"]),
            cert_password=self.options["cert_password"] or "",
            proxy=self.proxy,
            headers=headers,
            identity=(self.login, self.password),
        )

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets, and the password in the forms that may reach a log: quoted, as Basic auth."""
        names = ("cert_password", "limits_password")
        other = tuple(value for name in names if (value := self.options.get(name)))
        if not self.password:
            return other
        basic = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        return (self.password, Secret(quote(self.password, safe="")), Secret(basic), *other)

    def _verify(self) -> str | bool:
        text = str(self.options["verify"])
        if text.lower() in TRUE:
            return True
        return False if text.lower() in FALSE else text


def without_repr(connection: Connection) -> Connection:
    """Return a connection whose ``repr`` does not show its secrets, as Airflow's own does."""
    hidden = copy.copy(connection)
    hidden.password, hidden.extra = (
        Secret(one) if one is not None else None for one in (connection.password, connection.extra)
    )
    return hidden


def read_settings(connection: Connection, form: ConnectionForm) -> Settings:
    """
    Check a connection against its form.

    :raises InvalidConnection: a field is missing or invalid; the message names it and what is expected
    """
    connection = without_repr(connection)
    fields = _Fields(connection, form)
    fields.require()
    fields.check_printable()
    fields.check_pasted()
    fields.check_names()
    options = fields.options()
    fields.check_links(options)
    url = fields.base_url(options)
    return Settings(
        conn_id=connection.conn_id or "",
        base_url=url,
        proxy=fields.proxy(url, options["proxies"]),
        login=connection.login or "",
        password=Secret(connection.password or ""),
        options=options,
        namespace=str(options["namespace"] or ""),
        ui_url=str(options.get("ui_url") or ""),
        unknown=fields.unknown,
    )


def owner(form: ConnectionForm, conn_id: str | None) -> str:
    """Return a connection's name for messages."""
    return f"Connection {conn_id!r} of type {form.conn_type!r}"


def misstated(form: ConnectionForm, conn_id: str | None, name: str, expected: str) -> InvalidConnection:
    """
    Return the error for an invalid field.

    :param expected: what is wrong or expected, phrased to follow the field's name; without the value, which
        could be a secret in the wrong field
    """
    return InvalidConnection(f"{owner(form, conn_id)}: field {form.named(name)} {expected}")


class _Fields:
    """The fields of one connection, while they are validated."""

    def __init__(self, connection: Connection, form: ConnectionForm) -> None:
        self.connection = connection
        self.form = form

    def wrong(self, name: str, expected: str) -> InvalidConnection:
        return misstated(self.form, self.connection.conn_id, name, expected)

    def require(self) -> None:
        for name in self.form.required:
            if not getattr(self.connection, name):
                raise self.wrong(name, "is empty but required")
        if self.connection.password == MASK:
            raise self.wrong("password", MASKED)

    def check_printable(self) -> None:
        """Refuse values that a header cannot carry; a pasted key often ends with a line break."""
        for name in ("login", "password"):
            if not (getattr(self.connection, name) or "").strip().isprintable():
                raise self.wrong(name, "contains a line break or another character that cannot be sent")

    def check_pasted(self) -> None:
        """
        Refuse a certificate or key pasted into a field whose value a message may show.

        The form joins pasted lines into one, so that a line break does not reveal it.
        """
        values = {name: getattr(self.connection, name) for name in ("host", "schema", "login")}
        values |= {one.name: self.extra.get(one.name) for one in self.form.all_fields if not one.secret}
        for name, value in values.items():
            if PEM in str(value):
                cert, verify = self.form.named("cert"), self.form.named("verify")
                raise self.wrong(
                    name,
                    "contains a certificate or key. Put it into a file on every Airflow machine, and enter "
                    f"the path of that file in {cert} or {verify}",
                )

    def base_url(self, options: Mapping[str, object]) -> str:
        host = (self.connection.host or self._usual_host(options) or "").strip()
        if host.count(":") > 1 and "://" not in host and not host.startswith("["):
            host = f"[{host}]"  # a connection from a URI has its IPv6 address without brackets
        scheme = (self.connection.schema or "https").strip().lower()
        url = host if "://" in host else f"{scheme}://{host}"
        if url.partition("://")[0].lower() not in DEFAULT_PORTS:
            raise self.wrong("host" if "://" in host else "schema", "must be of scheme http or https")
        if scheme not in ("", *DEFAULT_PORTS):
            # From a URI such as vendor://https://host/path: without its path, it would be another address.
            raise self.wrong("schema", "must be http or https. If it is a path, add it to the host")
        # The form sends 0 where nothing is filled in.
        if not 0 <= (self.connection.port or 0) < 2**16:
            raise self.wrong("port", "must be a number from 1 to 65535")
        try:
            return base_url(url, port=self.connection.port)
        except InvalidAddress as error:
            raise self.wrong("host", str(error)) from None

    def proxy(self, url: str, proxies: Mapping[str, str] | None) -> Proxy | None:
        """
        Find the proxy for a URL: the connection's, else the environment's unless no_proxy exempts the host.

        A proxy that cannot be used is an error, never skipped.
        """
        from requests.utils import get_environ_proxies, select_proxy

        known: Any = concealed(dict(proxies) if proxies is not None else get_environ_proxies(url))
        chosen: str | None = select_proxy(url, known)
        try:
            return Proxy.parse(chosen) if chosen else None
        except InvalidAddress as error:
            whose = "" if proxies is not None else "is empty, and the environment's variable for it "
            raise self.wrong("proxies", f"{whose}{error}") from None

    def _usual_host(self, options: Mapping[str, object]) -> str | None:
        chosen = (one.hosts.get(str(options[one.name])) for one in self.form.all_fields)
        return next(filter(None, chosen), self.form.default_host)

    @cached_property
    def extra(self) -> dict[str, object]:
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
        Refuse a name that is probably a typo of a missing field's name.

        If it were ignored, ``enviroment`` would mean the default environment: production. Names that resemble
        no field may belong to someone else.
        """
        absent = [one.name for one in self.form.all_fields if one.name not in self.extra]
        for name in self.unknown:
            for near in difflib.get_close_matches(name, absent, n=1, cutoff=NEAR):
                meant = self.form.named(near)
                raise self.wrong("extra", f"has an unknown field {name!r}. Did you mean {meant}?")

    def options(self) -> dict[str, Any]:
        return {one.name: self._option(one, self.extra.get(one.name)) for one in self.form.all_fields}

    def _held(self, one: Field, value: Any) -> Any:
        """Return a field's value so that an error's frames do not show it if it is, or may have, a secret."""
        return concealed(value) if one.secret or one.kind == "object" else value

    def check_links(self, options: Mapping[str, Any]) -> None:
        """Refuse a secret in the link, which everyone who can see a task can see."""
        held = [options[one.name] for one in self.form.all_fields if one.secret]
        secrets = tuple(one for one in (self.connection.password, *held) if one and len(one) >= SHORTEST)
        template = options.get("ui_url")
        if template and scrub(unquote(template), secrets) != unquote(template):
            raise self.wrong(
                "ui_url", "contains a secret of the connection, which everyone who can see a task could read"
            )

    def _option(self, one: Field, value: object) -> object:
        if value is None or value == "":
            if one.required:
                raise self.wrong(one.name, "is empty but required")
            return one.default
        if value == MASK or (isinstance(value, dict) and MASK in value.values()):
            raise self.wrong(one.name, MASKED)
        value = self._held(one, value)
        converted = self._held(one, self._convert(one, value))
        if one.forgiving:
            converted = _folded(converted)
        if one.choices and converted not in one.choices:
            raise self.wrong(one.name, f"must be one of {', '.join(one.choices)}")
        if one.minimum is not None and converted <= one.minimum:
            raise self.wrong(one.name, f"must be a number greater than {one.minimum:g}")
        if one.check is not None and (expected := one.check(converted)) is not None:
            raise self.wrong(one.name, expected)
        return converted

    def _convert(self, one: Field, value: object) -> Any:
        try:
            return CONVERSIONS[one.kind](value)
        except (TypeError, ValueError):
            raise self.wrong(one.name, f"must be of type {one.kind}") from None


def _folded(text: str) -> str:
    """Return a name without accents, in lower case."""
    parts = unicodedata.normalize("NFKD", text.strip())
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def _certificates(verify: str | bool) -> str | bool:
    """Return the CA file for both clients, because the defaults of requests and aiohttp differ."""
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
