"""Brackets of a listing."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.api.call import read_brackets

EMPTY: dict[str, Any] = {
    "id": "a",
    "parentId": None,
    "parentTreeIds": [],
    "connectionType": "AND",
    "brackets": [],
    "dynamicFilters": [],
    "nativeFilters": [],
}


def test_all_keys_go_out() -> None:
    assert read_brackets([{"id": "a"}]) == [EMPTY]
    assert read_brackets('[{"id": "a", "connectionType": "OR"}]') == [{**EMPTY, "connectionType": "OR"}]
    assert read_brackets(None) == []


def test_filters_are_passed_on_as_they_are() -> None:
    for kind in ("dynamicFilters", "nativeFilters"):
        assert read_brackets([{"id": "a", kind: [{"any": "shape"}]}]) == [{**EMPTY, kind: [{"any": "shape"}]}]


def test_a_bracket_may_hold_brackets() -> None:
    inner = {"id": "b", "parentId": "a", "parentTreeIds": ["a"], "nativeFilters": [1]}
    assert read_brackets([{"id": "a", "brackets": [inner]}]) == [{**EMPTY, "brackets": [{**EMPTY, **inner}]}]


@pytest.mark.parametrize(
    ("brackets", "expected"),
    [
        (7, "brackets must be a list"),
        ([7], r"brackets\[0\] must be a mapping with an id"),
        ([{"connectionType": "AND"}], "with an id"),
        ([{"id": "a", "order": 1}], r"brackets\[0\] has unknown keys: order"),
        ([{"id": "a", "connectionType": "XOR"}], "connectionType must be AND or OR, got 'XOR'"),
        ([{"id": "a", "dynamicFilters": [1], "nativeFilters": [1]}], "must have only one of"),
        ([{"id": "a", "brackets": [{"id": "b"}], "dynamicFilters": [1]}], "must have only one of"),
        (
            [{"id": "a", "brackets": [{"id": "b", "x": 1}]}],
            r"brackets\[0\].brackets\[0\] has unknown keys: x",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_brackets_are_named(brackets: Any, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        read_brackets(brackets)
