"""Rows come as a stream from whatever holds a table, and what is wrong with one does not stop the others."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.bulk.table import formats
from airflow_provider_workflows.core.bulk.table.formats import CHUNK, LONGEST_LINE, lines
from airflow_provider_workflows.core.bulk.table.results import Outcome, RecordResult, ResultsFolder
from airflow_provider_workflows.core.bulk.table.source import BATCH, Fingerprint, Row, read_rows
from airflow_provider_workflows.exceptions import InvalidInput

Write = Callable[..., Path]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def values(records: object) -> list[Any]:
    return [dict(row.values) for row in read_rows(records)]


def problems(records: object) -> list[tuple[int, str, str | None]]:
    return [(row.line, row.where, row.problem) for row in read_rows(records)]


class TestIterables:
    @pytest.mark.parametrize("kind", [list, tuple, iter], ids=["list", "tuple", "iterator"])
    def test_mappings(self, kind: Any) -> None:
        rows = list(read_rows(kind([{"a": 1}, MappingProxyType({"a": None})])))
        assert [(row.line, row.where, dict(row.values), row.has_header) for row in rows] == [
            (1, "record 1", {"a": 1}, False),
            (2, "record 2", {"a": None}, False),
        ]

    def test_nothing(self) -> None:
        assert values([]) == []

    def test_a_generator_is_read_as_a_stream(self) -> None:
        taken = []

        def generated() -> Iterator[dict[str, int]]:
            for number in range(3):
                taken.append(number)
                yield {"n": number}

        next(read_rows(generated()))
        assert taken == [0]

    def test_a_sequence_in_xcom_is_asked_for_slices(self) -> None:
        class Lazy(Sequence[Any]):
            asked: list[Any] = []  # noqa: RUF012

            def __getitem__(self, key: Any) -> Any:
                self.asked.append(key)
                return [{"n": n} for n in range(BATCH + 1)][key]

            def __len__(self) -> int:
                raise AssertionError("it would cost a request")

        assert values(Lazy()) == [{"n": n} for n in range(BATCH + 1)]
        assert Lazy.asked == [slice(0, BATCH), slice(BATCH, 2 * BATCH)]

    def test_a_bad_record_does_not_stop_the_others(self) -> None:
        assert problems([{"a": 1}, 7, {1: 2}, {"a": 2}]) == [
            (1, "record 1", None),
            (2, "record 2", "expected a mapping of columns, got int"),
            (3, "record 3", "a column's name is not text"),
            (4, "record 4", None),
        ]

    @pytest.mark.parametrize(
        "records", [None, 7, b"a.csv", {"a": 1}, {"results": 7}, ["a.csv"], [[1]], "[{'a': 1}]", object()]
    )
    def test_what_is_no_table_is_refused(self, records: object) -> None:
        with pytest.raises(InvalidInput, match=r"^records: "):
            list(read_rows(records))


class TestFiles:
    @pytest.mark.parametrize(
        "kind",
        [str, Path, lambda path: f"file://{path}", lambda path: ObjectStoragePath(f"file://{path}")],
        ids=["text", "path", "URL", "object"],
    )
    def test_paths(self, write: Write, kind: Any) -> None:
        assert values(kind(write("a.csv", "x\n1\n"))) == [{"x": "1"}]

    def test_a_relative_path(self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write("in/a.csv", "x\n1\n")
        monkeypatch.chdir(tmp_path)
        assert values("in/a.csv") == [{"x": "1"}]

    @pytest.mark.parametrize("name", ["a b.csv", "ü?%41#b.CSV", "a.tsv", "a@b.csv", "a.CSV.GZ"])
    def test_names(self, write: Write, name: str, tmp_path: Path) -> None:
        write(name.replace("GZ", "gz"), "x\n1\n")
        if name.endswith("GZ"):
            (tmp_path / name.replace("GZ", "gz")).rename(tmp_path / name)
        assert values(str(tmp_path / name)) == [{"x": "1"}]

    def test_an_object_storage(self, memory: ObjectStoragePath) -> None:
        with (memory / "a.jsonl").open("wb") as file:  # type: ignore[no-untyped-call]
            file.write(b'{"x": 1}\n')
        assert values("memory://bucket/folder/a.jsonl") == [{"x": 1}]
        assert values(memory) == [{"x": 1}]

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("{}/none.csv", "there is no such file"),
            ("{}/none", "format of .* is unknown"),
            ("{}/a.txt", "format of .* is unknown"),
            ("{}/a.parquet.gz", "format of .* is unknown"),
            ("{}/empty", "must hold files of one format; it has none"),
            ("{}/mixed", "must hold files of one format; it has csv, jsonl"),
            ("nowhere://key:hush@bucket/a.csv?sig=hush", "nowhere"),
            ("a\0.csv", "records"),
            ("", "records"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, write: Write, tmp_path: Path, path: str, said: str) -> None:
        write("a.txt", "")
        write("mixed/a.csv", "x\n")
        write("mixed/b.jsonl", "")
        (tmp_path / "empty").mkdir()
        with pytest.raises(InvalidInput, match=said) as caught:
            list(read_rows(path.format(tmp_path)))
        assert "hush" not in str(caught.value)
        assert str(caught.value).startswith("records: ")

    def test_a_folder_is_read_in_order_of_name(self, write: Write, tmp_path: Path) -> None:
        write("in/b.csv", "y,x\n2,3\n")
        write("in/a.csv.gz", "x,y\n1,2\n\n2,2\n")
        write("in/_SUCCESS", "")
        write("in/.hidden.jsonl", "{")
        write("in/sub/c.csv", "x,y\n9,9\n")
        rows = list(read_rows(f"{tmp_path}/in/"))
        assert [(row.line, row.where, row.values["x"]) for row in rows] == [
            (1, "a.csv.gz line 2", "1"),
            (2, "a.csv.gz line 4", "2"),
            (3, "b.csv line 2", "3"),
        ]

    @pytest.mark.parametrize("cut", [1, 9, 25])
    def test_a_cut_gzip_file(self, tmp_path: Path, cut: int) -> None:
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(b"x\n1\n")[:-cut])
        with pytest.raises(InvalidInput, match=r"not a whole gzip file|needs a header"):
            list(read_rows(path))

    def test_allowed_paths(self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_PATHS", f"{tmp_path}/in")
        assert values(write("in/a.csv", "x\n1\n")) == [{"x": "1"}]
        with pytest.raises(InvalidInput, match=r"records: .* is not in a folder that \[workflows\]"):
            read_rows(write("a.csv", "x\n1\n"))


class TestCsv:
    def test_bad_rows_are_named_by_line(self, write: Write) -> None:
        text = 'x,y\n1,"a\nb"\n\n1\n1,2,3\n"a"b,2\n\xff,1\n2,3\n,\n'
        path = write("a.csv", text.encode("latin-1"))
        assert [(row.line, row.where, row.problem, dict(row.values)) for row in read_rows(path)] == [
            (1, "a.csv line 2", None, {"x": "1", "y": "a\nb"}),
            (2, "a.csv line 5", "1 columns, but the header has 2", {}),
            (3, "a.csv line 6", "3 columns, but the header has 2", {}),
            (4, "a.csv line 7", "not valid CSV: ',' expected after '\"'", {}),
            (5, "a.csv line 8", "the line has bytes that are not UTF-8", {}),
            (6, "a.csv line 9", None, {"x": "2", "y": "3"}),
            (7, "a.csv line 10", None, {"x": "", "y": ""}),
        ]

    def test_an_open_quote_takes_no_more_than_its_record(self, write: Write) -> None:
        found = problems(write("a.csv", 'x,y\n1,2\n2,"3\n4,5\n'))
        assert found == [
            (1, "a.csv line 2", None),
            (2, "a.csv lines 3 to 4", "not valid CSV: unexpected end of data"),
        ]

    def test_a_line_without_end_is_not_kept(self, write: Write) -> None:
        long = "9" * (LONGEST_LINE + CHUNK)
        assert problems(write("a.csv", f"x\n1\n{long}\n2\n{long}")) == [
            (1, "a.csv line 2", None),
            (2, "a.csv line 3", f"the line has more than {LONGEST_LINE} bytes"),
            (3, "a.csv line 4", None),
            (4, "a.csv line 5", f"the line has more than {LONGEST_LINE} bytes"),
        ]

    @pytest.mark.parametrize("start", ["", "\ufeff", "\n", "\ufeff\r\n"])
    @pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
    def test_marks_and_ends(self, write: Write, start: str, end: str) -> None:
        assert values(write("a.csv", f"{start}x,y\r\n1,2{end}")) == [{"x": "1", "y": "2"}]

    @pytest.mark.parametrize(
        ("header", "said"),
        [
            (b"", "there is none"),
            (b"\n\n", "there is none"),
            (b"x,\n", "a column has no name"),
            (b"x,y,x\n", "the column 'x' occurs twice"),
            (b'"x"y\n', "not valid CSV"),
            (b"\xff\xfex\x00\n", "not UTF-8"),
            (b"9" * (LONGEST_LINE + 1), "more than"),
        ],
    )
    def test_a_header_is_required(self, write: Write, header: bytes, said: str) -> None:
        with pytest.raises(InvalidInput, match=f"a.csv' needs a header line with its columns: .*{said}"):
            list(read_rows(write("a.csv", header)))

    @given(st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=5), st.sampled_from([",", "\t"]))
    def test_what_python_writes_is_read(self, rows: list[list[str]], delimiter: str) -> None:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=delimiter).writerows([["x", "y"], *rows])
        name = {",": "csv", "\t": "tsv"}[delimiter]
        assert read_bytes(f"a.{name}", stream.getvalue().encode()) == [
            {"x": one[0], "y": one[1]} for one in rows
        ]

    @given(st.binary(max_size=200))
    def test_nothing_that_follows_a_header_stops_it(self, junk: bytes) -> None:
        read_bytes("a.csv", b"x,y\n" + junk)


class TestJsonLines:
    def test_bad_rows_are_named_by_line(self, write: Write) -> None:
        written = [
            b'{"x": 1}',
            b"",
            b"  \r",
            b"[1]",
            b'{"x": NaN}',
            b'{"x": -Infinity}',
            b'{"x": 1e999}',
            b'{"x": 1e-99999}',
            b'{"x": "\xff"}',
            b'{"x": 1, "x": 2}',
            b'{"x": 1',
            b'{"x": ' + b"[" * 200_000,
            b'{"x": "' + b"9" * LONGEST_LINE + b'"}',
            b'{"x": ' + b"9" * 5000 + b"}",
            b'{"x": 2}\r',
        ]
        found = problems(write("a.jsonl", b"\n".join(written)))
        assert [one[:2] for one in found] == [
            (line, f"a.jsonl line {number}") for line, number in enumerate([1, *range(4, 16)], 1)
        ]
        said = [one[2] or "" for one in found]
        assert [bool(one) for one in said] == [False, *[True] * 11, False]
        assert said[1] == "the line is not a JSON object"
        assert "NaN is not a number of JSON" in said[2]
        assert "too large" in said[4]
        assert "not UTF-8" in said[6]
        assert "a key occurs twice" in said[7]
        assert said[8].startswith("the line is not JSON: Expecting ',' delimiter")
        assert "more than 1048576 bytes" in said[10]

    def test_no_digit_is_lost(self, write: Write) -> None:
        text = '{"a": 0.1, "b": 12345678901234567.25, "c": 123456789012345678901, "d": 1e3}'
        (row,) = values(write("a.ndjson", "\ufeff" + text))
        assert row == {
            "a": 0.1,
            "b": Decimal("12345678901234567.25"),
            "c": 123456789012345678901,
            "d": 1000.0,
        }

    @given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=4), st.booleans())
    def test_what_python_writes_is_read(self, rows: list[dict[str, Any]], is_ascii: bool) -> None:
        text = "".join(json.dumps(row, ensure_ascii=is_ascii) + "\n" for row in rows)
        found = read_bytes("a.jsonl", text.encode())
        assert json.loads(json.dumps(found, default=float)) == rows

    @given(st.binary(max_size=200))
    def test_nothing_stops_it(self, junk: bytes) -> None:
        read_bytes("a.jsonl", junk)


@given(
    st.lists(st.sampled_from([b"", b"a", b"bb", b"ccc", b"dddddddd"]), max_size=8),
    st.integers(min_value=1, max_value=9),
)
def test_lines_do_not_depend_on_how_much_is_read(data: list[bytes], size: int) -> None:
    stream = io.BytesIO(b"".join(one + b"\n" for one in data))
    found = list(lines(stream, longest=5, chunk_size=size))
    assert found == [None if len(one) > 5 else one for one in data]


def read_bytes(name: str, data: bytes) -> list[dict[str, Any]]:
    """Read bytes as the content of a file, without one."""

    class File:
        def open(self, mode: str) -> io.BytesIO:
            return io.BytesIO(data)

    File.name = name  # type: ignore[attr-defined]
    rows = formats.READERS[name.rpartition(".")[2]](File(), 0)  # type: ignore[arg-type]
    return [dict(row.values) for row in rows]


class TestParquet:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        self.arrow = pytest.importorskip("pyarrow")
        self.parquet = pytest.importorskip("pyarrow.parquet")

    def test_rows_of_all_groups(self, tmp_path: Path) -> None:
        at = datetime(2026, 12, 1, tzinfo=UTC)
        columns = {
            "n": [1, None, 3],
            "amount": [Decimal("1.10")] * 3,
            "at": self.arrow.array([at.timestamp() * 10**9 + 1] * 3)
            .cast("int64")
            .cast(self.arrow.timestamp("ns", tz="UTC")),
            "nested": [{"a": [1]}] * 3,
            "took": self.arrow.array([1, 2, 3], self.arrow.duration("ns")),
            "clock": self.arrow.array([1, 2, 3], self.arrow.time64("ns")),
        }
        path = tmp_path / "a.parquet"
        self.parquet.write_table(self.arrow.table(columns), path, row_group_size=2)
        rows = list(read_rows(path))
        assert [(row.line, row.where, row.values["n"], row.has_header) for row in rows] == [
            (1, "a.parquet row 1", 1, True),
            (2, "a.parquet row 2", None, True),
            (3, "a.parquet row 3", 3, True),
        ]
        assert rows[0].values["amount"] == Decimal("1.10")
        assert rows[0].values["at"] == at
        assert rows[0].values["nested"] == {"a": [1]}

    def test_what_is_no_parquet(self, write: Write) -> None:
        with pytest.raises(InvalidInput, match=r"a.parquet' cannot be read"):
            list(read_rows(write("a.parquet", "x,y\n")))

    def test_columns_of_one_name(self, tmp_path: Path) -> None:
        table = self.arrow.Table.from_arrays([self.arrow.array([1])] * 2, names=["x", "x"])
        self.parquet.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(InvalidInput, match="the column 'x' occurs twice"):
            list(read_rows(tmp_path / "a.parquet"))

    def test_an_old_pyarrow(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pyarrow.__version__", "14.0.2")
        with pytest.raises(InvalidInput, match=r"needs pyarrow 18 or newer: 14\.0\.2 is installed"):
            list(read_rows(write("a.parquet", "")))


def test_parquet_without_pyarrow(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InvalidInput, match=r"needs pyarrow (.|\n)*\[parquet\] on the workers"):
        list(read_rows(write("a.parquet", "")))


def test_the_result_of_another_task(tmp_path: Path) -> None:
    folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}/results"))
    kept = {"name": "Ann", "id": "taken"}
    folder.write(
        [
            RecordResult(1, "C-1", Outcome.DONE, id=7, kept=kept),
            RecordResult(2, "C-2", Outcome.REJECTED, code=3, message="no"),
        ],
        1,
        1,
    )
    folder.write([RecordResult(5, "C-5", Outcome.DONE, id={"a": 1})], 2, 1)
    rows = list(read_rows({"records": 3, "results": folder.url}))
    assert [(row.line, row.where, dict(row.values)) for row in rows] == [
        (1, "record 1 of the results", {"line": 1, "key": "C-1", "id": 7, "outcome": "done", "name": "Ann"}),
        (2, "record 2 of the results", {"line": 2, "key": "C-2", "id": None, "outcome": "rejected"}),
        (3, "record 5 of the results", {"line": 5, "key": "C-5", "id": {"a": 1}, "outcome": "done"}),
    ]


def fingerprint(rows: list[Any]) -> str:
    taken = Fingerprint()
    for line, one in enumerate(rows, 1):
        taken.update(Row(line, one, ""))
    return taken.hexdigest()


class TestFingerprint:
    @given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=4))
    def test_the_order_of_columns_does_not_count(self, rows: list[dict[str, Any]]) -> None:
        assert fingerprint(rows) == fingerprint([dict(reversed(one.items())) for one in rows])

    @given(
        st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=3),
        st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=3),
    )
    def test_other_rows_have_another(self, some: list[Any], others: list[Any]) -> None:
        assert (fingerprint(some) == fingerprint(others)) == (some == others)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, "1"),
            (Decimal("1.0"), Decimal("1.00")),
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)),
            (b"a", "a"),
            (None, "null"),
            ({1: "a", "1": "b"}, {1: "b", "1": "a"}),
            ({"a"}, {"b"}),
            ("\ud800", "\ud801"),
            (MappingProxyType({"a": 1}), MappingProxyType({"a": 2})),
        ],
        ids=repr,
    )
    def test_values_that_json_does_not_know(self, one: object, other: object) -> None:
        assert fingerprint([{"a": one}]) == fingerprint([{"a": one}])
        assert fingerprint([{"a": one}]) != fingerprint([{"a": other}])

    def test_a_problem_counts(self) -> None:
        good, bad = Fingerprint(), Fingerprint()
        good.update(Row(1, {}, ""))
        bad.update(Row(1, {}, "", "not JSON"))
        assert good.hexdigest() != bad.hexdigest()

    def test_it_can_be_told_at_any_row(self) -> None:
        taken = Fingerprint()
        taken.update(Row(1, {"a": 1}, ""))
        assert taken.hexdigest() == taken.hexdigest() == fingerprint([{"a": 1}])
        taken.update(Row(2, {"a": 2}, ""))
        assert taken.hexdigest() == fingerprint([{"a": 1}, {"a": 2}])
