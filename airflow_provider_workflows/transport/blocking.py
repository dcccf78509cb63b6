"""Runs an operation on ``requests``, in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_workflows.protocol.body import Outgoing
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, WorkflowError
from airflow_provider_workflows.protocol.message import ExchangeFailed, Reply, Request
from airflow_provider_workflows.protocol.operation import (
    Observer,
    Operation,
    Renew,
    Sleep,
    Step,
    exchange,
    unobserved,
)
from airflow_provider_workflows.protocol.retry import Retry
from airflow_provider_workflows.transport.credentials import cell_of
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.redaction import hidden
from airflow_provider_workflows.transport.tls import certificate_error
from airflow_provider_workflows.transport.trouble import exchange_failed

if TYPE_CHECKING:
    import requests

T = TypeVar("T")


class BlockingTransport:
    """
    Drives operations against one endpoint, one at a time.

    :param fetch: the operation that fetches a new credential, for vendors that have one
    :param learned: called with each fetched credential, so that logs can mask it
    :param retry: how a repeatable request is repeated
    :param observe: told of each sending; must neither raise nor block
    :param permit: called right before each sending of a request that is not repeatable; raises if it must not
        be sent any more
    :param sleep: how to wait, in seconds
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        fetch: Callable[[], Operation[str]] | None = None,
        learned: Callable[[str], None] = lambda credential: None,
        retry: Retry | None = None,
        observe: Observer = unobserved,
        permit: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self._fetch = fetch
        self._learned = learned
        self._retry = retry or Retry()
        self._observe = observe
        self._permit = permit
        self._sleep = sleep
        self._pooled: requests.Session | None = None

    def run(self, operation: Operation[T], *, deadline: float | None = None) -> T:
        """
        Run an operation to its end and return its result.

        :param deadline: reading of :func:`time.monotonic` after which nothing is repeated any more
        :raises WorkflowError: as the operation does
        """

        def perform(step: Step) -> Any:
            match step:
                case Request():
                    return _drive(self._exchange(step, deadline), self._once)
                case Sleep():
                    return self._sleep(step.seconds)
                case Renew():
                    return self._renew(step.rejected, deadline)

        return _drive(operation, perform)

    def close(self) -> None:
        """Close the pooled connections; the next request opens new ones."""
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = None

    def _exchange(self, request: Request, deadline: float | None) -> Operation[Reply]:
        return exchange(request, retry=self._retry, deadline=deadline, observe=self._observe)

    def _once(self, step: Step) -> Any:
        return self._send(step) if isinstance(step, Request) else self._sleep(step.seconds)  # type: ignore[union-attr]

    def _renew(self, rejected: str | None, deadline: float | None) -> str:
        if self._fetch is None:
            raise TypeError("This vendor's connection has no credential to fetch")
        cell, asked = cell_of(self.endpoint.fingerprint), time.monotonic()
        with cell.lock:
            credential = cell.current(rejected)
            if credential is None:
                cell.check_refusal(since=asked)
                try:
                    credential = cell.value = self.run(self._fetch(), deadline=deadline)
                except AuthenticationFailed as error:
                    cell.refused(error)
                    raise
                self._learned(credential)
            return credential

    def _send(self, request: Request) -> Reply:
        """Send once; a repeatable request on the pooled session, any other on a connection of its own."""
        if request.repeatable:
            self._pooled = self._pooled or self._session()
            return self._attempt(self._pooled, request)
        self._permit()
        with self._session() as session:
            return self._attempt(session, request)

    def _session(self) -> requests.Session:
        from http.cookiejar import DefaultCookiePolicy

        import requests

        session = requests.Session()
        # Neither environment nor .netrc nor cookies may change what is sent: the triggerer must send the
        # same.
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.update(self.endpoint.headers)
        session.verify = self.endpoint.ca
        session.cert = self.endpoint.client_cert
        if self.endpoint.proxy:
            session.proxies = {"http": self.endpoint.proxy, "https": self.endpoint.proxy}
        return session

    def _attempt(self, session: requests.Session, request: Request) -> Reply:
        import requests
        import urllib3.exceptions

        outgoing = Outgoing(request)
        try:
            with hidden(request.secrets):
                return self._converse(session, request, outgoing)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as exception:
            failure = _failure(exception, outgoing)
            suspect = not outgoing.begun and _about_certificates(exception)
        # Raised outside the handler, so that the library's exception, which may quote the URL, is not its
        # context.
        raise (certificate_error(self.endpoint) if suspect else None) or failure

    def _converse(self, session: requests.Session, request: Request, outgoing: Outgoing) -> Reply:
        timeout = request.timeout or self.endpoint.timeout
        until = time.monotonic() + self.endpoint.patience(timeout, outgoing.length)
        headers = dict(request.headers)
        if outgoing.content_type:
            headers["Content-Type"] = outgoing.content_type
        response = session.request(
            request.method,
            self.endpoint.url(request.path),
            data=outgoing or None,
            headers=headers,
            timeout=(self.endpoint.connect_timeout, timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = bytearray()
            # read1 returns what has arrived, so a server that drips bytes cannot outlast the patience.
            while chunk := response.raw.read1(64 * 1024, decode_content=True):
                body += chunk
                if time.monotonic() > until:
                    raise TimeoutError("the answer did not end in time")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status_code, headers=names, body=bytes(body))


def _drive(operation: Operation[T], perform: Callable[[Step], Any]) -> T:
    """Feed an operation with what ``perform`` answers or raises, until it returns."""
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = operation.send(answer) if failure is None else operation.throw(failure)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = failure = None
        try:
            answer = perform(step)
        except (WorkflowError, ExchangeFailed) as raised:
            failure = raised


def _failure(exception: Exception, outgoing: Outgoing) -> Exception:
    if outgoing.broken is not None:
        return outgoing.broken
    begun = outgoing.begun if outgoing else not _before_sending(exception)
    return exchange_failed(exception, _in_words(exception), begun=begun)


def _cause(exception: BaseException) -> BaseException:
    """Return the urllib3 exception at the bottom of a requests one."""
    inner = exception.args[0] if exception.args else None
    # The reason of an ssl error is a word.
    causes = (one for one in (getattr(inner, "reason", None), inner) if isinstance(one, BaseException))
    return next(causes, exception)


def _about_certificates(exception: Exception) -> bool:
    """Tell whether a certificate file may be missing, which requests reports by a bare OSError, or bad."""
    from urllib3.exceptions import SSLError

    return type(exception) is OSError or isinstance(_cause(exception), SSLError)


def _before_sending(exception: Exception) -> bool:
    """
    Tell by name whether a request without body failed before it was sent.

    In doubt it was sent: a reset during the TLS handshake looks like one after it.
    """
    import ssl

    from urllib3 import exceptions as urllib3

    cause = _cause(exception)
    connecting = (
        urllib3.ConnectTimeoutError,
        urllib3.LocationValueError,
        urllib3.NewConnectionError,
        urllib3.ProxyError,
        UnicodeError,
    )
    if isinstance(cause, connecting):
        return True
    if isinstance(cause, urllib3.ReadTimeoutError):
        # urllib3's name for a timeout during the TLS handshake too; only Python's own text tells them apart.
        return "handshake" in str(cause.__cause__)
    return isinstance(cause, urllib3.SSLError) and isinstance(_cause(cause), ssl.SSLCertVerificationError)


def _in_words(exception: Exception) -> str:
    """Name a failure without quoting the library's text, which may hold the URL."""
    cause = _cause(exception)
    deeper = _cause(cause)
    names = [type(exception).__name__] + [type(c).__name__ for c in (cause, deeper)]
    detail = getattr(deeper, "verify_message", None) or getattr(deeper, "strerror", None)
    text = ": ".join(dict.fromkeys(names))
    return f"{text} ({detail})" if isinstance(detail, str) else text
