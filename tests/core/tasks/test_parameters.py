"""The parameters that are spelt out for editors, against the constructors that take them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import airflow.sdk
import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.core.tasks import parameters
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator, WorkflowOperator
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.core.tasks.task import HookMixin
from airflow_provider_workflows.omflow import OMFlowDataIdSensor, OMFlowOpenOrderOperator
from tests.core.offered import notifiers, tasks


def named(method: Callable[..., Any]) -> set[str]:
    """Return the names of a constructor's own parameters."""
    found = inspect.signature(inspect.unwrap(method)).parameters.values()
    return {one.name for one in found if one.kind is one.KEYWORD_ONLY}


def keys(typed_dict: Any) -> set[str]:
    return set(typed_dict.__annotations__)


@pytest.mark.parametrize(
    ("typed_dict", "method"),
    [
        ("OperatorParameters", BaseOperator.__init__),
        ("BaseSensorParameters", BaseSensorOperator.__init__),
        ("OperatorParameters", WorkflowOperator.__init__),
        ("OnceParameters", OnceOperator.__init__),
        ("WaitingParameters", WaitingOperator.__init__),
        ("SensorParameters", WorkflowSensor.__init__),
        ("NotifierParameters", WorkflowNotifier.__init__),
    ],
    ids=lambda one: getattr(one, "__qualname__", one),
)
def test_every_parameter_is_listed(typed_dict: str, method: Any) -> None:
    # One that Airflow adds would be refused by type checkers: list it in parameters.py.
    assert named(method) <= keys(getattr(parameters, typed_dict))


@pytest.mark.skipif(not hasattr(airflow.sdk, "RetryPolicy"), reason="older Airflows lack some")
def test_airflow_knows_every_parameter_that_is_listed_as_its_own() -> None:
    assert keys(parameters.BaseParameters) <= named(BaseOperator.__init__)
    assert keys(parameters.BaseSensorParameters) <= named(BaseOperator.__init__) | named(
        BaseSensorOperator.__init__
    )


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.__name__)
def test_defaults_of_a_dag_reach_every_parameter(task: type[Any]) -> None:
    # Airflow reads default_args by the names in a constructor's signature; see parameters.py.
    assert issubclass(task, HookMixin)
    reached = set().union(
        *(named(vars(base)["__init__"]) for base in task.__mro__ if "__init__" in vars(base))
    )
    bases = (OnceOperator, WaitingOperator, WorkflowSensor)
    ours = {name for base in bases for name in named(base.__init__)}
    missing = {name for name in ours & keys(kind_of(task)) if name not in reached}
    assert not missing
    assert set(vars(task)["template_fields"]) <= reached


def kind_of(task: type[Any]) -> Any:
    if issubclass(task, WorkflowSensor):
        return parameters.SensorParameters
    return parameters.WaitingParameters if issubclass(task, WaitingOperator) else parameters.OnceParameters


@pytest.mark.parametrize("notifier", notifiers(), ids=lambda one: one.__name__)
def test_a_notifier_takes_what_an_operator_takes(notifier: type[WorkflowNotifier]) -> None:
    constructor: Any = vars(notifier)["__init__"]
    types = dict(constructor.__annotations__)
    assert types.pop("kwargs") == "Unpack[NotifierParameters]"
    assert types.pop("return") == "None"
    assert set(notifier.template_fields) == named(constructor) == set(types)
    untyped = {name for name, kind in types.items() if not kind.startswith("Templated[")}
    assert untyped <= {"form", "form_data", "params"}, "these take any value, as with operators"


def test_there_are_notifiers() -> None:
    assert len(notifiers()) == 3


def test_defaults_of_a_dag() -> None:
    defaults = {"settle": 99, "deferrable": True, "on_clear": "rerun", "api_path": "purchase", "prepoll": 3}
    with DAG("defaults", schedule=None, default_args={**defaults, "multiple_outputs": True}):
        task = OMFlowOpenOrderOperator(task_id="open")  # type: ignore[call-arg]
        sensor = OMFlowDataIdSensor(task_id="wait", data_no=task.output)  # type: ignore[call-arg]
    assert {name: getattr(task, name) for name in defaults} == defaults
    assert task.multiple_outputs
    assert sensor.multiple_outputs
    assert (sensor.deferrable, sensor.prepoll, sensor.api_path) == (True, 3, "purchase")
    assert sensor.upstream_task_ids == {"open"}


def test_a_result_of_several_keys_leaves_each_unless_told_otherwise() -> None:
    from airflow_provider_workflows.robusta import RobustaStartProcessOperator

    start: dict[str, Any] = {"task_id": "start", "process_name": "p", "worker": None}
    assert RobustaStartProcessOperator(**start).multiple_outputs
    assert not RobustaStartProcessOperator(**start, multiple_outputs=False).multiple_outputs
    with DAG("told", schedule=None, default_args={"multiple_outputs": False}):
        assert not RobustaStartProcessOperator(**start).multiple_outputs
