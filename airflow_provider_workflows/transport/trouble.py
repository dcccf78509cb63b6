"""Why no request came about, told alike by both drivers: from what their libraries raise to plain words."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_workflows.protocol.errors import (
    CertificateNotTrusted,
    ConnectionFailed,
    HostUnreachable,
    NotTls,
)
from airflow_provider_workflows.protocol.message import ExchangeFailed

#: OpenSSL's words for an answer that is no TLS; which of them depends on its version and on the server.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
_NO_ROAD = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})


@dataclass(frozen=True)
class Trouble:
    """
    What kept a request from being sent.

    :param kind: the error that it amounts to
    :param words: what happened, in plain words
    """

    kind: type[ConnectionFailed]
    words: str


OTHER = Trouble(ConnectionFailed, "no connection came about")
PROXY = Trouble(ConnectionFailed, "the proxy cannot be reached or refuses")
UNTRUSTED = Trouble(CertificateNotTrusted, "the server's certificate is not trusted")
PLAIN = Trouble(NotTls, "the server does not speak TLS")
NO_NAME = Trouble(HostUnreachable, "the server's name does not resolve")
REFUSED = Trouble(HostUnreachable, "the server refuses the connection")
NO_ROAD = Trouble(HostUnreachable, "no way leads to the server")
TOO_LATE = Trouble(HostUnreachable, "no connection came about in time")


def exchange_failed(exception: Exception, text: str, *, begun: bool) -> ExchangeFailed:
    """
    Return what a driver throws into an operation for an exception of its HTTP library.

    :param text: the exception in words, without URL
    :param begun: whether any of the request may have reached the server
    """
    why = trouble(exception)
    # What is known of a connection that did not come about says nothing of one that broke off.
    told = f"{why.words}; {text}" if not begun or why is PLAIN else text
    return ExchangeFailed(told, begun=begun, kind=why.kind)


def trouble(exception: BaseException) -> Trouble:
    """Return what kept a request from being sent; says nothing about whether it was."""
    found = list(_chain(exception))
    # Whatever else there is, it is the proxy that it happened to.
    if any("Proxy" in type(one).__name__ for one in found):
        return PROXY
    return next((one for one in map(_of, found) if one is not None), OTHER)


def _of(exception: BaseException) -> Trouble | None:
    match exception:
        case ssl.SSLCertVerificationError():
            return UNTRUSTED
        case ssl.SSLError():
            return PLAIN if getattr(exception, "reason", None) in _NO_TLS else None
        # UnicodeError: a name that none can be.
        case socket.gaierror() | UnicodeError():
            return NO_NAME
        case ConnectionRefusedError():
            return REFUSED
        case OSError() if exception.errno in _NO_ROAD:
            return NO_ROAD
        case TimeoutError():
            return TOO_LATE
    return None


def _chain(exception: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it was made from; each library keeps them in another place."""
    waiting, seen = [exception], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        kept = [getattr(one, name, None) for name in ("reason", "os_error", "certificate_error")]
        around = (*one.args[:1], *kept, one.__cause__, one.__context__)
        waiting += [other for other in around if isinstance(other, BaseException)]
