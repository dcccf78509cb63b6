"""Reads an Airflow connection by its form's declaration, and finds the road to the vendor from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_workflows.base.form import ConnectionForm, Field
from airflow_provider_workflows.protocol.errors import InvalidConnection
from airflow_provider_workflows.transport.endpoint import Endpoint

if TYPE_CHECKING:
    from airflow.sdk import Connection

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    A connection, checked and with every value of its declared type.

    :param base_url: scheme, host, port and path prefix
    :param options: values of the extra fields by name, defaults filled in
    """

    conn_id: str
    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

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

    def _verify(self) -> str | bool:
        text = str(self.options["verify"])
        if text.lower() in _TRUE:
            return True
        return False if text.lower() in _FALSE else text


def read_settings(connection: Connection, form: ConnectionForm) -> Settings:
    """
    Check a connection against its form.

    :raises InvalidConnection: a field is missing or wrong; the message names it and what was expected
    """
    fields = _Fields(connection, form)
    fields.require()
    fields.check_printable()
    return Settings(
        conn_id=connection.conn_id or "",
        base_url=fields.base_url(),
        login=connection.login or "",
        password=connection.password or "",
        options=fields.options(),
    )


class _Fields:
    """One connection's fields while they are checked."""

    def __init__(self, connection: Connection, form: ConnectionForm) -> None:
        self.connection = connection
        self.form = form

    def wrong(self, name: str, expected: str) -> InvalidConnection:
        label = self.form.labels.get(name, name)
        shown = f"'{name}'" if label == name else f"'{name}' ({label})"
        return InvalidConnection(
            f"Connection {self.connection.conn_id!r} of type {self.form.conn_type!r}: field {shown} "
            f"{expected}"
        )

    def require(self) -> None:
        for name in self.form.required:
            if not getattr(self.connection, name):
                raise self.wrong(name, "is empty but needed")

    def check_printable(self) -> None:
        """Refuse what no header can carry; a key that was pasted often ends in a line break."""
        for name in ("login", "password"):
            if not (getattr(self.connection, name) or "").strip().isprintable():
                raise self.wrong(name, "has a line break or another character that cannot be sent")

    def base_url(self) -> str:
        host = (self.connection.host or self._usual_host() or "").strip()
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
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path.rstrip('/')}"

    def _usual_host(self) -> str | None:
        options = self.options()
        chosen = (one.hosts.get(str(options[one.name])) for one in self.form.all_fields)
        return next(filter(None, chosen), self.form.default_host)

    def options(self) -> dict[str, Any]:
        try:
            extra = json.loads(self.connection.extra or "{}")
        except ValueError:
            raise self.wrong("extra", "is not JSON") from None
        if not isinstance(extra, dict):
            raise self.wrong("extra", "must be a JSON object")
        return {one.name: self._option(one, extra.get(one.name)) for one in self.form.all_fields}

    def _option(self, one: Field, value: Any) -> Any:
        if value is None or value == "":
            if one.required:
                raise self.wrong(one.name, "is empty but needed")
            return one.default
        value = self._convert(one, value)
        if one.choices and value not in one.choices:
            raise self.wrong(one.name, f"must be one of {', '.join(one.choices)}")
        if one.minimum is not None and value <= one.minimum:
            raise self.wrong(one.name, f"must be a number above {one.minimum:g}")
        return value

    def _convert(self, one: Field, value: Any) -> Any:
        try:
            return _CONVERSIONS[one.kind](value)
        except (TypeError, ValueError):
            raise self.wrong(one.name, f"must be of type {one.kind}") from None


def _as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError
    return str(value)


def _as_boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _as_number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _as_integer(value: Any) -> int:
    number = _as_number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _as_object(value: Any) -> dict[str, Any]:
    decoded = json.loads(value) if isinstance(value, str) else value
    if not isinstance(decoded, dict) or not all(isinstance(entry, str) for entry in decoded.values()):
        raise TypeError
    return decoded


_CONVERSIONS = {
    "string": _as_text,
    "boolean": _as_boolean,
    "number": _as_number,
    "integer": _as_integer,
    "object": _as_object,
}


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
