"""How much of an answer is read at the most, so that it holds up no event loop."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.core.transport.answer import BYTES_A_VALUE, Incoming, TooLarge
from airflow_provider_workflows.core.transport.endpoint import Endpoint

LARGEST = Endpoint(base_url="http://vendor.example").largest_answer
MOST = LARGEST // BYTES_A_VALUE


def received(body: bytes, kind: str = "application/json") -> bytes:
    incoming = Incoming(200, [(b"Content-Type", kind.encode())], largest=LARGEST)
    incoming.feed(body)
    return incoming.reply().body


def test_by_default_half_a_million_values_are_read() -> None:
    # They took 0.24 s, decoded and read by the vendor's code; 16 MB of short ones took 2 s.
    assert MOST == 500_000


@pytest.mark.parametrize(
    ("value", "counts"), [(b"{}", 2), (b"[]", 2), (b"1", 1), (b'"a"', 1), (b'{"id": 1}', 2), (b"[[[[]]]]", 5)]
)
@pytest.mark.parametrize("before", [b"", b"\r\n ", b"\xef\xbb\xbf"])
def test_a_body_of_more_values_is_too_large(value: bytes, counts: int, before: bytes) -> None:
    number = MOST // counts
    body = before + b"[" + b",".join([value] * (number - 1)) + b"]"
    assert received(body) == body
    with pytest.raises(TooLarge, match=r"more values than an answer of 16 MB.*'max_answer_mb'"):
        received(before + b"[" + b",".join([value] * (number + 1)) + b"]")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_however_it_is_written(encoding: str) -> None:
    with pytest.raises(TooLarge):
        received(("[" + "1," * MOST + "1]").encode(encoding))


def test_what_is_no_json_has_no_values() -> None:
    table = b"a,b,c\n" * (MOST // 2)
    assert received(table, "text/csv") == table
