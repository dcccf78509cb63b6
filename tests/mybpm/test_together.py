"""Waits for instances of one object, asked together."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.mybpm.api.boi import read_bois
from airflow_provider_workflows.mybpm.conditions import FieldReached, StateReached
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from tests.core.harness import Clock
from tests.core.together import events, read
from tests.mybpm.conftest import MyBPMServer

COUNT = 6


@pytest.fixture
def ids(mybpm: MyBPMServer) -> list[str]:
    """Instances, of which each has its number as name."""
    hook = MyBPMHook()
    return [
        hook.upsert("CUSTOMER", {"IIN": f"T-{number}", "NAME": f"name {number}"}).boi_id
        for number in range(COUNT)
    ]


def named(boi_id: str, *values: str) -> FieldReached:
    return FieldReached(bo_code="CUSTOMER", boi_id=boi_id, field="NAME", values=values)


def test_each_gets_what_it_gets_alone(mybpm: MyBPMServer, clock: Clock, ids: list[str]) -> None:
    conditions = [named(one, "name 1", "name 2") for one in ids]
    assert read(MyBPMHook(), conditions) == {one.remote_id for one in conditions}
    states = [
        StateReached(bo_code="CUSTOMER", boi_id=one, states=["ARCHIVED"], failed_states=["ALL"])
        for one in ids
    ]
    assert read(MyBPMHook(), states) == {one.remote_id for one in states}


def test_many_are_asked_in_one_request(mybpm: MyBPMServer, clock: Clock, ids: list[str]) -> None:
    found = events(MyBPMHook(), [named(one, f"name {number}") for number, one in enumerate(ids)], clock)
    assert [one["result"]["apiValue"] for one in found] == [f"name {number}" for number in range(COUNT)]
    assert mybpm.requests("load_many") == 1
    assert mybpm.requests("load") == 0


@pytest.mark.parametrize("fault", ["not_json", "status"])
def test_without_the_call_each_is_asked_alone(
    mybpm: MyBPMServer, clock: Clock, ids: list[str], fault: str
) -> None:
    details = {"status": 404} if fault == "status" else {}
    mybpm.fault("load_many", fault, times=100, **details)
    found = events(MyBPMHook(), [named(one, f"name {number}") for number, one in enumerate(ids)], clock)
    assert {one["status"] for one in found} == {"done"}
    assert mybpm.requests("load") == COUNT


def test_an_odd_instance_is_left_out() -> None:
    good = {"boiId": "aaaaBBBBcccc0001", "boCode": "CUSTOMER", "fieldValues": {}}
    assert [one.boi_id for one in read_bois([good, {"boiId": 7}, None], lenient=True)] == [good["boiId"]]
    with pytest.raises(ValueError, match="no boiId"):
        read_bois([good, {"boiId": 7}])
