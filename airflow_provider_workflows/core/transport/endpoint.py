"""The address of a vendor account and how to reach it: decided once, for both adapters."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.core.transport.answer import ACCEPT_ENCODING

#: Scheme -> its default port.
DEFAULT_PORTS = {"https": 443, "http": 80}
#: Sent unless a connection has others, because each library would send its own.
DEFAULT_HEADERS = {
    "User-Agent": "airflow-provider-workflows",
    "Accept": "*/*",
    "Accept-Encoding": ACCEPT_ENCODING,
}

_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
_LABELS = re.compile(r"[a-z0-9_.-]+")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS = re.compile(r"(?:^|/)(?:\.|%2[Ee]){1,2}(?:/|$)")
#: A path and query that need no change.
_CLEAN = re.compile(
    r"(?:[\w\-.~:@!$&'()*+,;=/]++|%[0-9A-F]{2})*+(?:\?(?:[\w\-.~:@!$&'()*+,;=/?]++|%[0-9A-F]{2})*+)?", re.A
)
_KEPT = "/%:@!$&'()*+,;=~"


class InvalidAddress(ValueError):
    """An address cannot be used. The text continues a sentence about the field; it never quotes the value."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """
    An HTTP proxy.

    :param url: scheme, host and port
    :param headers: sent to the proxy: the credentials
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @staticmethod
    def parse(text: str) -> Proxy:
        """
        Read a proxy's URL. Without a scheme it is ``http``.

        :raises InvalidAddress: it is not a URL, or its scheme is not supported
        """
        text = Secret(text.strip())  # it may have a password
        scheme, separator = text.partition("://")[:2]
        if separator and scheme.lower() not in DEFAULT_PORTS:
            raise InvalidAddress(f"names a proxy of scheme {_shown(scheme)}, but only http and https work")
        parts = _split(text if separator else Secret(f"http://{text}"))
        headers: dict[str, str] = {}
        if parts.username or parts.password:
            login = Secret(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}")
            headers["Proxy-Authorization"] = Secret(f"Basic {base64.b64encode(login.encode()).decode()}")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        return Proxy(url=f"{parts.scheme}://{_host(parts)}:{port}", headers=headers)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """
    How to reach one vendor account. Worker and triggerer use the same.

    :param base_url: scheme, host, port and path prefix, as :func:`base_url` returns it
    :param conn_id: the Airflow connection, for errors; empty if Airflow made its name up
    :param timeout: seconds without a byte from the server before an answer counts as lost; a whole sending
        ends after ``connect_timeout`` and four times as long, plus the time of an upload. Resolving the
        host's name is the operating system's, which cannot be told to stop: in a worker it may take longer
    :param connect_timeout: seconds for name, connection and TLS handshake together
    :param largest_answer: maximum bytes of an answer's body
    :param ca: path of the trusted certificates, a file or a directory; True for Python's own; False to accept
        every certificate
    :param client_cert: path of a client certificate with its key, or (certificate, key)
    :param cert_password: passphrase of that key; empty if the key is not encrypted
    :param headers: sent with every request
    :param identity: the login, password or token; only its hash is used
    """

    base_url: str
    conn_id: str = ""
    timeout: float = 30.0
    connect_timeout: float = 10.0
    largest_answer: int = 16_000_000
    ca: str | bool = True
    client_cert: str | tuple[str, str] | None = None
    cert_password: str = field(default="", repr=False)
    proxy: Proxy | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    identity: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """A hash that differs whenever connection, host, TLS, proxy, headers or credentials do."""
        facts = (
            self.base_url,
            self.conn_id,
            self.timeout,
            self.connect_timeout,
            self.largest_answer,
            self.ca,
            self.client_cert,
            self.cert_password,
            self.proxy and (self.proxy.url, self.proxy.headers),
            sorted(self.headers.items()),
            self.identity,
        )
        # Not by repr, which hides the credentials.
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @cached_property
    def server(self) -> str:
        """The server as ``host:port``, and nothing else of its URL."""
        return server_of(self.base_url)

    @cached_property
    def host_header(self) -> str:
        """The value of the header ``Host``: without a dot at the end of the host, as in certificates."""
        host, colon, port = urlsplit(self.base_url).netloc.rpartition(":")
        if not colon or port.endswith("]"):
            return f"{host}{colon}{port}".rstrip(".")
        return f"{host.rstrip('.')}:{port}"

    @cached_property
    def known_headers(self) -> dict[str, tuple[str, str]]:
        """The headers of every request by lower-case name: how each is spelled, and its value."""
        fields = [("Host", self.host_header), *DEFAULT_HEADERS.items(), *self.headers.items()]
        if self.proxy is not None and self.base_url.startswith("http:"):
            fields += self.proxy.headers.items()
        return {name.lower(): (name, value) for name, value in fields}

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """
        The TLS context; None if neither server nor proxy uses TLS. Reading certificates takes about 50 ms.

        :raises InvalidConnection: a certificate or key is missing or cannot be used
        """
        from airflow_provider_workflows.core.transport.tls import tls_context

        secure = self.base_url.startswith("https:") or (self.proxy and self.proxy.url.startswith("https:"))
        return tls_context(self.ca, self.client_cert, self.cert_password) if secure else None

    def url(self, path: str) -> str:
        """
        Return the full URL of a path below the base URL.

        :raises InvalidAddress: the path has a segment ``.`` or ``..``
        """
        return f"{self.base_url}/{normal_path(path.lstrip('/'))}"


