"""What a vendor sends leaves in a form that every channel of Airflow can carry."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.runtime.hand_over import DEEPEST, LARGEST, MOST, SMALLEST, hand_over
from tests.core.channels import carried

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("\ud83d", "\ufffd"),
        ("a\0b\x1b[2J", "a\ufffdb\ufffd[2J"),
        ("two\nlines\tand a tab, ä, 𐍈", "two\nlines\tand a tab, ä, 𐍈"),
        (LARGEST, LARGEST),
        (LARGEST + 1, str(LARGEST + 1)),
        (SMALLEST - 1, str(SMALLEST - 1)),
        (10**5000, hex(10**5000)),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (True, True),
        (
            {"__classname__": "os.system", "__id__": 1, "a": 1},
            {"x__classname__": "os.system", "x__id__": 1, "a": 1},
        ),
        ({1: "\0"}, {"1": "\ufffd"}),
        ({"\0": 1, "\x01": 2}, {"\ufffd": 1, "\ufffd_": 2}),
        ((1, [2]), [1, [2]]),
    ],
    ids=[str(number) for number in range(14)],
)
def test_what_becomes_of_a_value(value: Any, left: Any) -> None:
    assert hand_over(value, "the result") == left


def test_each_kind_of_change_is_told_once_with_its_field(caplog: pytest.LogCaptureFixture) -> None:
    hand_over({"a": [math.nan, math.inf], "b": {"c": "\0", "d": "\0"}, "e": 7}, "The result of r1")
    assert [record.getMessage() for record in caplog.records] == [
        "The result of r1: a[0] was handed over as text, because Airflow cannot carry the number",
        "The result of r1: b.c was stripped of characters that Airflow cannot carry",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_good_value_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    value = {"id": "o-1", "rows": [1, 2.5, None, True], "text": "ok"}
    assert hand_over(value, "x") == value
    assert caplog.records == []


def test_what_is_too_large_or_too_deep_is_cut() -> None:
    assert len(hand_over("x" * 2 * MOST, "x")) < MOST
    assert len(json.dumps(hand_over([{}] * MOST, "x"))) < MOST
    assert len(json.dumps(hand_over({str(n): "y" * 100 for n in range(MOST // 50)}, "x"))) < 2 * MOST
    deep: Any = "bottom"
    for _ in range(DEEPEST + 5):
        deep = [deep]
    assert "bottom" not in json.dumps(hand_over(deep, "x"))


@given(JSON)
def test_every_channel_of_airflow_carries_it(value: Any) -> None:
    clean = hand_over(value, "x")
    assert carried(clean) == clean
    assert hand_over(clean, "x") == clean


@pytest.mark.parametrize(
    "value",
    [
        "\ud83d",
        2**70,
        math.nan,
        math.inf,
        "a\0",
        {"\0": 1},
        {"__classname__": 1},
        {"__type": "dict", "__var": 1},
    ],
    ids=repr,
)
def test_no_channel_of_airflow_carries_it_as_it_is(value: Any) -> None:
    with pytest.raises((ValueError, OverflowError, AttributeError, TypeError, AssertionError)):
        carried(value)


def test_a_vendors_key_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hand_over({"a\nforged\u2028b": math.nan}, "x")
    (record,) = caplog.records
    assert len(record.getMessage().splitlines()) == 1
