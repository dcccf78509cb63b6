"""
Answers that no honest server gives, combined: what goes over the wire, and in what a call may end then.

A case has a value for each of the dimensions below. :func:`play` is the server's side of it, and
:func:`allowed` says in what a call may end, by one rule: only 2xx is success, 4xx is a refusal; of all else
nobody knows what came of the request.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.core.transport.server import Peer

#: Bytes of an answer that the calls here allow.
LARGEST = 1_000_000
OK = b'{"ok": true}'
ROWS = 60_000_000
PIECE = 64_000

#: What comes before the header fields.
STATUSES: dict[str, bytes] = {
    "200": b"HTTP/1.1 200 OK\r\n",
    "103, 200": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n",
    "103, 400": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 400 Bad\r\n",
    "204": b"HTTP/1.1 204 No Content\r\n",
    "301": b"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere.invalid/\r\n",
    "500": b"HTTP/1.1 500 Oh\r\n",
    **{
        status: b"HTTP/1.1 %b Some\r\n" % status.encode()
        for status in ("101", "199", "099", "0", "600", "999")
    },
    "endless 100": b"",
    "cut after the status line": b"HTTP/1.1 200 OK\r\n",
    "head without end": b"HTTP/1.1 200 OK\r\n",
    "HTTP/0.9": b"",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\4\0\0\0\0\0\r\n",
    "garbage": bytes(range(256)) + b"\r\n",
}
FRAMINGS = (
    "length",
    "length short",
    "length long",
    "length negative",
    "length twice",
    "lengths conflicting",
    "chunked",
    "chunk size bad",
    "chunks endless",
    "chunks dripping",
    "close",
)
ENCODINGS = ("identity", "gzip", "deflate", "bomb", "gzip truncated", "empty members", "unknown")
BODIES: dict[str, bytes] = {
    "JSON": OK,
    "HTML": b"<html>Sign in</html>",
    "empty": b"",
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "charset": b'{"a": "\xfe"}',
    "nested": b"[" * 100_000,
    "rows": b"",
    "endless": b"",
}
DELIVERIES = ("at once", "held", "dripping", "cut", "reset")

_KINDS = {"JSON": "application/json", "HTML": "text/html", "charset": "application/json;charset=ISO-8859-9"}
_FULL_FLUSH = zlib.Z_FULL_FLUSH


@dataclass(frozen=True, kw_only=True)
class Case:
    status: str = "200"
    framing: str = "length"
    encoding: str = "identity"
    body: str = "JSON"
    delivery: str = "at once"
    repeatable: bool = True

    def __str__(self) -> str:
        parts = (self.status, self.framing, self.encoding, self.body, self.delivery)
        return " | ".join([*parts, "read" if self.repeatable else "once"])

    @property
    def slow(self) -> bool:
        """Whether only the client's patience ends it, or may."""
        # aiohttp takes what follows an interim answer for its body, which nobody reads.
        if self.delivery == "dripping" or self.status == "199":
            return True
        if self.delivery in ("cut", "reset"):
            return False
        if self.status == "endless 100":
            return True
        # What is large is ended for its size.
        small = not _content(self)[1] and self.encoding != "bomb" and self.body != "rows"
        small |= self.status in ("cut after the status line", "head without end")
        framed = self.framing in ("length", "length short", "chunked", "chunks endless")
        held = self.delivery == "held" and not (framed and self.status in (*_WITH_HEAD, "600", "999"))
        return self.status != "101" and small and (held or self.framing == "chunks dripping")


DIMENSIONS: dict[str, tuple[str | bool, ...]] = {
    "status": tuple(STATUSES),
    "framing": FRAMINGS,
    "encoding": ENCODINGS,
    "body": tuple(BODIES),
    "delivery": DELIVERIES,
    "repeatable": (True, False),
}


def cases(number: int, *, seed: int) -> list[Case]:
    """
    Return each value in an otherwise good answer, and so many combinations drawn at random.

    In half of those the status is one after which the rest of the answer matters.
    """
    draw = random.Random(seed)
    single = [
        Case(**{dimension: value, "repeatable": again})  # type: ignore[arg-type]
        for dimension, values in DIMENSIONS.items()
        for value in values
        for again in (True, False)
    ]

    def drawn() -> Case:
        facts = {dimension: draw.choice(values) for dimension, values in DIMENSIONS.items()}
        if draw.random() < 0.5:
            facts["status"] = draw.choice(["200", "103, 200", "103, 400"])
        return Case(**facts)  # type: ignore[arg-type]

    every = dict.fromkeys(single)
    wanted = len(every) + number
    while len(every) < wanted:
        every[drawn()] = None
    return list(every)


# What goes over the wire.


def _flushed(start: bytes, wbits: int) -> tuple[bytes, bytes]:
    """Return the start of a compressed stream, and a piece with which it goes on any number of times."""
    packer = zlib.compressobj(wbits=wbits)
    first = packer.compress(start) + packer.flush(_FULL_FLUSH)
    return first, packer.compress(b" " * PIECE) + packer.flush(_FULL_FLUSH)


