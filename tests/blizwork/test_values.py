"""What may go into a call: checked before anything is sent, with the field's name in the error."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.blizwork.api.values import (
    case_number,
    closing,
    form_values,
    identifier,
    mapping,
    names,
    optional_identifier,
)
from airflow_provider_workflows.core.protocol.body import encode_json
from airflow_provider_workflows.exceptions import InvalidInput

FILE = {"fileName": "a.pdf", "fileUrl": "https://files.example.com/1"}


@pytest.mark.parametrize(("value", "number"), [(41, 41), ("41", 41), (" 41 ", 41), (0, 0), ("007", 7)])
def test_case_number_is_an_integer_or_digits(value: Any, number: int) -> None:
    found = case_number(value)
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize(
    "value",
    [None, "None", "", "4.0", 4.0, True, "-1", -1, "x", "4\u0661", "\u0661", [4], Decimal(4), b"4", "1e3"],
    ids=repr,
)
def test_case_number_is_nothing_else(value: Any) -> None:
    with pytest.raises(InvalidInput, match="case_number must be an integer"):
        case_number(value)


@pytest.mark.parametrize("value", ["alta", "Alta", " alta", "a b", "ñ/%"])
def test_identifiers_go_as_they_are(value: str) -> None:
    assert identifier(value, "form_id") == value


@pytest.mark.parametrize("value", [None, "", " ", "None", 4, b"a"], ids=repr)
def test_identifiers_that_are_none(value: Any) -> None:
    with pytest.raises(InvalidInput, match="form_id must be a non-empty string"):
        identifier(value, "form_id")


@pytest.mark.parametrize(("value", "found"), [(None, None), ("a@x.y", "a@x.y")])
def test_optional_identifiers(value: Any, found: Any) -> None:
    assert optional_identifier(value, "exec_user_id") == found


@pytest.mark.parametrize("value", ["", " ", "None"])
def test_an_identifier_that_came_to_nothing_is_not_the_connections_own(value: str) -> None:
    with pytest.raises(InvalidInput, match="exec_user_id must be a non-empty string"):
        optional_identifier(value, "exec_user_id")


@pytest.mark.parametrize(
    ("given_data", "wire"),
    [
        ({"a": "text"}, b'{"a":"text"}'),
        ({"a": ""}, b'{"a":""}'),
        ({"a": 3}, b'{"a":3}'),
        ({"a": Decimal("10.50")}, b'{"a":10.50}'),
        ({"a": Decimal("12345678901234567890.123456789")}, b'{"a":12345678901234567890.123456789}'),
        ({"a": Decimal("1E+999")}, b'{"a":1E+999}'),
        ({"a": 0.5}, b'{"a":0.5}'),
        ({"a": "3"}, b'{"a":"3"}'),
        ('{"a": 10.50, "b": 3}', b'{"a":10.50,"b":3}'),
        ('{"a": 12345678901234567890.123456789}', b'{"a":12345678901234567890.123456789}'),
        ({"a": FILE}, b'{"a":{"fileName":"a.pdf","fileUrl":"https://files.example.com/1"}}'),
        (None, b"{}"),
    ],
    ids=repr,
)
def test_form_data_on_the_wire(given_data: Any, wire: bytes) -> None:
    assert encode_json(form_values(given_data)) == wire


REFUSED: list[Any] = [
    *(True, None, [1], b"x", {}, datetime(2026, 1, 1, tzinfo=UTC)),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), float("nan"), float("-inf")),
    *({"fileName": "a"}, {**FILE, "x": "y"}, {**FILE, "fileUrl": ""}, {**FILE, "fileName": 3}),
]


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_form_data_that_is_refused_names_the_field(value: Any) -> None:
    with pytest.raises(InvalidInput, match="form_data age"):
        form_values({"age": value})


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}'])
def test_numbers_in_text_are_finite_too(text: str) -> None:
    with pytest.raises(InvalidInput, match="form_data a"):
        form_values(text)


@pytest.mark.parametrize(
    "form_data", ["no JSON", "[1]", [1], 7, {1: "a"}, {"": "a"}, '{"a": 1, "a": 2}'], ids=repr
)
def test_form_data_that_is_no_mapping(form_data: Any) -> None:
    with pytest.raises(InvalidInput, match="form_data"):
        form_values(form_data)


@pytest.mark.parametrize(
    "given_files", [{"f": FILE}, '{"f": {"fileName": "a.pdf", "fileUrl": "https://files.example.com/1"}}']
)
def test_attachments(given_files: Any) -> None:
    assert form_values({"a": "b"}, given_files) == {"a": "b", "f": FILE}


@pytest.mark.parametrize("value", ["a.pdf", {"fileName": "a"}, {**FILE, "size": 1}, None], ids=repr)
def test_attachments_that_are_refused_name_the_field(value: Any) -> None:
    with pytest.raises(
        InvalidInput, match="attachments contract: expected an object with only fileName and fileUrl"
    ):
        form_values({}, {"contract": value})


def test_a_field_is_given_once() -> None:
    """BlizWork would keep the last value of a field that is given twice."""
    with pytest.raises(InvalidInput, match="f is in form_data and in attachments"):
        form_values({"f": FILE}, {"f": FILE})


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (((), None), ([], None)),
        ((["end"], {}), (["end"], None)),
        (('["end"]', '{"status": "closed"}'), (["end"], {"status": "closed"})),
        ((None, {"status": "closed"}), ([], {"status": "closed"})),
    ],
    ids=repr,
)
def test_how_an_end_is_told(arguments: Any, found: Any) -> None:
    assert tuple(closing(*arguments).values()) == found


@pytest.mark.parametrize("value", ["end", [1], {"a": 1}, 7, [""]], ids=repr)
def test_names_are_a_list(value: Any) -> None:
    with pytest.raises(InvalidInput, match="fields"):
        names(value, "fields")


VALUES = st.text() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_any_good_form_goes_through_unchanged(values: dict[str, Any]) -> None:
    assert form_values(values) == values
    assert mapping(values, "form_data") is not values
