"""A condition's way through Airflow's database and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.core.waiting.schedule import WaitState
from airflow_provider_workflows.core.waiting.trigger import WaitTrigger
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from tests.core.airflow_names import deserialize, serialize

CONDITIONS: list[Condition] = [
    OrderAtStop(api_path="purchase", data_no=7),
    OrderAtStop(api_path="採購", data_no="007", stop_chart_text="審核", all_stops=True, after_data_id=3),
    OrderClosed(api_path="purchase", data_no=7, fields=["FORMITM_1", "status"]),
]


@dataclass(frozen=True, kw_only=True)
class Older(Condition):
    """A condition as an older version of the package has it."""

    hook_class: ClassVar[str] = "nowhere.Hook"
    format: ClassVar[int] = 2
    name: str

    @property
    def remote_id(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def check(self, api: Any) -> Operation[Pending | Done]:
        yield from ()
        return Done(self.name)


def trigger_of(condition: Condition) -> WaitTrigger:
    state = WaitState.begin(now=1.0, timeout=60, cap=5, tolerance=None)
    return WaitTrigger(
        conn_id="omflow_default", condition=condition.to_json(), state=state.to_json(), not_before=11.0
    )


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_condition_survives_the_triggers_row(condition: Condition) -> None:
    path, kwargs = trigger_of(condition).serialize()
    row = json.dumps(serialize(kwargs))
    rebuilt = import_string(path)(**deserialize(json.loads(row)))
    assert rebuilt.serialize() == (path, kwargs)
    assert Condition.from_json(rebuilt.condition) == condition
    assert "://" not in row
    assert set(kwargs) == {"conn_id", "condition", "state", "not_before"}


@given(st.text(), st.integers(min_value=0) | st.text(), st.none() | st.text(), st.booleans())
def test_any_values_survive_json(api_path: str, data_no: Any, stop: str | None, all_stops: bool) -> None:
    condition = OrderAtStop(api_path=api_path, data_no=data_no, stop_chart_text=stop, all_stops=all_stops)
    assert Condition.from_json(json.loads(json.dumps(condition.to_json()))) == condition


@pytest.mark.parametrize("format", [1, 2])
def test_conditions_of_older_and_the_same_format_are_read(format: int) -> None:
    data = Older(name="x").to_json() | {"format": format}
    assert Condition.from_json(data) == Older(name="x")


def test_a_condition_of_a_newer_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        InvalidInput,
        match=r"in format 3 by a newer version .*\n.* formats up to 2\. Upgrade the package in the triggerer",
    ):
        Condition.from_json(Older(name="x").to_json() | {"format": 3})


def test_what_is_no_condition_is_refused() -> None:
    path = "airflow_provider_workflows.omflow.hooks.OMFlowHook"
    data: dict[str, object] = {"condition": path, "format": 1, "values": {}}
    with pytest.raises(InvalidInput, match="is not a condition"):
        Condition.from_json(data)
