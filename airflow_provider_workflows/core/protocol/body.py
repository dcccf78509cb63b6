"""
The bytes of a request's body, generated while they are sent.

Both HTTP adapters read the body from :class:`Outgoing`, so that worker and triggerer send the same bytes,
with a Content-Length, and both know for certain whether sending had started.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.core.protocol.message import Part, Request
from airflow_provider_workflows.exceptions import InvalidInput

CHUNK = 64 * 1024


class Permit:
    """Permission to send a request. This one lets everything be sent; a subclass may raise."""

    def check(self, *, begun: bool = False, waited: bool = False) -> None:
        """
        Raise if a request must not begin any more, or must not go on; called right before the first byte.

        :param begun: whether it has begun; then this is called right before each piece of its body
        :param waited: whether it has just waited for its turn within the limit of the account's plan
        """

    def time_left(self, *, once: bool) -> float:
        """
        Return the seconds after which a request must not begin any more, so that it need not wait in vain.

        :param once: whether it is a request that is not repeatable
        """
        return float("inf")


#: Lets everything be sent.
PERMITTED = Permit()


def encode_json(value: object, name: str = "", *, deepest: int = 9) -> bytes:
    """
    Return ``value`` as JSON in UTF-8.

    :param name: the keys and indexes that lead to it, for the error
    :param deepest: levels of lists and objects in which the error names a value
    :raises InvalidInput: the value contains something other than JSON values, which NaN and infinity are not,
        or text with NUL or with half of a surrogate pair, which no database of a vendor keeps
    """
    import simplejson

    def as_number(value: object) -> object:
        # Done here because simplejson before 4.2 writes NaN even with allow_nan=False.
        if isinstance(value, Decimal) and value.is_finite():
            return simplejson.RawJSON(str(value))
        if isinstance(value, Decimal):
            raise ValueError(f"{value} is not a valid JSON number")
        raise TypeError(f"{type(value).__name__} is not a JSON type")

    try:
        # The standard library cannot write a Decimal as a number without loss.
        text = simplejson.dumps(value, default=as_number, **_AS_JSON)
        if not _NUL.search(text):
            return bytes(text, "utf-8")
        why = "it contains NUL"
    except RecursionError:
        raise InvalidInput("The body is nested too deeply to be JSON, or contains itself") from None
    except UnicodeEncodeError:
        why = "it contains half of a surrogate pair, which is not a character"
    except (TypeError, ValueError) as error:
        why = str(error)
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside if deepest else ():
        encode_json(one, f"{name} {key}".strip(), deepest=deepest - 1)
    raise InvalidInput(f"{name or 'The body'} cannot be encoded as JSON: {why}")


#: NUL in JSON, and not the text of its escape.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_AS_JSON: dict[str, Any] = {
    "ensure_ascii": False,
    "allow_nan": False,
    "separators": (",", ":"),
    "use_decimal": False,
    "namedtuple_as_object": False,
    "encoding": None,  # bytes are not a JSON value
}


class Outgoing:
    """
    The body of one attempt to send a request; can be iterated once, and its length is known.

    ``begun`` becomes True when the first byte is requested. HTTP libraries request it only after the
    connection is made and the headers are sent, and a server cannot act on a request whose announced body
    never arrives. So while ``begun`` is False, the request has certainly had no effect, whatever exception is
    raised.

    :param permit: asked before each piece is handed out, the last one too
    """

    def __init__(self, request: Request, *, permit: Permit = PERMITTED) -> None:
        self.begun = False
        #: Why the body was not sent completely; the server then has a partial request, on which it cannot
        #: act.
        self.broken: Exception | None = None
        self._permit = permit
        self._parts = request.parts
        # Only if there are parts: a random number takes as long as a small body.
        self._boundary = uuid.uuid4().hex if request.parts else ""
        self._fixed: bytes | None = None
        self.content_type: str | None = None
        if request.parts:
            self.content_type = f"multipart/form-data; boundary={self._boundary}"
        elif request.json is not None:
            self._fixed = encode_json(request.json)
            self.content_type = "application/json"
        #: Whether the body is complete in memory, so that no file must be read.
        self.in_memory = self._fixed is not None
        try:
            self.length = self._measure() if self._fixed is None else len(self._fixed)
        except UnicodeEncodeError:
            # For example a file name whose bytes on disk are not UTF-8.
            raise InvalidInput(
                "A form value or file name contains characters that UTF-8 cannot encode"
            ) from None
        files = sum(part.size for part in request.parts if part.open is not None) if request.parts else 0
        values = self.length - files
        if request.largest is not None and values > request.largest:
            raise request.failure(
                InvalidInput,
                f"The values are {values} bytes, but {request.vendor} reads at most {request.largest}\n"
                "Nothing was sent. Attach large values as files",
            )

    def __len__(self) -> int:
        return self.length

    def __bool__(self) -> bool:
        return self.content_type is not None

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        whole = self._fixed or b""
        # In chunks, because a socket's timeout applies to each buffer as a whole.
        chunks = (whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK))
        for piece in chunks if self.in_memory else self._multipart():
            try:
                self._permit.check(begun=True)
            except Exception as error:
                self.broken = error
                raise
            yield piece

    def _multipart(self) -> Iterator[bytes]:
        try:
            for part in self._parts:
                yield self._head(part)
                yield from _content(part)
                yield b"\r\n"
        except Exception as error:  # object storages raise their own exceptions
            self.broken = InvalidInput(f"An attachment could not be read while it was sent: {error}")
            raise self.broken from None
        yield self._tail()

    def _measure(self) -> int:
        if not self._parts:
            return 0
        heads = sum(len(self._head(part)) + _size(part) + 2 for part in self._parts)
        return heads + len(self._tail())

    def _head(self, part: Part) -> bytes:
        lines = [f"--{self._boundary}", f'Content-Disposition: form-data; name="{_escape(part.name)}"']
        if part.open is not None:
            lines[1] += f'; filename="{_escape(part.filename or "file")}"'
            lines.append(f"Content-Type: {part.content_type}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _tail(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()


def _size(part: Part) -> int:
    return part.size if part.open is not None else len((part.value or "").encode())


def _content(part: Part) -> Iterator[bytes]:
    if part.open is None:
        yield (part.value or "").encode()
        return
    left = part.size
    with closing(part.open()) as source:
        while left and (chunk := source.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
        if left or source.read(1):
            # The announced length would be wrong: the server would wait for the rest, or cut the file.
            raise InvalidInput(f"The file {part.filename!r} changed its size while it was sent")


def _escape(text: str) -> str:
    """Escape a name as in HTML form encoding, so that no name can end its header early."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def from_text(value: object, name: str, *, number: Callable[[str], object] = float) -> Any:
    """
    Return a value that a template may have rendered to JSON text; other values are returned unchanged.

    :param name: name of the argument, for the error
    :param number: converts the text of a number with a decimal point or exponent; ``Decimal`` keeps every
        digit
    :raises InvalidInput: it is text that is not JSON, or has an object with a duplicate key
    """
    if not isinstance(value, str):
        return value

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        # The standard library would silently keep only the last one.
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise InvalidInput(f"{name} has a duplicate key: {', '.join(twice)}")
        return dict(pairs)

    try:
        return json.loads(value, object_pairs_hook=once, parse_float=number)
    except InvalidInput:
        raise
    except (ValueError, RecursionError):
        raise InvalidInput(
            f"{name} is text but not JSON. In a template, add the filter tojson at the end"
        ) from None
