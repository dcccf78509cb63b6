"""Values that a template has turned to JSON text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidInput

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_text_comes_back_as_the_value_it_was_made_from(value: Any) -> None:
    assert from_text(json.dumps(value), "values") == value


@pytest.mark.parametrize("value", [None, 7, {"a": 1}, [1, 2], b"{}"], ids=repr)
def test_anything_but_text_is_left_alone(value: Any) -> None:
    assert from_text(value, "values") is value


@pytest.mark.parametrize("text", ["", "no JSON", "{'a': 1}", "{", "[" * 100_000], ids=lambda text: text[:9])
def test_other_text_is_refused_with_the_arguments_name_and_a_way_out(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"values is text but not JSON.*tojson"):
        from_text(text, "values")


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 3}', '[{"x": {"a": 1, "a": 1}}]'])
def test_a_key_given_twice_would_lose_a_value(text: str) -> None:
    with pytest.raises(InvalidInput, match="values has a duplicate key: a"):
        from_text(text, "values")


def test_numbers_may_keep_every_digit() -> None:
    text = "[12345678901234567890.123456789, 1e400, 7]"
    assert from_text(text, "values", number=Decimal) == [
        Decimal("12345678901234567890.123456789"),
        Decimal("1e400"),
        7,
    ]
