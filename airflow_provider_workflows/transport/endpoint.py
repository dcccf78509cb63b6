"""Where a connection leads and by which road: the same facts for both drivers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

#: Slowest upload that is still waited for, in bytes a second; bounds a send into a stalled connection.
SLOWEST_UPLOAD = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """
    The road to one vendor account, resolved once and taken by worker and triggerer alike.

    :param base_url: scheme, host, port and path prefix, without a trailing slash
    :param timeout: seconds without a byte from the server before an answer counts as lost
    :param connect_timeout: seconds for name, connection and TLS handshake together
    :param ca: path of the trusted certificates; False to accept any
    :param client_cert: path of a client certificate with its key, or (certificate, key)
    :param proxy: URL of the proxy, or None
    :param headers: sent with every request
    :param identity: the login, password or token; only its hash is used
    """

    base_url: str
    timeout: float = 30.0
    connect_timeout: float = 10.0
    ca: str | bool = True
    client_cert: str | tuple[str, str] | None = None
    proxy: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    identity: tuple[str, ...] = field(default=(), repr=False)

    @property
    def fingerprint(self) -> str:
        """A hash that differs whenever host, TLS, proxy, headers or credentials do."""
        facts = (
            self.base_url,
            self.timeout,
            self.connect_timeout,
            self.ca,
            self.client_cert,
            self.proxy,
            sorted(self.headers.items()),
            self.identity,
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def hurried(self, seconds: float) -> Endpoint:
        """Return the same road for a caller that awaits neither connection nor answer for longer."""
        return replace(
            self,
            timeout=min(self.timeout, seconds),
            connect_timeout=min(self.connect_timeout, seconds),
        )

    def url(self, path: str) -> str:
        """Return the full URL of a path below the base URL."""
        return f"{self.base_url}/{path.lstrip('/')}"

    def patience(self, timeout: float | None, upload: int) -> float:
        """Return the seconds that one exchange may take in all, a body of ``upload`` bytes included."""
        return self.connect_timeout + 4 * (timeout or self.timeout) + upload / SLOWEST_UPLOAD