@functools.cache
def _packed(encoding: str, body: str) -> bytes:
    plain = b"[" + b"{}," * (ROWS // 3) + b"{}]" if body == "rows" else BODIES[body]
    if encoding == "bomb":
        return gzip.compress(b" " * 2 * ROWS)
    if encoding == "deflate":
        return zlib.compress(plain)
    return gzip.compress(plain)[: -4 if encoding == "gzip truncated" else None]


def prepare() -> None:
    """Compress what takes long, before anyone waits for it."""
    for encoding in ("gzip", "deflate", "gzip truncated"):
        _packed(encoding, "rows")
    _packed("bomb", "JSON")


def _content(case: Case) -> tuple[bytes, bytes, int]:
    """Return how a body begins, what it goes on with, and how long it is said to be."""
    packed = case.encoding in ("gzip", "deflate", "gzip truncated")
    if case.encoding == "empty members":
        member = gzip.compress(b"")
        return member, member * 1000, ROWS
    if packed and case.body == "endless":
        wbits = zlib.MAX_WBITS + (0 if case.encoding == "deflate" else 16)
        return *_flushed(b"[", wbits), ROWS
    if packed or case.encoding == "bomb":
        known = _packed(case.encoding, "JSON" if case.encoding == "bomb" else case.body)
        return known, b"", len(known)
    if case.body in ("rows", "endless"):
        return b"[", b"{}," * (PIECE // 3) if case.body == "rows" else b" " * PIECE, ROWS
    return BODIES[case.body], b"", len(BODIES[case.body])


def _head(case: Case, length: int) -> bytes:
    names = {"gzip truncated": "gzip", "bomb": "gzip", "empty members": "gzip", "unknown": "br"}
    announced = {
        "length": [length],
        "length short": [max(0, length - 3)],
        "length long": [length + 10],
        "length negative": [-1],
        "length twice": [length, length],
        "lengths conflicting": [length, length + 1],
    }
    fields = [f"Content-Type: {_KINDS.get(case.body, 'application/json')}"]
    if case.encoding != "identity":
        fields.append(f"Content-Encoding: {names.get(case.encoding, case.encoding)}")
    fields += [f"Content-Length: {number}" for number in announced.get(case.framing, [])]
    if "chunk" in case.framing:
        fields.append("Transfer-Encoding: chunked")
    if case.status == "head without end":
        return STATUSES[case.status] + "\r\n".join(fields).encode()
    return STATUSES[case.status] + "".join(f"{field}\r\n" for field in fields).encode() + b"\r\n"


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def wire(case: Case) -> Iterator[bytes]:
    """Yield what the server sends if nobody stops it; an empty piece is a pause."""
    if case.status == "endless 100":
        yield from _endlessly(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    if case.status == "cut after the status line":
        yield STATUSES[case.status]
        return
    start, more, length = _content(case)
    if case.status != "HTTP/0.9":
        yield _head(case, length)
        if case.status == "head without end":
            return
    pieces: Iterable[bytes] = itertools.chain([start], itertools.repeat(more) if more else ())
    if case.framing == "chunk size bad":
        yield b"zz\r\n"
    elif "chunk" not in case.framing:
        yield from pieces
        return
    yield from map(_chunk, pieces)
    if case.framing == "chunks endless":
        yield from itertools.repeat(_chunk(b" " * PIECE))
    if case.framing == "chunks dripping":
        yield from _endlessly(_chunk(b" "))
    yield b"0\r\n\r\n"


def _endlessly(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece
        yield b""


#: Seconds between two pieces of what comes slowly, and bytes after which a cut comes that has no middle.
PAUSE, CUT = 0.1, 100_000


def play(case: Case, peer: Peer) -> None:
    """Do to a client what a case says."""
    if case.delivery == "dripping":
        # What comes within anyone's patience must not make a whole head.
        start = b"".join(itertools.islice(filter(None, wire(case)), 3))
        peer.send(start[:20])
        for number in range(20, 10_000):
            peer.pause(PAUSE)
            peer.send(start[number : number + 1] or b" ")
    if case.delivery in ("cut", "reset"):
        peer.send(_beginning(case))
        if case.delivery == "reset":
            peer.reset()
        return
    for piece in wire(case):
        if piece:
            peer.send(piece)
        else:
            peer.pause(PAUSE)
    if case.delivery == "held":
        peer.hold()


def _beginning(case: Case) -> bytes:
    """Return half of what the server sends, or the beginning of what has no end."""
    taken = bytearray()
    for piece in wire(case):
        taken += piece
        if len(taken) > 2 * CUT:
            return bytes(taken[:CUT])
    return bytes(taken[: len(taken) // 2])


# What may come of it.

_WITH_HEAD = {"200": 200, "103, 200": 200, "103, 400": 400, "204": 204, "301": 301, "500": 500}
REPLY, REDIRECT = "Reply", "UnexpectedRedirect"


def allowed(case: Case) -> set[str]:
    """Return the names of the classes in which a call may end."""
    lost = {"ServiceUnavailable", "UnreadableAnswer"} if case.repeatable else {"OutcomeUnknown"}
    status = _WITH_HEAD.get(case.status)
    if status is None or case.delivery in ("dripping", "reset"):
        return lost
    sure = {301: {REDIRECT}, 400: {REPLY}, 200: {REPLY} if _is_json(case) else lost}.get(status, lost)
    return sure if _is_whole(case) else lost | (sure if _may_pass_for_whole(case, status) else set())


def _is_json(case: Case) -> bool:
    return case.body in ("JSON", "charset") and case.encoding in ("identity", "gzip", "deflate")


def _is_whole(case: Case) -> bool:
    """Return whether a case is an answer as it should be, of whatever content."""
    delivered = case.delivery == "at once" or (case.delivery == "held" and case.framing != "close")
    # The nested one has too many values for its size.
    small = case.body not in ("rows", "endless", "nested") and case.encoding in (
        "identity",
        "gzip",
        "deflate",
    )
    # Nothing is in no encoding.
    small |= case.encoding == "unknown" and case.body == "empty"
    return delivered and small and case.framing in ("length", "chunked", "close")


def _may_pass_for_whole(case: Case, status: int) -> bool:
    """Return whether a client cannot know that an answer is not whole."""
    if case.framing == "length short":
        return status != 200 or case.encoding in ("gzip", "deflate")
    return case.framing == "close" and case.delivery == "cut" and status != 200
