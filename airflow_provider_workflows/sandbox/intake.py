"""Reading a request: small bodies into memory, multipart files straight to the spool."""

from __future__ import annotations

from collections.abc import AsyncIterator

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from airflow_provider_workflows.sandbox.multipart import MultipartReader
from airflow_provider_workflows.sandbox.spool import Spool
from airflow_provider_workflows.sandbox.vendor import Call, Head


async def read_call(head: Head, receive: Receive, *, limit: int, spool: Spool) -> Call:
    """Read the body of a request.

    :param limit: bytes beyond which a body other than multipart counts as empty.
    :raises ClientDisconnect: if the client leaves before the body is complete.
    """
    kind, options = parse_options_header(head.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind == b"multipart/form-data" and boundary:
        return await _read_multipart(head, receive, boundary=boundary, spool=spool)
    return Call(head, body=await _read_limited(receive, limit))


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
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


async def _read_multipart(head: Head, receive: Receive, *, boundary: bytes, spool: Spool) -> Call:
    reader = MultipartReader(boundary, spool)
    try:
        async for piece in _pieces(receive):
            reader.write(piece)
    except BaseException:
        reader.discard()
        raise
    is_whole = reader.finish()
    return Call(head, form=tuple(reader.form), uploads=tuple(reader.uploads), is_multipart=is_whole)
