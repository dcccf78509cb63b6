"""What is sent and what comes back: :class:`Request`, :class:`Part`, :class:`Reply`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import quote, urlencode

from airflow_provider_workflows.protocol.errors import EXCERPT_LIMIT, ConnectionFailed, WorkflowError
from airflow_provider_workflows.protocol.spelling import spellings


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    One part of a multipart body: a form value, or a file.

    :param name: the form field
    :param value: text of a form value; None for a file
    :param filename: file name shown to the vendor
    :param open: returns the file's content as a new binary stream; called anew for each sending, so that a
        request can be repeated and nothing is kept in memory
    :param size: bytes that the stream will give; a body must announce its length because servers behind WSGI
        do not take chunked requests
    """

    name: str
    value: str | None = field(default=None, repr=False)
    filename: str | None = None
    open: Callable[[], IO[bytes]] | None = field(default=None, repr=False)
    size: int = 0
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, repr=False)
class Request:
    """
    One HTTP request, and whether it may be sent again.

    :param vendor: the vendor system's name, for errors
    :param operation: what it does in the vendor's words, for errors and logs
    :param path: path below the connection's base URL, already quoted
    :param repeatable: True for reads and true upserts; False for what must happen once
    :param json: body as JSON values; at most one of ``json`` and ``parts``
    :param shown_path: what errors show instead of ``path`` when the path holds a secret
    :param expects_json: a 2xx answer that is not JSON is then no answer at all
    :param confidential: the answer itself is a secret, so errors show nothing of it
    :param secrets: values to take out of whatever an error quotes
    :param timeout: seconds without a byte from the server, in place of the connection's
    :param judge: finds the error that an answer below 500 tells in its body, for vendors that tell it there;
        a temporary one is then repeated like one that the status tells
    """

    vendor: str
    operation: str
    method: str
    path: str
    repeatable: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    parts: tuple[Part, ...] = ()
    shown_path: str | None = None
    expects_json: bool = True
    confidential: bool = False
    secrets: tuple[str, ...] = ()
    timeout: float | None = None
    judge: Callable[[Request, Reply], WorkflowError | None] | None = None

    def __repr__(self) -> str:
        return f"<Request {self.vendor} {self.operation}: {self.method} {self.shown}>"

    @property
    def shown(self) -> str:
        """The path as it may be shown."""
        return self.shown_path if self.shown_path is not None else scrub(self.path, self.secrets)

    def failure(
        self,
        kind: type[WorkflowError],
        message: str,
        *,
        reply: Reply | None = None,
        code: str | int | None = None,
        retry_after: float | None = None,
    ) -> WorkflowError:
        """Return an error of ``kind`` that says all there is to say about this request and its answer."""
        excerpt = None
        if reply is not None and not self.confidential:
            excerpt = scrub(reply.text(), self.secrets)[:EXCERPT_LIMIT]
        return kind(
            scrub(message, self.secrets),
            vendor=self.vendor,
            operation=self.operation,
            status=reply.status if reply is not None else None,
            code=code,
            path=self.shown,
            excerpt=excerpt,
            retry_after=retry_after,
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """
    One HTTP answer, read whole.

    :param headers: header values by lower-case name
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def text(self) -> str:
        """Return the body as text; undecodable bytes become replacement characters."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """
        Return the decoded body.

        :raises ValueError: the body is not JSON
        """
        return self._decoded

    def is_json(self) -> bool:
        """Tell whether the body can be decoded as JSON."""
        try:
            self.json()
        except (ValueError, RecursionError):
            return False
        return True

    @functools.cached_property
    def _decoded(self) -> Any:
        return json.loads(self.body)


class ExchangeFailed(Exception):
    """
    A request brought no answer; thrown by a driver into the operation that yielded it.

    :param reason: the kind of failure in plain words, without URL
    :param begun: whether any of the request may have reached the server
    :param kind: what a request is told of which nothing was sent
    """

    def __init__(self, reason: str, *, begun: bool, kind: type[ConnectionFailed] = ConnectionFailed) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun
        self.kind = kind


def with_query(path: str, parameters: Mapping[str, Any]) -> str:
    """Return a path with query parameters, quoted; those that are None are left out."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given, quote_via=quote)}" if given else path


def scrub(text: str, secrets: tuple[str, ...]) -> str:
    """Return ``text`` with ``***`` for each secret, also escaped for a URL, in JSON, HTML or Base64."""
    # The longest first: of a secret that contains another one, nothing must be left over.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = spellings(secret).sub("***", text)
    return text
