"""A value in what a task returns, as an argument of the next task."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, XComArg

from airflow_provider_workflows.core.runtime.outputs import Output
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.robusta import RobustaStartProcessOperator, RobustaStatusSensor


class Left:
    """A task instance that knows what other tasks have left."""

    def __init__(self, **left: Any) -> None:
        self._left = left

    def xcom_pull(self, *, key: str, default: Any, **which: Any) -> Any:
        return self._left.get(key, default)


def resolved(output: Output, **left: Any) -> Any:
    return output.resolve({"ti": Left(**left)})


@pytest.fixture
def robot() -> RobustaStartProcessOperator:
    with DAG("d", schedule=None):
        return RobustaStartProcessOperator(task_id="robot", process_name="InvoiceBot", worker="3")


@pytest.fixture
def read() -> RobustaStatusSensor:
    with DAG("d", schedule=None):
        return RobustaStatusSensor(task_id="read", spid="s")


def test_a_key_of_the_result(robot: RobustaStartProcessOperator) -> None:
    assert resolved(robot.output["spid"], spid="s") == "s"
    assert resolved(robot.output, return_value={"spid": "s"}) == {"spid": "s"}


def test_a_key_below_a_key(robot: RobustaStartProcessOperator) -> None:
    total = robot.output["outputs"]["total"]
    # The XCom "total" is not what is meant.
    assert resolved(total, outputs={"total": "12"}, total="wrong") == "12"
    assert resolved(copy.deepcopy(total["cents"]), outputs={"total": {"cents": 0}}) == 0


def test_a_sensor_whose_keys_are_no_xcoms(read: RobustaStatusSensor) -> None:
    assert resolved(read.output["total"], return_value={"total": "12"}) == "12"


def test_a_key_that_is_not_there_is_named(robot: RobustaStartProcessOperator) -> None:
    with pytest.raises(InvalidInput, match=r"There is no .*\['totl'\]\nKeys there: 'total', 'order'"):
        resolved(robot.output["outputs"]["totl"], outputs={"total": 1, "order": 2})
    with pytest.raises(InvalidInput, match="Keys there: none"):
        resolved(robot.output["outputs"]["total"]["cents"], outputs={"total": 1})


def test_a_skipped_task_has_none(robot: RobustaStartProcessOperator) -> None:
    assert resolved(robot.output["outputs"]["total"]) is None
    assert resolved(robot.output["outputs"]["total"], outputs=None) is None


def test_it_is_a_dependency_and_a_template(robot: RobustaStartProcessOperator) -> None:
    total = robot.output["outputs"]["total"]
    assert isinstance(total, XComArg)
    assert [task for task, _ in XComArg.iter_xcom_references({"a": [total]})] == [robot]
    assert str(total).endswith("key='outputs')['total'] }}")
    assert total == robot.output["outputs"]["total"] != robot.output["outputs"]["order"]


def test_what_needs_the_whole_result_refuses_a_part(read: RobustaStatusSensor) -> None:
    with pytest.raises(ValueError, match="keys are text"):
        read.output[0]  # type: ignore[index]
    with pytest.raises(ValueError, match="not a part of it"):
        read.output["total"].map(str)
    with DAG("other", schedule=None), pytest.raises(ValueError, match="custom"):
        BaseOperator.partial(task_id="x").expand(doc=read.output["total"])
