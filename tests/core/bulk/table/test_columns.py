"""Columns become fields and arguments, typed, and what is wrong names line and column."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.bulk.table.columns import BadRow, Columns, Mapped
from airflow_provider_workflows.core.bulk.table.formats import Row
from airflow_provider_workflows.exceptions import InvalidInput

MADRID = {"column": "x", "type": "datetime", "timezone": "Europe/Madrid"}


def row(values: dict[str, Any], **more: Any) -> Row:
    return Row(17, values, "customers.csv line 18", **more)


def read(value: object, spec: Any) -> dict[str, Any]:
    """Read a value of column ``x`` as field ``F``."""
    return Columns({"F": spec}).read(row({"x": value})).values


def typed(value: object, kind: str) -> Any:
    return read(value, {"column": "x", "type": kind})["F"]


def test_everything_at_once() -> None:
    columns = Columns(
        {"FORMITM_1": "name", "FORMITM_2": {"column": "amount", "type": "number"}},
        {"data_no": {"column": "no", "type": "int"}},
        key="id",
        keep=["city", "name"],
    )
    mapped = columns.read(row({"id": "C-17", "name": "Ann", "amount": " 2.50 ", "no": "7", "city": ""}))
    assert mapped == Mapped(
        key="C-17",
        values={"FORMITM_1": "Ann", "FORMITM_2": Decimal("2.50")},
        arguments={"data_no": 7},
        kept={"city": "", "name": "Ann"},
    )


def test_without_fields_each_column_is_one_of_the_same_name() -> None:
    columns = Columns(columns={"data_no": "no"}, key="id", keep=["city"])
    mapped = columns.read(
        row({"id": 1, "no": 2, "city": "x", "name": "Ann", "age": 0, "nick": "", "b": None})
    )
    assert mapped == Mapped(1, {"name": "Ann", "age": 0}, {"data_no": 2}, {"city": "x"})


def test_without_a_key_the_line_names_a_record() -> None:
    assert Columns().read(row({"a": 1})) == Mapped(17, {"a": 1}, {}, {})


@pytest.mark.parametrize(
    ("value", "key"),
    [("C 1", "C 1"), (7, 7), (True, "true"), (1.5, "1.5"), (date(2026, 1, 2), "2026-01-02"), (b"a", "a")],
)
def test_keys(value: object, key: object) -> None:
    assert Columns({}, key="id").read(row({"id": value})).key == key


@pytest.mark.parametrize("value", ["", " ", None, [], {}, math.nan, b"\xff"], ids=repr)
def test_what_cannot_be_a_key(value: object) -> None:
    with pytest.raises(BadRow, match=r"^customers.csv line 18, column 'id': "):
        Columns({}, key="id").read(row({"id": value}))


def test_a_row_that_cannot_be_read() -> None:
    with pytest.raises(BadRow, match=r"^customers.csv line 18: the line is not a JSON object$"):
        Columns().read(row({}, problem="the line is not a JSON object"))


class TestMissingColumns:
    @pytest.mark.parametrize(
        "columns",
        [Columns({"F": "x"}), Columns({}, {"data_no": "x"}), Columns({}, key="x"), Columns(keep=["x"])],
        ids=["fields", "columns", "key", "keep"],
    )
    def test_of_a_header_they_are_an_error_of_the_input(self, columns: Columns) -> None:
        with pytest.raises(InvalidInput, match="there is no column 'x'\nThe columns are 'a', 'b'") as caught:
            columns.read(row({"a": 1, "b": 2}, has_header=True))
        assert not isinstance(caught.value, BadRow)

    @pytest.mark.parametrize("columns", [Columns({"F": "x"}), Columns({}, key="x")], ids=["fields", "key"])
    def test_of_a_record_they_are_its_own(self, columns: Columns) -> None:
        with pytest.raises(BadRow, match="there is no column 'x'"):
            columns.read(row({"a": 1}))

    def test_what_may_be_empty_may_be_missing_in_a_record(self) -> None:
        columns = Columns({"F": {"column": "x", "empty": "omit"}, "G": {"column": "y", "empty": "null"}})
        assert columns.read(row({})).values == {"G": None}
        with pytest.raises(InvalidInput, match="no column 'x'"):
            columns.read(row({}, has_header=True))

    def test_what_is_kept_may_be_missing_in_a_record(self) -> None:
        assert Columns({}, keep=["x"]).read(row({})).kept == {}


class TestEmptyValues:
    @pytest.mark.parametrize("value", [None, ""])
    @pytest.mark.parametrize("kind", [None, "text", "int", "number", "bool", "date", "datetime", "json"])
    def test_they_are_left_out_by_default(self, value: object, kind: str | None) -> None:
        spec: dict[str, Any] = {"column": "x", **({"type": kind} if kind else {})}
        assert read(value, spec) == {}
        assert read(value, {**spec, "empty": "omit"}) == {}
        assert read(value, {**spec, "empty": "null"}) == {"F": None}
        assert read(value, {**spec, "empty": "text"}) == {"F": ""}

    def test_blanks_are_a_text_but_no_number(self) -> None:
        assert read(" ", "x") == read(" ", {"column": "x", "type": "text"}) == {"F": " "}
        assert read(" ", {"column": "x", "type": "int"}) == {}

    def test_zero_and_false_are_values(self) -> None:
        assert [read(value, "x") for value in (0, False)] == [{"F": 0}, {"F": False}]


GOOD: list[tuple[str, object, object]] = [
    ("text", "  a ", "  a "),
    ("text", 7, "7"),
    ("text", True, "true"),
    ("text", 0.5, "0.5"),
    ("text", Decimal("1.10"), "1.10"),
    ("text", date(2026, 1, 2), "2026-01-02"),
    ("text", time(9, 30), "09:30:00"),
    ("text", b"\xc3\xa4", "ä"),
    ("int", " 12 ", 12),
    ("int", "-0012", -12),
    ("int", "9" * 30, int("9" * 30)),
    ("int", 3.0, 3),
    ("int", Decimal("3.00"), 3),
    ("number", "12", 12),
    ("number", "0.10", Decimal("0.10")),
    ("number", "-.5", Decimal("-0.5")),
    ("number", "1e3", Decimal("1000")),
    ("number", 0.1, 0.1),
    ("number", Decimal("1.5"), Decimal("1.5")),
    ("bool", "TRUE", True),
    ("bool", "no", False),
    ("bool", " 1 ", True),
    ("bool", 0, False),
    ("bool", True, True),
    ("date", " 2026-12-31", "2026-12-31"),
    ("date", date(2026, 12, 31), "2026-12-31"),
    ("date", datetime(2026, 12, 31), "2026-12-31"),
    ("datetime", "2026-12-31T09:30Z", datetime(2026, 12, 31, 9, 30, tzinfo=UTC)),
    ("datetime", "2026-12-31 09:30:00+01:00", datetime(2026, 12, 31, 8, 30, tzinfo=UTC)),
    ("datetime", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ("json", '{"a": [1, 2.5]}', {"a": [1, 2.5]}),
    ("json", {"a": 1}, {"a": 1}),
    ("json", 7, 7),
    ("json", "null", None),
]

BAD: list[tuple[str, object, str]] = [
    ("text", [1], "expected text, got list"),
    ("text", math.nan, "expected text, got nan"),
    ("text", b"\xff", "expected text, got bytes"),
    ("int", "abc", "expected an integer, got 'abc'"),
    ("int", "1e3", "expected an integer, got '1e3'"),
    ("int", "1_000", "expected an integer, got '1_000'"),
    ("int", "١٢", "expected an integer, got '١٢'"),
    ("int", "1.0", "expected an integer, got '1.0'"),
    ("int", 3.5, "expected an integer, got 3.5"),
    ("int", 1e17, "expected an integer, got 1e\\+17"),
    ("int", math.inf, "expected an integer, got inf"),
    ("int", Decimal("1e999999999"), r"expected an integer, got 1E\+999999999"),
    ("int", True, "expected an integer, got True"),
    ("number", "1,5", "expected a number, got '1,5'"),
    ("number", "NaN", "expected a number, got 'NaN'"),
    ("number", "inf", "expected a number, got 'inf'"),
    ("number", "1e9999", "expected a number"),
    ("number", math.nan, "expected a number, got nan"),
    ("number", Decimal("sNaN"), "expected a number, got sNaN"),
    ("number", False, "expected a number, got False"),
    ("bool", "maybe", "expected true or false, got 'maybe'"),
    ("bool", 2, "expected true or false, got 2"),
    ("date", "31.12.2026", "expected a date like 2026-12-31, got '31.12.2026'"),
    ("date", "2026-02-30", "expected a date"),
    ("date", "20260101", "expected a date"),
    ("date", datetime(2026, 1, 1, 9), "expected a date like 2026-12-31, got 2026-01-01 09:00:00"),
    ("datetime", "2026-12-31", "expected a date and time"),
    ("datetime", "2026-12-31T25:00Z", "expected a date and time"),
    ("datetime", "2026-12-31T09:30", "'2026-12-31T09:30' has no time zone"),
    ("datetime", date(2026, 1, 1), "expected a date and time"),
    ("json", "{", "expected JSON, got '{'"),
    ("json", "NaN", "expected JSON, got 'NaN'"),
    ("json", '{"a": 1, "a": 2}', "expected JSON"),
]


class TestTypes:
    @pytest.mark.parametrize(("kind", "value", "expected"), GOOD, ids=repr)
    def test_good_values(self, kind: str, value: object, expected: object) -> None:
        found = typed(value, kind)
        assert (found, type(found)) == (expected, type(expected))

    @pytest.mark.parametrize(("kind", "value", "said"), BAD, ids=repr)
    def test_bad_values(self, kind: str, value: object, said: str) -> None:
        with pytest.raises(BadRow, match=rf"^customers.csv line 18, column 'x': {said}"):
            typed(value, kind)

    @pytest.mark.parametrize("value", [1, "a", [1], {"a": None}, True, date(2026, 1, 1), b"\xff"], ids=repr)
    def test_without_a_type_a_value_stays_as_it_is(self, value: object) -> None:
        assert read(value, "x") == {"F": value}
        assert Columns().read(row({"x": value})).values == {"x": value}

    @pytest.mark.parametrize("value", [math.nan, math.inf, Decimal("NaN")], ids=repr)
    def test_what_is_no_number_is_refused_without_a_type(self, value: object) -> None:
        for columns in (Columns({"F": "x"}), Columns()):
            with pytest.raises(BadRow, match="column 'x': expected a finite number"):
                columns.read(row({"x": value}))

    @pytest.mark.parametrize("value", ["2026-07-01T09:30", datetime(2026, 7, 1, 9, 30)], ids=repr)
    def test_a_time_zone(self, value: object) -> None:
        found = read(value, MADRID)["F"]
        assert (found, found.utcoffset()) == (datetime(2026, 7, 1, 7, 30, tzinfo=UTC), timedelta(hours=2))

    def test_an_offset_comes_before_the_time_zone(self) -> None:
        assert read("2026-07-01T09:30Z", MADRID)["F"] == datetime(2026, 7, 1, 9, 30, tzinfo=UTC)

    @given(st.integers(min_value=-(10**300) + 1, max_value=10**300 - 1))
    def test_integers(self, number: int) -> None:
        assert typed(str(number), "int") == typed(f" {number} ", "number") == typed(number, "int") == number

    @given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
    def test_no_digit_of_a_number_is_lost(self, number: Decimal) -> None:
        assert typed(format(number, "f"), "number") == number

    @given(
        st.datetimes(
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=30))]),
            min_value=datetime(1900, 1, 1),
        )
    )
    def test_points_in_time(self, at: datetime) -> None:
        assert typed(at.isoformat(), "datetime") == at
        assert typed(at.isoformat(), "text") == at.isoformat()
        assert typed(at.date().isoformat(), "date") == at.date().isoformat()

    @given(st.recursive(st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
    def test_json(self, value: Any) -> None:
        assert typed(json.dumps(value), "json") == value

    @given(
        st.sampled_from(["int", "number", "bool", "date", "datetime", "json", "text"]),
        st.text() | st.binary(),
    )
    def test_nothing_but_a_bad_row_comes_of_junk(self, kind: str, junk: str | bytes) -> None:
        said = ""
        try:
            read(junk, {"column": "x", "type": kind})
        except BadRow as error:
            said = str(error)
        assert len(said.partition("\n")[0]) <= 140


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 40, repr("a" * 40)),
        ("a" * 41, "text of 41 characters"),
        ({"secret": "hush"}, "dict"),
        (10**50, "int"),
        (10**5000, "int"),
    ],
    ids=["short", "long", "mapping", "large", "huge"],
)
def test_a_long_value_is_not_quoted(value: object, shown: str) -> None:
    with pytest.raises(BadRow) as caught:
        typed(value, "bool")
    assert str(caught.value).endswith(f"expected true or false, got {shown}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"fields": ["name"]}, r"fields: expected a mapping .* got list"),
        ({"fields": "name"}, r"fields: expected a mapping .* got 'name'"),
        ({"fields": {1: "x"}}, r"fields\[1\]: the name must be text"),
        ({"fields": {"F": 1}}, r"fields\['F'\]: expected a column or a mapping, got 1"),
        ({"fields": {"F": ""}}, r"fields\['F'\]: expected the name of a column, got ''"),
        ({"fields": {"F": {}}}, r"fields\['F'\]: expected the name of a column, got None"),
        (
            {"fields": {"F": {"column": "x", "typ": "int"}}},
            r"fields\['F'\]: 'typ' is not one of column, type",
        ),
        ({"fields": {"F": {"column": "x", "type": "float"}}}, r"the type 'float' is not one of text, int"),
        ({"fields": {"F": {"column": "x", "type": ["int"]}}}, r"the type list is not one of text, int"),
        ({"fields": {"F": {"column": "x", "empty": "skip"}}}, r"empty is 'skip', but must be one of omit"),
        ({"fields": {"F": {"column": "x", "empty": []}}}, r"empty is list, but"),
        ({"fields": {"F": {"column": "x", "timezone": "UTC"}}}, r"a timezone goes with the type datetime"),
        ({"fields": {"F": {**MADRID, "timezone": "Moon/Base"}}}, r"there is no time zone 'Moon/Base'"),
        ({"fields": {"F": {**MADRID, "timezone": "../etc"}}}, r"there is no time zone"),
        ({"columns": {"data_no": 1}}, r"columns\['data_no'\]: expected a column"),
        ({"key": 1}, r"key: expected the name of a column, got 1"),
        ({"key": ""}, r"key: expected the name of a column, got ''"),
        ({"keep": "name"}, r"keep: expected a list of columns, got 'name'"),
        ({"keep": 7}, r"keep: expected a list of columns, got 7"),
        ({"keep": [7]}, r"keep: expected the name of a column, got 7"),
        ({"keep": ["id"]}, r"keep: the column 'id' cannot be kept"),
    ],
    ids=str,
)
def test_arguments_are_checked_once(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}|{said}"):
        Columns(**arguments)
