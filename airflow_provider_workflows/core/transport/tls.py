"""The TLS context of an endpoint, what is wrong with its certificates, and what a server says of ours."""

from __future__ import annotations

import os
import re
import socket
import ssl
import stat
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from airflow_provider_workflows.exceptions import InvalidConnection

#: What the files are, and which field has their path. Messages never quote the path: a person may have pasted
#: the key itself.
TRUSTED = (
    "trusted certificates",
    "The connection's field 'verify' (or REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE) takes the path "
    "of a PEM file, or of a directory made by `openssl rehash`. It must be on every machine of Airflow",
)
CLIENT = (
    "client certificate",
    "The connection's field 'cert' takes the path of a PEM file with certificate and key, or the paths of "
    "both with a comma between. They must be on every machine of Airflow",
)

#: What OpenSSL calls a certificate in a directory, as made by ``openssl rehash``.
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")

#: OpenSSL's reasons for the alerts by which a server refuses a client certificate, or the want of one.
_REFUSES_US = re.compile(
    r"(SSLV3|TLSV1|TLSV13)_ALERT_(CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE"
    r"|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)"
)


def refuses_us(error: BaseException) -> bool:
    """Return whether an error is the server's alert about our certificate, or about the want of one."""
    return isinstance(error, ssl.SSLError) and bool(
        _REFUSES_US.fullmatch(getattr(error, "reason", None) or "")
    )


#: Collects what servers say of our certificate while a request is being sent.
#:
#: With TLS 1.3 the handshake seems done before the server has looked at our certificate, so that its alert
#: comes after a part of the request has gone out. A server that sends such an alert before anything else has
#: ended the handshake, and never looked at the request. An alert that comes after a byte of an answer, be it
#: to this request or to one before it, is not collected.
alerts_about_us: ContextVar[list[ssl.SSLError] | None] = ContextVar("alerts_about_us", default=None)


class _Heard:
    """What the TLS objects of both libraries share: they note an alert that comes before anything else."""

    _answered = False

    def read(self, *args: Any) -> Any:
        if self._answered:  # asyncio also reads when there is nothing, which is an error each time
            return super().read(*args)  # type: ignore[misc]
        try:
            data = super().read(*args)  # type: ignore[misc]
        except ssl.SSLError as error:
            collected = alerts_about_us.get()
            if collected is not None and refuses_us(error):
                collected.append(error)
            raise
        self._answered = True
        return data


class _Object(_Heard, ssl.SSLObject):
    """For asyncio, and for urllib3 within a proxy's TLS."""


class _Socket(_Heard, ssl.SSLSocket):
    """For urllib3."""


def _after_reading(send: Callable[..., int]) -> Callable[..., int]:
    """Return a way to send that lets asyncio read first when the server has hung up."""

    def sending(self: PatientSocket, *args: object) -> int:
        try:
            return send(self, *args)
        except ConnectionError:
            if self.failed or not self.has_data():
                raise
            # Once: asyncio then waits for the socket, and reads before it writes.
            self.failed = True
            raise BlockingIOError from None

    return sending


class PatientSocket(socket.socket):
    """
    A socket from which asyncio reads what has come before it learns that the server has hung up.

    asyncio drops it unread when a write fails. It may be the alert that says why.
    """

    failed = False
    send = _after_reading(socket.socket.send)
    sendmsg = _after_reading(socket.socket.sendmsg)

    def has_data(self) -> bool:
        try:
            return bool(self.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False


def tls_context(
    ca: str | bool, client_cert: str | tuple[str, str] | None, cert_password: str = ""
) -> ssl.SSLContext:
    """
    Build a TLS context, the same for both HTTP libraries.

    :param ca: as of :class:`~airflow_provider_workflows.core.transport.endpoint.Endpoint`
    :param cert_password: passphrase of the client certificate's key
    :raises InvalidConnection: a certificate or key is missing or cannot be used
    """
    context = _trusting(ca)
    if client_cert is not None:
        _load_client_certificate(context, client_cert, cert_password)
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class, context.sslsocket_class = _Object, _Socket
    return context


def _trusting(ca: str | bool) -> ssl.SSLContext:
    if ca is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if ca is True:
        return ssl.create_default_context()
    try:
        if not os.path.isdir(ca):
            _check_file(ca)
            return ssl.create_default_context(cafile=ca)
        if any(map(_HASHED.fullmatch, os.listdir(ca))):
            return ssl.create_default_context(capath=ca)
    except (OSError, ValueError) as error:
        raise _unreadable(*TRUSTED, _why(error)) from None
    # OpenSSL reads only files with such names, and would trust nobody.
    raise _unreadable(*TRUSTED, "the directory has no files named by `openssl rehash`")


def _load_client_certificate(
    context: ssl.SSLContext, client_cert: str | tuple[str, str], passphrase: str
) -> None:
    certificate, key = client_cert if isinstance(client_cert, tuple) else (client_cert, None)
    encrypted = False

    def answer() -> bytes:
        # OpenSSL asks this function, and so nobody at a terminal.
        nonlocal encrypted
        encrypted = True
        return passphrase.encode(errors="replace")[:_LONGEST]

    try:
        for path in (certificate, key or certificate):
            _check_file(path)
        context.load_cert_chain(certificate, key, password=answer)
    except (OSError, ValueError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise _unreadable(*CLIENT, "the key does not belong to the certificate") from None
        if not encrypted:
            raise _unreadable(*CLIENT, _why(error)) from None
        raise InvalidConnection(WRONG_PASSPHRASE if passphrase else NO_PASSPHRASE) from None


#: Bytes of a passphrase that OpenSSL takes.
_LONGEST = 1024
NO_PASSPHRASE = (
    "The client certificate cannot be read: its key is encrypted\n"
    "Enter the passphrase of the key in the connection's field 'cert_password'"
)
WRONG_PASSPHRASE = (
    "The client certificate cannot be read: its key does not open with the passphrase\n"
    "Correct the passphrase in the connection's field 'cert_password'"
)


def _check_file(path: str) -> None:
    """
    Check that a path is one of a file that can be read; a pipe or terminal would be waited for.

    :raises OSError: it is not
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a file")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "it is not a PEM file, or part of it is missing"
    return (isinstance(error, OSError) and error.strerror) or "the path is not valid"


def _unreadable(what: str, takes: str, why: str) -> InvalidConnection:
    return InvalidConnection(f"The {what} cannot be read: {why}\n{takes}")
