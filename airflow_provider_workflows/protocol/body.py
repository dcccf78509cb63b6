"""
The bytes of a request's body, made when they are sent.

Both drivers take their bytes from :class:`Outgoing`, so that worker and triggerer put the same on the wire,
with a Content-Length, and so that both know for certain whether sending had begun.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.message import Part, Request

CHUNK = 64 * 1024


def encode_json(value: Any) -> bytes:
    """
    Return ``value`` as JSON in UTF-8.

    :raises InvalidInput: the value is not made of JSON values (NaN and infinity are not)
    """
    import simplejson

    def as_number(value: Any) -> Any:
        # By hand, since simplejson before 4.2 writes NaN even where it is told not to.
        if isinstance(value, Decimal) and value.is_finite():
            return simplejson.RawJSON(str(value))
        if isinstance(value, Decimal):
            raise ValueError(f"{value} is no number that JSON can hold")
        raise TypeError(f"{type(value).__name__} is no JSON value")

    try:
        # simplejson, because the standard library cannot write a Decimal as the number that it is.
        return bytes(simplejson.dumps(value, default=as_number, **_AS_JSON), "utf-8")
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The request body cannot be written as JSON: {error}") from None


_AS_JSON: dict[str, Any] = {
    "ensure_ascii": False,
    "allow_nan": False,
    "separators": (",", ":"),
    "use_decimal": False,
    "namedtuple_as_object": False,
    "encoding": None,  # bytes are no JSON value
}


class Outgoing:
    """
    The body of one sending of a request: iterable once, of known length.

    ``begun`` turns True when the first byte is asked for. HTTP libraries ask only when the connection stands
    and the headers are out, and a server cannot act on a request whose announced body never came; so while
    ``begun`` is False the request has certainly had no effect, whatever the failure's name.
    """

    def __init__(self, request: Request) -> None:
        self.begun = False
        #: Why the body could not be read to its end; the server then has a torso that it cannot act on.
        self.broken: InvalidInput | None = None
        self._parts = request.parts
        self._boundary = uuid.uuid4().hex
        self._fixed: bytes | None = None
        self.content_type: str | None = None
        if request.parts:
            self.content_type = f"multipart/form-data; boundary={self._boundary}"
        elif request.json is not None:
            self._fixed = encode_json(request.json)
            self.content_type = "application/json"
        try:
            self.length = self._measure()
        except UnicodeEncodeError:
            # Such is the name of a file whose bytes on disk are no UTF-8.
            raise InvalidInput("A form value or file name has characters that UTF-8 cannot express") from None

    @property
    def in_memory(self) -> bool:
        """Whether no file has to be read."""
        return self._fixed is not None

    def __len__(self) -> int:
        return self.length

    def __bool__(self) -> bool:
        return self.content_type is not None

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        if self._fixed is not None:
            # In pieces, since a socket's timeout is for the whole of what is handed to it at once.
            for start in range(0, len(self._fixed), CHUNK):
                yield self._fixed[start : start + CHUNK]
            return
        try:
            for part in self._parts:
                yield self._head(part)
                yield from _content(part)
                yield b"\r\n"
        except Exception as error:  # object storages have exceptions of their own
            self.broken = InvalidInput(f"An attachment could not be read while it was being sent: {error}")
            raise self.broken from None
        yield self._tail()

    def _measure(self) -> int:
        if self._fixed is not None:
            return len(self._fixed)
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
            # The announced length would be wrong, and the server would wait for the rest or cut the file.
            raise InvalidInput(f"The file {part.filename!r} changed its size while it was being sent")


def _escape(text: str) -> str:
    """Escape a name as HTML's form encoding does, so that no name can end its header early."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
