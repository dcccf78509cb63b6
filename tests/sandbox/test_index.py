"""The index that look-ups go through: it finds what a search through everything would."""

from __future__ import annotations

from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.sandbox.index import Index

TEXTS = st.text("ab", max_size=3)
#: An item's number with its new text, or None to take the item out; or a beginning to look for.
STEPS = st.lists(st.one_of(st.tuples(st.integers(0, 5), st.none() | TEXTS), TEXTS), max_size=40)


def found(items: dict[int, str], beginning: str, *, whole: bool) -> list[int]:
    return [
        number
        for number, text in sorted(items.items())
        if text == beginning or (not whole and text.startswith(beginning))
    ]


@given(STEPS)
def test_it_finds_what_a_search_through_everything_finds(steps: list[tuple[int, str | None] | str]) -> None:
    index: Index[tuple[int]] = Index(itemgetter(0))
    objects = [(number,) for number in range(6)]
    there: dict[int, str] = {}
    for step in steps:
        if isinstance(step, str):
            assert [number for (number,) in index.get(step)] == found(there, step, whole=True)
            assert [number for (number,) in index.beginning(step)] == found(there, step, whole=False)
            continue
        number, text = step
        if number in there:
            index.remove(there.pop(number), objects[number])
        if text is not None:
            there[number] = text
            index.add(text, objects[number])
            index.add(text, objects[number])


def test_an_item_with_several_texts_is_found_once() -> None:
    index: Index[tuple[int, str]] = Index(itemgetter(0))
    item = (1, "x")
    index.add("anna", item)
    index.add("anton", item)
    assert index.beginning("an") == [item]
    index.remove("anna", item)
    assert index.beginning("an") == [item]


def test_what_is_not_there_cannot_be_taken_out() -> None:
    index: Index[tuple[int, str]] = Index(itemgetter(0))
    index.add("a", (1, "x"))
    with pytest.raises(KeyError):
        index.remove("a", (2, "y"))
