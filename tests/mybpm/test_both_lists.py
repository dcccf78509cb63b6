"""An instance in both lists of references: ``remove_after`` decides, also after a lost answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.mybpm.api.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.api.references import FieldReference, Reference
from airflow_provider_workflows.mybpm.api.upsert import Upsert, still_pending
from tests.core.harness import Clock
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.upserts import BOTH, LOST, N1, S1, UNIQUE, linked, upserting

#: What is added and removed, ``remove_after``, and the branches at the end.
CASES: dict[str, tuple[Any, Any, bool, str]] = {
    "linked at the end": ([N1], [N1], False, "N1"),
    "unlinked at the end": ([N1], [N1], True, ""),
    "one of two stays": ([BOTH], [S1], False, "N1, S1"),
    "one of two goes": ([BOTH], [S1], True, "N1"),
}


@pytest.fixture(autouse=True)
def time(clock: Clock) -> Clock:
    """Let no test wait."""
    return clock


@pytest.mark.parametrize("before", [[], [N1]], ids=["not linked before", "linked before"])
@pytest.mark.parametrize(("add", "remove", "after", "result"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("lost", ["nothing", *LOST])
def test_remove_after_decides(
    mybpm: MyBPMServer, lost: str, add: Any, remove: Any, after: bool, result: str, before: Any
) -> None:
    boi_id = upserting(**UNIQUE, field_ref_add=before).run()["boi_id"]
    if lost != "nothing":
        mybpm.fault("upsert", **LOST[lost][0])
    upserting(**UNIQUE, field_ref_add=add, field_ref_remove=remove, remove_after=after).run()
    assert {*linked(mybpm, boi_id).split(", ")} == {*result.split(", ")}


def test_both_lists_go_out_with_the_order() -> None:
    ref = FieldReference("CLIENT", "IIN", ["1"])
    for after in (False, True):
        body = Upsert.read("ORD", field_ref_add=[ref], field_ref_remove=[ref], remove_after=after).body()
        assert body["fieldRefAdd"] == body["fieldRefRemove"]
        assert body["removeAfter"] is after


# A model of the server: instances 0 to 3, named by the unique field A or B.
numbers = st.lists(st.integers(0, 3), unique=True, max_size=3)
named_by = st.lists(
    st.tuples(st.sampled_from("AB"), numbers.filter(bool)), max_size=2, unique_by=lambda one: one[0]
)


def entries(given: Sequence[tuple[str, list[int]]]) -> tuple[Reference, ...]:
    return tuple(
        Reference(field_code="F", unique_code=code, values=tuple(f"{code}{one}" for one in values))
        for code, values in given
    )


def shown(linked: set[int]) -> list[Boi]:
    def fields(one: int) -> dict[str, FieldValue]:
        return {code: FieldValue(f"{code}{one}", type="INPUT_TEXT") for code in "AB"}

    return [
        Boi(boi_id=f"id{one}", bo_code="X", state="ALL", is_touched=None, fields=fields(one))
        for one in sorted(linked)
    ]


def done(linked: set[int], upsert: Upsert) -> set[int]:
    """Return what is linked after an upsert."""
    add = {int(value[1:]) for one in upsert.add for value in one.values}
    remove = {int(value[1:]) for one in upsert.remove for value in one.values}
    return (linked | add) - remove if upsert.remove_after else (linked - remove) | add


@given(numbers, named_by, named_by, st.booleans(), st.booleans())
def test_what_is_left_leads_to_the_same_end(
    before: list[int], add: Any, remove: Any, after: bool, arrived: bool
) -> None:
    wanted = Upsert(
        bo_code="X", boi_id="x", values={}, add=entries(add), remove=entries(remove), remove_after=after
    )
    end = done(set(before), wanted)
    now = end if arrived else set(before)
    left = still_pending(wanted, {(None, "F"): shown(now)})
    assert done(now, left) == end
    added = {int(value[1:]) for one in left.add for value in one.values}
    assert not added & now, "nothing is linked twice"
