"""The bytes of a body, read back by parsers that are not ours."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser, parse_options_header

from airflow_provider_workflows.core.protocol.body import CHUNK, Outgoing, encode_json
from airflow_provider_workflows.core.protocol.message import Part
from airflow_provider_workflows.exceptions import InvalidInput
from tests.core.protocol.samples import make_request

Field = tuple[dict[str, str], bytes]


def file_of(content: bytes, *, name: str = "f", filename: str = "a.bin", size: int | None = None) -> Part:
    size = len(content) if size is None else size
    return Part(name=name, filename=filename, open=lambda: io.BytesIO(content), size=size)


def read_back(body: bytes, content_type: str | None) -> list[Field]:
    """Headers and content of each part, as the parser of FastAPI and Starlette finds them."""
    kind, options = parse_options_header(content_type)
    assert kind == b"multipart/form-data"
    reader = _Reader()
    parser = MultipartParser(options[b"boundary"], callbacks=reader.callbacks)  # type: ignore[arg-type]
    parser.write(body)
    parser.finalize()
    assert reader.ended
    return reader.parts


class _Reader:
    def __init__(self) -> None:
        self.parts: list[Field] = []
        self.ended = False
        self._name = self._value = b""

    @property
    def callbacks(self) -> dict[str, Callable[..., None]]:
        names = ("part_begin", "part_data", "header_field", "header_value", "header_end", "end")
        return {f"on_{name}": getattr(self, name) for name in names}

    def part_begin(self) -> None:
        self.parts.append(({}, b""))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        headers, content = self.parts[-1]
        self.parts[-1] = headers, content + data[start:end]

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self.parts[-1][0][self._name.decode().lower()] = self._value.decode()
        self._name = self._value = b""

    def end(self) -> None:
        self.ended = True


def whole(outgoing: Outgoing) -> bytes:
    return b"".join(outgoing)


def escaped(text: str) -> str:
    """A name as the HTML standard says that forms send it ("multipart/form-data encoding algorithm")."""
    return text.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


_texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.text('a"\r\n;=\\/% ï', max_size=20)
_values = st.builds(Part, name=_texts, value=_texts)
_files = st.builds(
    lambda content, name, filename: file_of(content, name=name, filename=filename),
    st.binary(max_size=200),
    _texts,
    _texts.filter(bool),
)


@given(st.lists(_values | _files, min_size=1, max_size=5))
def test_multipart_is_read_back_as_it_was_meant(parts: list[Part]) -> None:
    outgoing = Outgoing(make_request(parts=tuple(parts)))
    body = whole(outgoing)
    assert len(body) == outgoing.length == len(outgoing)
    found = read_back(body, outgoing.content_type)
    assert len(found) == len(parts)
    for part, (headers, content) in zip(parts, found, strict=True):
        disposition = f'form-data; name="{escaped(part.name)}"'
        if part.open is None:
            assert (headers, content.decode()) == ({"content-disposition": disposition}, part.value)
        else:
            disposition += f'; filename="{escaped(part.filename or "")}"'
            expected = {"content-disposition": disposition, "content-type": "application/octet-stream"}
            assert (headers, content) == (expected, part.open().read())


def test_the_parser_can_tell_names_that_carry_quotes_apart() -> None:
    outgoing = Outgoing(make_request(parts=(file_of(b"x", name='a"; filename="evil', filename="r\r\nX: y"),)))
    ((headers, _),) = read_back(whole(outgoing), outgoing.content_type)
    _, options = parse_options_header(headers["content-disposition"])
    assert options == {b"name": b"a%22; filename=%22evil", b"filename": b"r%0D%0AX: y"}


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_goes_out_in_pieces(size: int) -> None:
    outgoing = Outgoing(make_request(parts=(file_of(b"\0" * size),)))
    pieces = list(outgoing)
    assert max(map(len, pieces)) <= CHUNK
    assert sum(map(len, pieces)) == outgoing.length
    ((_, content),) = read_back(b"".join(pieces), outgoing.content_type)
    assert len(content) == size


def test_two_sendings_share_no_boundary() -> None:
    request = make_request(parts=(Part(name="a", value="b"),))
    assert Outgoing(request).content_type != Outgoing(request).content_type


class Recorded(io.BytesIO):
    """A file that tells whether it was closed."""


def test_the_file_is_opened_anew_for_each_sending_and_closed_after_it() -> None:
    opened: list[Recorded] = []

    def open_it() -> IO[bytes]:
        opened.append(Recorded(b"content"))
        return opened[-1]

    request = make_request(parts=(Part(name="f", filename="a", open=open_it, size=7),))
    first, second = Outgoing(request), Outgoing(request)
    assert opened == []
    assert b"content" in whole(first)
    assert b"content" in whole(second)
    assert [file.closed for file in opened] == [True, True]


@pytest.mark.parametrize(("size", "content"), [(7, b"123456"), (7, b"12345678"), (0, b"1"), (1, b"")])
def test_a_file_that_changes_its_size_is_not_passed_off_as_whole(size: int, content: bytes) -> None:
    outgoing = Outgoing(make_request(parts=(file_of(content, filename="report.pdf", size=size),)))
    sent: list[bytes] = []
    with pytest.raises(InvalidInput, match=r"'report\.pdf' changed its size"):
        sent.extend(outgoing)
    # What was announced never came whole, so the server cannot take it for a request.
    assert 0 < len(b"".join(sent)) < outgoing.length
    assert isinstance(outgoing.broken, InvalidInput)


class StorageError(Exception):
    """Object storages have exceptions of their own."""


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), StorageError("access denied")])
def test_a_file_that_cannot_be_read_is_the_caller_s_mistake(error: Exception) -> None:
    def open_it() -> IO[bytes]:
        raise error

    outgoing = Outgoing(make_request(parts=(Part(name="f", filename="a", open=open_it, size=7),)))
    with pytest.raises(InvalidInput, match=str(error)):
        whole(outgoing)
    assert outgoing.broken is not None


@pytest.mark.parametrize(
    "part",
    [Part(name="\ud800"), Part(name="a", value="\ud800"), file_of(b"", filename="caf\udce9.pdf")],
)
def test_characters_that_cannot_be_sent_are_refused_before_sending(part: Part) -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        Outgoing(make_request(parts=(part,)))


_json_texts = _texts.filter(lambda text: "\0" not in text)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _json_texts,
    lambda inner: st.lists(inner) | st.dictionaries(_json_texts, inner),
    max_leaves=20,
)


@given(json_values.filter(lambda value: value is not None))
def test_json_is_read_back_as_it_was_meant(value: Any) -> None:
    outgoing = Outgoing(make_request(json=value))
    body = whole(outgoing)
    assert json.loads(body) == value
    assert (len(body), outgoing.content_type) == (outgoing.length, "application/json")


@pytest.mark.parametrize(
    "value", [math.nan, Decimal("NaN"), [math.inf], {"a": object()}, {"a": b"bytes"}, "\ud800", {(1, 2): 3}]
)
def test_what_is_not_json_is_refused_before_sending(value: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be encoded as JSON"):
        encode_json(value)
    with pytest.raises(InvalidInput):
        Outgoing(make_request(json=value))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"a": 1, "form": {"b": "x", "days": ["x", math.nan]}}, "form days 1"),
        ({"form": {"day": dt.date(2026, 1, 1)}}, "form day"),
        (math.nan, "The body"),
    ],
)
def test_the_value_that_is_not_json_is_named(value: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{named} cannot be encoded as JSON"):
        encode_json(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidInput, match="JSON"):
        encode_json(value)


def test_large_json_goes_out_in_pieces() -> None:
    outgoing = Outgoing(make_request(json="x" * 3 * CHUNK))
    pieces = list(outgoing)
    assert max(map(len, pieces)) == CHUNK
    assert json.loads(b"".join(pieces)) == "x" * 3 * CHUNK


@pytest.mark.parametrize("changes", [{"json": {"a": 1}}, {"parts": (file_of(b"content"),)}])
def test_sending_has_begun_when_the_first_byte_is_asked_for(changes: dict[str, Any]) -> None:
    outgoing = Outgoing(make_request(**changes))
    # What HTTP libraries do before they connect.
    assert len(outgoing) == outgoing.length
    assert bool(outgoing) is True
    pieces = iter(outgoing)
    assert outgoing.begun is False
    next(pieces)
    assert outgoing.begun is True


def test_no_body() -> None:
    outgoing = Outgoing(make_request())
    assert (bool(outgoing), len(outgoing), outgoing.content_type) == (False, 0, None)


def test_an_empty_object_is_a_body() -> None:
    assert whole(Outgoing(make_request(json={}))) == b"{}"
