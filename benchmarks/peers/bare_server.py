"""
A server that does nothing but answer, so that a client's own cost shows.

usage: python -m benchmarks.peers.bare_server --ready-file FILE [--delay SECONDS] [--tls CERTIFICATE KEY]

It accepts everything, answers as the vendors do with a new id each time, and counts the records by the key
in the body, ``bench-`` and seven digits; one byte a record, whatever their number. ``GET /counts`` tells the
counts, ``POST /forget`` resets them. For waits there is :mod:`benchmarks.peers.pending`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.pending import pending

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"bench-(\d{7})")
#: Records that can be told apart.
MOST_RECORDS = 10_000_000
_STRUCTURE = (
    b'{"boId":"benchObject00001","boCode":"CUSTOMER","name":"Customer","actual":true,"boType":"BO","fields":{'
    b'"f1":{"id":"f1","code":"IIN","label":"Identity number","type":"INPUT_TEXT","unique":true},'
    b'"f2":{"id":"f2","code":"NAME","label":"Name","type":"INPUT_TEXT","unique":false},'
    b'"f3":{"id":"f3","code":"LIMIT","label":"Credit limit","type":"INPUT_NUMBER","unique":false}}}'
)
_BOI = (
    b'{"boiId":"%016d","boCode":"CUSTOMER","state":"ALL","isTouched":false,"fieldValues":{'
    b'"IIN":{"apiValue":"bench-%07d","displayValue":"bench-%07d","type":"INPUT_TEXT"},'
    b'"NAME":{"apiValue":"Customer","displayValue":"Customer","type":"INPUT_TEXT"},'
    b'"LIMIT":{"apiValue":"1000","displayValue":"1000","type":"INPUT_NUMBER"}}}'
)
_KIBAN = (
    b'{"id":"64b5f0c2a1d3e4f5a6b7e001","status":"PROGRESS","currentNodeId":"64b5f0c2a1d3e4f5a6b7f001",'
    b'"currentNodeType":"VALIDATION","currentNodeName":"Review","validation":{"state":"REVIEW","fields":[]}}'
)
_OMFLOW = b'{"status":200,"message":"ok","result":%s}'
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
#: The end of a path, and what is answered: a function of the number of the answer and of the record.
ANSWERS: tuple[tuple[bytes, Callable[[int, int], bytes]], ...] = (
    (b"/api/v1/boi/upsert", lambda number, record: _BOI % (number, record, record)),
    (b"/metadata/load-bo-structure", lambda number, record: _STRUCTURE),
    (b"/auth/get-access-by-password", lambda number, record: b'{"token":"bench-token"}'),
    (b"/accounts/api/security/get/", lambda number, record: _OMFLOW % b'{"security":"bench-code"}'),
    (b"/omdata/edit/purchase", lambda number, record: _OMFLOW % (b"%d" % number)),
    (b"/omdata/list/purchase", lambda number, record: _OMFLOW % b'[{"id":1,"flow_uuid":"bench"}]'),
    (b"/omdata/load/", lambda number, record: _OMFLOW % b"{}"),
    (b"/api/v1/workfloo", lambda number, record: b'{"id":"%024x"}' % number),
    (b"/api/v1/workfloo/status/64b5f0c2a1d3e4f5a6b7e001", lambda number, record: _KIBAN),
    (b"/init/bench-token", lambda number, record: b'{"resultCode":0,"caseNumber":%d}' % number),
)


class Counts:
    """What was answered, in memory that does not grow with it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.answers = 0
        self.paths: Counter[str] = Counter()
        self._seen = bytearray(MOST_RECORDS)
        self._records = self._repeated = 0

    def note(self, path: bytes, record: int | None) -> None:
        self.answers += 1
        self.paths[path.decode()] += 1
        if record is not None:
            known = self._seen[record]
            self._seen[record] = min(known + 1, 255)
            self._records += not known
            self._repeated += bool(known)

    def told(self) -> bytes:
        return json.dumps(
            {
                "records": self._records,
                "repeated": self._repeated,
                "paths": self.paths,
                "cpu": time.process_time(),
            }
        ).encode()


class Exchange(asyncio.Protocol):
    """One connection of a client's."""

    def __init__(self, counts: Counts, delay: float) -> None:
        self._counts = counts
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        target = head[: head.index(b"\r\n")].split(b" ")[1]
        path = target.partition(b"?")[0]
        if path in (b"/counts", b"/forget"):
            if path == b"/forget":
                self._counts.forget()
            return self._write(self._counts.told(), last=False)
        key = _KEY.search(body)
        record = int(key[1]) if key else None
        last = b"onnection: close" in head
        if (waited := pending(target, body)) is not None:
            name, status, text = waited
            self._counts.note(name.encode(), None)
            return self._write(text, last=last, status=status)
        for ending, answer in ANSWERS:
            if path.endswith(ending):
                self._counts.note(ending, record)
                text = answer(self._counts.answers, record or 0)
                break
        else:
            raise LookupError(f"the bare server has no answer for {path!r}")
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, lambda: self._write(text, last=last))
        else:
            self._write(text, last=last)

    def _write(self, text: bytes, *, last: bool, status: bytes = b"200 OK") -> None:
        self._transport.write(_HEAD % (status, len(text), text))
        if last:
            self._transport.close()


async def serve(ready: Path, delay: float, tls: ssl.SSLContext | None) -> None:
    """Listen on a free port, and write its address to a file."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(counts, delay), "127.0.0.1", 0, backlog=1024, ssl=tls)
    part = ready.with_suffix(".part")
    part.write_text(f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    os.replace(part, ready)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    given = parser.parse_args()
    context = None
    if given.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*given.tls)
    asyncio.run(serve(given.ready_file, given.delay, context))
