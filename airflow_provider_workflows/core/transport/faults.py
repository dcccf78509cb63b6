"""Why a request got no answer: the same plain words for the exceptions of both libraries."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_workflows.core.protocol.message import ExchangeFailed
from airflow_provider_workflows.core.transport.answer import BadAnswer, TooLarge
from airflow_provider_workflows.core.transport.endpoint import Proxy, server_of
from airflow_provider_workflows.core.transport.tls import refuses_us
from airflow_provider_workflows.exceptions import (
    CertificateNotTrusted,
    ConnectionFailed,
    HostUnreachable,
    NotTls,
)

#: OpenSSL's reasons for an answer that is not TLS. Which one it gives depends on its version and the server.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})


@dataclass(frozen=True)
class Fault:
    """
    Why a request was not sent.

    :param kind: the class of the error
    :param words: what happened, in plain words
    """

    kind: type[ConnectionFailed]
    words: str


OTHER = Fault(ConnectionFailed, "the connection failed")
PROXY = Fault(ConnectionFailed, "the proxy cannot be reached, or makes no connection to the server")
UNTRUSTED = Fault(CertificateNotTrusted, "the server's certificate is not trusted")
UNWANTED = Fault(ConnectionFailed, "the server wants a client certificate that it accepts (field 'cert')")
PLAIN = Fault(NotTls, "the server does not speak TLS")
NO_NAME = Fault(HostUnreachable, "the server's name does not resolve")
REFUSED = Fault(HostUnreachable, "the server refuses the connection")
NO_ROUTE = Fault(HostUnreachable, "there is no route to the server")
TOO_LATE = Fault(HostUnreachable, "connecting took too long")
#: What can be wrong with the server even where a proxy leads to it.
_BEHIND_A_PROXY = (UNTRUSTED, UNWANTED, PLAIN)


def exchange_failed(exception: Exception, *, begun: bool, proxy: Proxy | None = None) -> ExchangeFailed:
    """
    Return the error for an exception of an HTTP library.

    :param proxy: what the request went through
    :param begun: whether any of the request may have reached the server
    """
    text = in_words(exception)
    # The classes below are for connections that were not made, not for those that broke.
    if begun or isinstance(exception, BadAnswer):
        return ExchangeFailed(text, begun=True, unreadable=isinstance(exception, TooLarge))
    why = fault_of(exception, proxy=proxy)
    return ExchangeFailed(f"{why.words}; {text}", begun=False, kind=why.kind)


def in_words(exception: Exception) -> str:
    """Describe a failure without quoting the library's text, which may contain the URL."""
    if isinstance(exception, BadAnswer):
        return str(exception)
    found = list(_chain(exception))
    names = dict.fromkeys(type(one).__name__ for one in found[:3])
    details = (getattr(one, name, None) for one in found for name in ("verify_message", "strerror"))
    detail = next((one for one in details if isinstance(one, str)), None)
    return ": ".join(names) + (f" ({detail})" if detail else "")


def fault_of(exception: BaseException, *, proxy: Proxy | None = None) -> Fault:
    """Return why a request was not sent, for one that was not."""
    found = list(_chain(exception))
    fault = next((one for one in map(_of, found) if one is not None), OTHER)
    if proxy is None:
        return fault
    # Whatever else is in the chain, it happened to the proxy: names and connections are its alone.
    its = any("Proxy" in type(one).__name__ or _server_of(one) == server_of(proxy.url) for one in found)
    return PROXY if its or fault not in _BEHIND_A_PROXY else fault


def _server_of(exception: BaseException) -> str:
    """Return the server that an exception of aiohttp names."""
    return f"{getattr(exception, 'host', None)}:{getattr(exception, 'port', None)}"


def _of(exception: BaseException) -> Fault | None:
    match exception:
        case ssl.SSLCertVerificationError():
            return UNTRUSTED
        case ssl.SSLError() if refuses_us(exception):
            return UNWANTED
        case ssl.SSLError():
            return PLAIN if getattr(exception, "reason", None) in _NO_TLS else None
        # UnicodeError: the text cannot be a name.
        case socket.gaierror() | UnicodeError():
            return NO_NAME
        case ConnectionRefusedError():
            return REFUSED
        case OSError() if exception.errno in _NO_ROUTE:
            return NO_ROUTE
        case TimeoutError():
            return TOO_LATE
    return None


def _chain(exception: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, wherever the library keeps them."""
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