def base_url(text: str, *, port: int | None = None) -> str:
    """
    Return scheme, host, port and path prefix in normal form, without a trailing slash.

    :param port: used if the URL has none
    :raises InvalidAddress: it is not the URL of a server
    """
    parts = _split(text)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidAddress("must be a host name, or a URL without login, query and fragment")
    port = parts.port or port
    # With and without its default port it is the same server, and a task that has begun compares the two.
    named = f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else ""
    prefix = normal_path(parts.path.strip("/"))
    return f"{parts.scheme}://{_host(parts)}{named}{f'/{prefix}' if prefix else ''}"


def server_of(url: str) -> str:
    """Return a URL's server as ``host:port``, and nothing else of it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def normal_path(path: str) -> str:
    """
    Return a path and query, percent-encoded where necessary, and nowhere twice.

    :raises InvalidAddress: it has a segment ``.`` or ``..``, which would name another path
    """
    before, mark, query = path.partition("?")
    if ("." in before or "%2" in before) and _DOTS.search(before):
        raise InvalidAddress("must have no segment '.' or '..' in its path")
    if _CLEAN.fullmatch(path):
        return path
    return _encoded(before, _KEPT) + mark + _encoded(query, f"{_KEPT}?")


def _encoded(text: str, kept: str) -> str:
    try:
        quoted = quote(_STRAY_PERCENT.sub("%25", text), safe=kept)
    except UnicodeEncodeError:
        raise InvalidAddress("has characters that UTF-8 cannot encode") from None
    return _PERCENT.sub(lambda one: one[0].upper(), quoted)


def _split(text: str) -> SplitResult:
    if _BLANK.search(text):
        raise InvalidAddress("contains a blank or a control character")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise InvalidAddress("is not a host name or URL") from None
    try:
        # The port is checked when it is read.
        in_range = parts.port is None or parts.port > 0
    except ValueError:
        in_range = False
    if not in_range:
        raise InvalidAddress("has a port that is not a number from 1 to 65535")
    if not parts.hostname:
        raise InvalidAddress("must be a host name, or a URL without login, query and fragment")
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host in lower case and ASCII, an IPv6 address in brackets."""
    host = parts.hostname or ""
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        host = _in_ascii(host)
    if not _LABELS.fullmatch(host):
        raise InvalidAddress("is not a host name or URL")
    # One dot at the end keeps a resolver from trying its search domains.
    return f"{host.rstrip('.')}." if host.endswith(".") else host


def _in_ascii(host: str) -> str:
    from yarl import URL

    try:
        return (URL.build(scheme="http", host=host).raw_host or "").lower()
    except ValueError:
        raise InvalidAddress("is not a host name or URL") from None


def _shown(scheme: str) -> str:
    """Return a scheme as a message may show it. Text that cannot be a scheme may be a secret."""
    return repr(scheme) if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", scheme) else "that is not valid"
