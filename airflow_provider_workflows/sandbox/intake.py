"""Reading a request: its body into memory, or its parts if it is a multipart form."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from airflow_provider_workflows.sandbox.vendor import Call, Head, Upload

if TYPE_CHECKING:
    from starlette.types import Receive


async def read_call(head: Head, receive: Receive, *, limit: int) -> Call:
    """
    Read the body of a request.

    :param limit: bytes beyond which a body looks empty; in a multipart body, those of one field that is no
        file.
    :raises ClientDisconnect: if the client leaves before the body is complete.
    """
    kind, options = parse_options_header(head.headers.get("content-type", ""))
    if kind == b"multipart/form-data" and options.get(b"boundary"):
        return await _read_multipart(head, receive, limit)
    return Call(head, body=await _read_limited(receive, limit))


async def _pieces(receive: Receive) -> AsyncGenerator[bytes, None]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _read_limited(receive: Receive, limit: int) -> bytes:
    kept = bytearray()
    size = 0
    async for piece in _pieces(receive):
        size += len(piece)
        # The rest is still read: a server that stops reading resets the connection instead of answering.
        if size <= limit:
            kept += piece
    return bytes(kept) if size <= limit else b""


class _Parser(MultiPartParser):
    """Starlette's parser, which writes files to disk as they come, and what it does not tell by itself."""

    #: Whether the last boundary was there. Starlette takes a body that breaks off for a whole one.
    is_whole = False

    def on_end(self) -> None:
        self.is_whole = True

    def close(self) -> None:
        """Remove the files; Starlette does so after some errors only, depending on its version."""
        for file in self._files_to_close_on_error:
            file.close()


async def _read_multipart(head: Head, receive: Receive, limit: int) -> Call:
    """Read a form; one that is broken or too large looks like an empty body."""
    pieces = _pieces(receive)
    parser = _Parser(
        Headers(head.headers), pieces, max_files=math.inf, max_fields=math.inf, max_part_size=limit
    )
    try:
        parts = (await parser.parse()).multi_items()
        if not parser.is_whole:
            return Call(head)
        form = tuple((name, value) for name, value in parts if isinstance(value, str))
        uploads = [await _measured(name, file) for name, file in parts if isinstance(file, UploadFile)]
        return Call(head, form=form, uploads=tuple(uploads), is_multipart=True)
    except (FormParserError, MultiPartException):
        async for _ in pieces:
            pass
        return Call(head)
    finally:
        parser.close()


async def _measured(field: str, file: UploadFile) -> Upload:
    """Measure a file, in a thread since it may be large; nobody ever asks for its bytes."""
    digest = await run_in_threadpool(_digest, file.file)
    return Upload(field, file.filename or "", file.size or 0, digest)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    return digest.hexdigest()
