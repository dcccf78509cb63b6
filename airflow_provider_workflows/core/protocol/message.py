"""An HTTP request, what its URL may contain, its reply, and the error that a refusal amounts to."""

from __future__ import annotations

import codecs
import gc
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import quote

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.protocol.scrubbing import scrub
from airflow_provider_workflows.exceptions import (
    EXCERPT_LIMIT,
    AuthenticationFailed,
    ConnectionFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
    one_line,
)

#: Characters that no id has: control characters, line breaks, marks that turn the direction of text, the byte
#: order mark, and halves of a surrogate pair. Most of them cannot be seen in a log.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
#: In a URL, the first two would name another path. The third is what Python makes of nothing.
_NO_IDS = frozenset({"", ".", "..", "None"})
#: Bytes of a body that are read as text, to quote it.
MOST_TEXT = 64 * 1024
#: Bytes of a body that is large.
LARGE = 256 * 1024
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([a-z0-9_-]{1,20})(?![^\s;,\"'])", re.I)
#: The charsets that a server may declare. Python knows more, some of which are no charsets (zlib, base64,
#: unicode_escape), and some of which take minutes for a few megabytes (punycode, idna).
_KNOWN_CHARSETS = re.compile(
    r"utf-?(16|32)(-?[bl]e)?|(iso[-_]?8859[-_]|(windows|cp)-?125)\d{1,2}|latin-?\d|koi8-[rtu]|tis-?620"
    r"|big5(-?hkscs)?|gb(2312|k|18030)|(shift|ms)[-_]?(jis|kanji)|sjis|euc[-_](jp|kr)|cp9(32|36|49|50)",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    One part of a multipart body: a form value or a file.

    :param name: name of the form field
    :param value: text of a form value; None for a file
    :param filename: file name sent to the vendor
    :param open: returns the file's content as a new binary stream; called for each attempt, so that a request
        can be repeated without keeping the file in memory
    :param size: size of the file in bytes; the request needs a Content-Length, because servers behind WSGI do
        not accept chunked requests
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

    :param vendor: name of the vendor system, for errors
    :param operation: what the request does, in the vendor's terms, for errors and logs
    :param path: path below the connection's base URL, already quoted
    :param repeatable: True for reads and true upserts; False for an effect that must happen only once
    :param pooled: whether a request that is not repeatable may use an open connection. It may be stale, and
        then looks like a lost answer, so only for requests that do no harm if they are sent a second time
    :param json: body as JSON values; at most one of ``json`` and ``parts``
    :param shown_path: path to show in errors, if ``path`` contains a secret
    :param expects_json: whether a 2xx answer that is not JSON counts as unreadable
    :param confidential: whether the answer itself is a secret, so that errors do not quote it
    :param secrets: values to remove from everything that an error quotes
    :param timeout: seconds to wait for data from the server, instead of the connection's timeout
    :param largest: bytes that the server reads of a body, files apart; None for no limit that is known
    :param judge: returns the error in the body of an answer below 500, for vendors that report errors there;
        a temporary one is repeated like one that the status reports
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
    largest: int | None = None
    pooled: bool = False
    judge: Callable[[Request, Reply], WorkflowError | None] | None = None

    def __repr__(self) -> str:
        return f"<Request {self.vendor} {self.operation}: {self.method} {self.shown}>"

    @property
    def shown(self) -> str:
        """The path without secrets."""
        return self.shown_path if self.shown_path is not None else scrub(self.path, self.secrets)

    def quote(self, said: str, limit: int = EXCERPT_LIMIT) -> str:
        """
        Return what a vendor said so that a message can show it: without the secrets, on one line, and cut.

        Our own sentences are never scrubbed: a password that is a common word would be starred out there, and
        given away.
        """
        return one_line(scrub(said, self.secrets, limit), limit)

    def failure(
        self,
        kind: type[WorkflowError],
        message: str,
        *,
        reply: Reply | None = None,
        code: str | int | None = None,
        retry_after: float | None = None,
    ) -> WorkflowError:
        """
        Return an error of class ``kind`` with the facts of this request and its answer.

        :param message: our own words; what the vendor said goes through :meth:`quote` first
        """
        excerpt = None
        if reply is not None and not self.confidential:
            excerpt = self.quote(reply.text())
        return kind(
            message,
            vendor=self.vendor,
            operation=self.operation,
            status=reply.status if reply is not None else None,
            code=self.quote(code) if isinstance(code, str) else code,
            path=self.shown,
            excerpt=excerpt,
            retry_after=retry_after,
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """
    One complete HTTP answer.

    :param headers: header values by lower-case name
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def text(self) -> str:
        """Return the start of the body as text; what cannot be decoded becomes replacement characters."""
        return self.body[:MOST_TEXT].decode(self.charset or "utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """
        The decoded body.

        :raises ValueError: the body is not JSON, or is nested too deeply
        """
        charset = self.charset if "charset" in self.headers.get("content-type", "").lower() else None
        # Python would look for garbage again and again while it decodes a large body, which makes none: half
        # a million values take 0.4 s instead of 0.05 s, in which an event loop stands still.
        if paused := len(self.body) >= LARGE and gc.isenabled():
            gc.disable()
        try:
            return json.loads(self.body.decode(charset) if charset else self.body)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        finally:
            if paused:
                gc.enable()

    @property
    def charset(self) -> str | None:
        """The charset that the server declares; None if it is UTF-8, or none that is known."""
        declared = _CHARSET.search(self.headers.get("content-type", ""))
        if declared is None or not _KNOWN_CHARSETS.fullmatch(declared[1]):
            return None
        try:
            return codecs.lookup(declared[1]).name
        except LookupError:
            return None


class ExchangeFailed(Exception):
    """
    A request got no answer; a driver throws it into the operation that yielded the request.

    :param reason: what failed, in plain words, without a URL
    :param begun: whether any part of the request may have reached the server
    :param kind: the error class to use if nothing was sent
    :param unreadable: whether there was an answer, which cannot be read
    """

    def __init__(
        self,
        reason: str,
        *,
        begun: bool,
        kind: type[ConnectionFailed] = ConnectionFailed,
        unreadable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun
        self.kind = kind
        self.unreadable = unreadable


def can_be_id(text: str) -> bool:
    """Return whether a text can be the id of something at a vendor, or a name that stands for one."""
    return text.strip() not in _NO_IDS and not UNFIT.search(text)


def quoted(text: str) -> str:
    """
    Return a text quoted as one part of a URL.

    :raises InvalidInput: it has half of a surrogate pair
    """
    if text.isascii() and text.isalnum():  # as most ids
        return text
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidInput(f"{text!r:.100} has half of a surrogate pair, which is not a character") from None


def with_query(path: str, parameters: Mapping[str, object]) -> str:
    """Return a path with quoted query parameters; parameters that are None are left out."""
    if not parameters:
        return path
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in given.items())
    return f"{path}?{query}" if query else path


_MEANING: dict[int, tuple[type[WorkflowError], str]] = {
    401: (AuthenticationFailed, "The server did not accept the credentials"),
    403: (PermissionDenied, "The server refused access"),
    404: (NotFound, "The server found nothing at this path"),
    407: (AuthenticationFailed, "The proxy requires credentials"),
    413: (Rejected, "The request is too large for the server"),
}


def refusal(request: Request, reply: Reply) -> WorkflowError:
    """Return the error for a 4xx answer, which means that the request was not carried out."""
    kind, message = _MEANING.get(reply.status, (Rejected, "The server refused the request"))
    return request.failure(kind, message, reply=reply)
