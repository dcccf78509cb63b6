"""Values to MyBPM and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.api.values import (
    KINDS,
    check_code,
    check_id,
    is_id,
    same,
    to_python,
    to_text,
)

ALMATY = timezone(timedelta(hours=6))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is ", "as it is "),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "-7"),
        (10**30, "1" + "0" * 30),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.10"), "1.10"),
        (Decimal("-1E-9"), "-0.000000001"),
        (datetime(2030, 1, 2, 9, 4, 5, 123999, tzinfo=ALMATY), "2030-01-02T03:04:05.123Z"),
        (datetime(2030, 1, 2, tzinfo=UTC), "2030-01-02T00:00:00.000Z"),
        (pendulum.datetime(2030, 1, 2, 9, tz="Asia/Almaty"), "2030-01-02T04:00:00.000Z"),
    ],
    ids=str,
)
def test_values_go_out_as_text(value: Any, text: str) -> None:
    assert to_text(value, "NUM") == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None is not a text"),
        (datetime(2030, 1, 2), "no time zone"),
        (date(2030, 1, 2), "a datetime with a time zone"),
        (datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), "out of range"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        (Decimal("NaN"), "NaN is not a finite number"),
        (Decimal("sNaN"), "not a finite number"),
        (["a"], "got list"),
        ({"a": 1}, "got dict"),
        (b"a", "got bytes"),
    ],
    ids=repr,
)
def test_what_has_no_text_is_refused_by_name(value: Any, expected: str) -> None:
    with pytest.raises(InvalidInput, match="field_values NUM") as caught:
        to_text(value, "field_values NUM")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", str, "7"),
        ("", str, ""),
        (None, str, None),
        (None, Decimal, None),
        ("", Decimal, None),
        (" ", datetime, None),
        ("7.50", Decimal, Decimal("7.50")),
        ("7.0", int, 7),
        ("-1e3", int, -1000),
        ("TRUE", bool, True),
        ("false", bool, False),
        ("2030-01-02T03:04:05.123Z", datetime, datetime(2030, 1, 2, 3, 4, 5, 123000, tzinfo=UTC)),
        ("2030-01-02T09:04:05.123+06", datetime, datetime(2030, 1, 2, 9, 4, 5, 123000, tzinfo=ALMATY)),
        (
            "2030-01-02T09:04:05.123+0530",
            datetime,
            datetime(2030, 1, 2, 9, 4, 5, 123000, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
    ],
)
def test_values_are_read_back(text: str | None, kind: Any, value: Any) -> None:
    read = to_python(text, kind)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("seven", Decimal),
        ("1_000", Decimal),
        ("NaN", Decimal),
        ("1e99999999999999999999", Decimal),
        ("7.5", int),
        ("yes", bool),
        ("2030-01-02T03:04:05.123", datetime),
        ("soon", datetime),
    ],
)
def test_what_cannot_be_read_is_a_value_error(text: str, kind: Any) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        to_python(text, kind)
    assert not isinstance(caught.value, ArithmeticError)


def test_kinds_of_the_documented_field_types() -> None:
    assert {
        "INPUT_TEXT": str,
        "INPUT_NUMBER": Decimal,
        "FULL_DATE": datetime,
        "RADIO_BUTTON_GROUP": str,
        "CREATED_AT": datetime,
        "LAST_MODIFIED_AT": datetime,
    } == KINDS


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=ZONES)


@given(MOMENTS)
def test_a_moment_comes_back_to_the_millisecond(moment: datetime) -> None:
    text = to_text(moment, "DUE")
    assert len(text) == len("2030-01-02T03:04:05.123Z")
    assert text.endswith("Z")
    back = to_python(text, datetime)
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


@given(MOMENTS, st.integers(-14, 14))
def test_a_moment_is_the_same_in_the_users_zone(moment: datetime, hours: int) -> None:
    sent = to_text(moment, "DUE")
    local = to_python(sent, datetime).astimezone(timezone(timedelta(hours=hours)))
    returned = f"{local.isoformat(timespec='milliseconds')[:-6]}{hours:+03d}"
    assert to_python(returned, datetime) == to_python(sent, datetime)
    assert same(returned, sent, "FULL_DATE")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_decimal_comes_back_whole_and_goes_without_exponent(number: Decimal) -> None:
    text = to_text(number, "SUM")
    assert set(text) <= set("0123456789.-")
    assert to_python(text, Decimal) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back(number: float) -> None:
    assert float(to_python(to_text(number, "SUM"), Decimal)) == number


@given(st.integers())
def test_a_whole_number_comes_back(number: int) -> None:
    assert to_python(to_text(number, "SUM"), int) == number


@given(st.text())
def test_text_is_never_changed(text: str) -> None:
    assert to_python(to_text(text, "T")) == text


@given(st.booleans())
def test_a_boolean_comes_back(value: bool) -> None:
    assert to_python(to_text(value, "B"), bool) is value


@given(st.text(), st.sampled_from([str, bool, int, Decimal, datetime]))
def test_reading_fails_with_nothing_but_a_value_error(text: str, kind: Any) -> None:
    try:
        to_python(text, kind)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("one", "other", "type_", "is_same"),
    [
        ("7", "7.0", "INPUT_NUMBER", True),
        ("7", "7.0", "INPUT_TEXT", False),
        ("7", "7.0", None, False),
        ("7", "8", "INPUT_NUMBER", False),
        ("x", "7", "INPUT_NUMBER", False),
        ("", None, "INPUT_NUMBER", True),
        (None, "", None, True),
        ("", "0", "INPUT_NUMBER", False),
        ("2030-01-02T09:04:05.123+06", "2030-01-02T03:04:05.123Z", "FULL_DATE", True),
        ("2030-01-02T09:04:05.123+06", "2030-01-02T03:04:05.124Z", "FULL_DATE", False),
    ],
)
def test_same_value_in_another_spelling(one: Any, other: Any, type_: Any, is_same: bool) -> None:
    assert same(one, other, type_) is is_same
    assert same(other, one, type_) is is_same


@pytest.mark.parametrize(
    "text",
    ["aaaaBBBBcccc0001", "~~~~~~~~@@@@@@@@", "a-b_c/d.e+f=g:h!", "идентификатор-16", "a b c d e f g hi"],
)
def test_ids_have_16_characters(text: str) -> None:
    """Of which set is not documented, so that any that a server gives are taken."""
    assert is_id(text)
    assert check_id(text, "boi_id") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "aaaa",
        "aaaaBBBBcccc00012",
        " aaBBBBcccc00012",
        "aaaaBBBBccc0001\n",
        "a" * 15 + "\0",
        7,
        None,
    ],
)
def test_what_is_no_id_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInput, match="boi_id must be 16 characters long"):
        check_id(text, "boi_id")


@pytest.mark.parametrize("code", ["", " ", "None", None, 7])
def test_what_is_no_code_is_refused(code: Any) -> None:
    with pytest.raises(InvalidInput, match="bo_code must be a non-empty code"):
        check_code(code, "bo_code")
