"""Reads an answer the same way for both libraries: checks its head and decodes its body."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Iterable

from airflow_provider_workflows.core.protocol.message import Reply

#: The unit of a connection's limit.
MEGABYTE = 1_000_000
#: The encodings that a request accepts.
ACCEPT_ENCODING = "gzip, deflate"
#: Maximum number of header fields of an answer, and bytes of one. Both libraries accept at least as much.
MOST_HEADERS, LONGEST_HEADER = 99, 32 * 1024
#: Bytes that each value of a large JSON body has on average at the least. Reading a value takes an event loop
#: up to 0.5 microseconds, however short it is: with the default limit, no answer may hold one up for 0.3 s.
BYTES_A_VALUE = 32
#: Blanks and byte order marks.
_BEFORE_JSON = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
_GZIP = 16 + zlib.MAX_WBITS
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_LENGTH = re.compile(r"[0-9]{1,18}")
_MALFORMED = "the answer's headers are malformed"


class BadAnswer(Exception):
    """The answer is not readable as HTTP. The text says why, and quotes nothing of the answer."""


class TooLarge(BadAnswer):
    """The answer is larger than the connection allows."""


class Incoming:
    """
    One answer.

    An adapter creates it from the head, and feeds it the body as it arrives, still encoded. The whole body is
    kept in memory, so it is bounded, before and after it is decoded.

    :param fields: names and values of the header fields, as they arrived
    :param largest: maximum bytes of the body
    :raises BadAnswer: the head is too large or malformed, or announces too large a body
    """

    def __init__(self, status: int, fields: Iterable[tuple[bytes, bytes]], *, largest: int) -> None:
        self.status = status
        self._largest = largest
        self._arrived = 0
        self.headers = _headers(fields)
        if status < 100:
            raise BadAnswer("the answer's status is not an HTTP status")
        self._body = bytearray()
        self._encoding = self.headers.get("content-encoding", "identity").strip().lower()
        self._decoder: zlib._Decompress | None = None
        if int(self.headers.get("content-length", 0)) > largest:
            raise self._too_large()

    def feed(self, data: bytes) -> None:
        """
        Take a piece of the body.

        :raises BadAnswer: it cannot be decoded, or the body is too large
        """
        self._arrived += len(data)
        if self._arrived > self._largest:
            raise self._too_large()
        if self._encoding in ("", "identity"):
            self._body += data
            return
        try:
            self._decode(data)
        except zlib.error:
            raise BadAnswer(f"the answer's body is not valid {self._encoding}") from None

    def reply(self) -> Reply:
        """
        Return the answer, when its body is complete.

        :raises BadAnswer: the body ends too soon to be decoded, or is JSON of too many values
        """
        if self._decoder is not None and not self._decoder.eof:
            raise BadAnswer("the answer's compressed body ends too soon")
        if bytes(self._body[:8]).lstrip(_BEFORE_JSON)[:1] in (b"[", b"{"):
            # Each value of JSON has one of these before it, but for the first of an array.
            values = sum(map(self._body.count, (b",", b"[", b"{")))
            if values > self._largest // BYTES_A_VALUE:
                raise self._too_large("has more values than an answer of")
        return Reply(status=self.status, headers=self.headers, body=bytes(self._body))

    def _decode(self, data: bytes) -> None:
        while data:
            if self._decoder is None or self._decoder.eof:
                if self._decoder is not None and not data.startswith(b"\x1f"):
                    return  # padding behind the end, which some servers send
                self._decoder = self._new_decoder(data)
            # One byte more than allowed, to know that there is more.
            self._body += self._decoder.decompress(data, self._largest - len(self._body) + 1)
            if len(self._body) > self._largest:
                raise self._too_large()
            data = self._decoder.unused_data

    def _too_large(self, how: str = "is larger than") -> TooLarge:
        return TooLarge(
            f"the answer {how} {self._largest / MEGABYTE:g} MB, the limit in the connection's field "
            "'max_answer_mb'"
        )

    def _new_decoder(self, data: bytes) -> zlib._Decompress:
        if self._encoding in ("gzip", "x-gzip"):
            return zlib.decompressobj(_GZIP)
        if self._encoding == "deflate":
            # Some servers omit the zlib header.
            return zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
        raise BadAnswer("the answer has an encoding that the request does not accept")


def _headers(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return values by lower-case name. The values of a repeated field are joined by commas."""
    headers: dict[str, str] = {}
    for number, (name, value) in enumerate(fields, 1):
        if number > MOST_HEADERS or len(name) + len(value) > LONGEST_HEADER:
            raise BadAnswer("the answer's headers are too large")
        key = _key(name)
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        text = text.replace("\r\n", " ")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
        if "\0" in text:
            raise BadAnswer(_MALFORMED)
    # Where the answer ends must be certain.
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and (coding is not None or not _LENGTH.fullmatch(length)):
        raise BadAnswer("the length of the answer is ambiguous")
    if coding is not None and coding.lower() != "chunked":
        raise BadAnswer("the answer has an unsupported transfer coding")
    return headers


@functools.lru_cache(maxsize=64)  # all answers of a server have the same ones
def _key(name: bytes) -> str:
    """Return a field's name in lower case."""
    key = name.decode("latin-1").lower()
    if not _NAME.fullmatch(key):
        raise BadAnswer(_MALFORMED)
    return key
