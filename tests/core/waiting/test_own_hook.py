"""A team's own hook, named on its sensor or operator, is used in the worker and in the triggerer alike."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow import OMFlowOpenOrderOperator, OMFlowOrderSensor
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.conftest import clock as clock
from tests.core.harness import Clock, Runner
from tests.omflow.orders import open_order, push_all

OPTION = "AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES"
FIELDS = {"FORMITM_1": "a title"}


class TeamHook(OMFlowHook):
    """A hook that notes where it reads."""

    reads: ClassVar[list[str]] = []

    def read(self, *args: Any, **how: Any) -> Any:
        self.reads.append("worker")
        return super().read(*args, **how)

    async def aread(self, *args: Any, **how: Any) -> Any:
        self.reads.append("triggerer")
        return await super().aread(*args, **how)


class TeamSensor(OMFlowOrderSensor):
    hook_class = f"{__name__}.TeamHook"


class TeamOperator(OMFlowOpenOrderOperator):
    hook_class = f"{__name__}.TeamHook"


class LostSensor(OMFlowOrderSensor):
    hook_class = f"{__name__}.NoHook"


class LostOperator(OMFlowOpenOrderOperator):
    hook_class = f"{__name__}.NoHook"


@pytest.fixture(autouse=True)
def reads() -> list[str]:
    TeamHook.reads.clear()
    return TeamHook.reads


def sensing(kind: type[Any], data_no: Any, clock: Clock, **how: Any) -> Runner:
    how = {"deferrable": True, "prepoll": 0, **how}
    return Runner(lambda: kind(task_id="wait", api_path="two-step", data_no=data_no, **how), clock=clock)


def opening(kind: type[Any], clock: Clock) -> Runner:
    how: dict[str, Any] = {"wait_for_completion": True, "deferrable": True, "prepoll": 0}
    return Runner(lambda: kind(task_id="open", api_path="two-step", form_data=FIELDS, **how), clock=clock)


def test_a_sensor_uses_it_in_the_triggerer(omflow: OMFlowServer, clock: Clock, reads: list[str]) -> None:
    data_no = open_order(omflow, "two-step")
    clock.after(60, lambda: push_all(omflow, "two-step", data_no, times=2))
    runner = sensing(TeamSensor, data_no, clock)
    runner.run()
    assert set(reads) == {"worker", "triggerer"}
    assert json.loads(runner.triggers[0])["hook_class"] == TeamSensor.hook_class


def test_an_operator_uses_it_in_the_triggerer(omflow: OMFlowServer, clock: Clock, reads: list[str]) -> None:
    clock.after(60, lambda: push_all(omflow, "two-step", 1, times=2))
    opening(TeamOperator, clock).run()
    assert "triggerer" in reads


def test_the_row_of_other_tasks_is_as_it_was(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    clock.after(60, lambda: push_all(omflow, "two-step", data_no, times=2))
    runner = sensing(OMFlowOrderSensor, data_no, clock)
    runner.run()
    assert "hook_class" not in json.loads(runner.triggers[0])


def test_one_that_the_triggerer_may_not_import_is_refused_before_anything_is_sent(
    omflow: OMFlowServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTION, "airflow.*")
    for runner in (sensing(TeamSensor, 1, clock), opening(TeamOperator, clock)):
        with pytest.raises(InvalidInput, match=r"Add tests\.\* to \[core\] allowed_deserialization_classes"):
            runner.run()
    assert not omflow.effects()["requests"]


def test_a_task_that_stays_in_the_worker_needs_no_setting(
    omflow: OMFlowServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    monkeypatch.setenv(OPTION, "airflow.*")
    data_no = open_order(omflow, "two-step")
    clock.after(60, lambda: push_all(omflow, "two-step", data_no, times=2))
    sensing(TeamSensor, data_no, clock, deferrable=False).run()
    assert set(reads) == {"worker"}


def test_one_that_does_not_exist_is_named_before_anything_is_sent(omflow: OMFlowServer, clock: Clock) -> None:
    for runner in (sensing(LostSensor, 1, clock), opening(LostOperator, clock)):
        with pytest.raises(InvalidInput, match=r"The hook 'tests.*\.NoHook' cannot be imported"):
            runner.run()
    assert not omflow.effects()["requests"]


def test_an_overridden_poke_is_an_error_where_it_is_written() -> None:
    """Nothing would call it: the sensor would wait for another condition than its author wrote."""
    with pytest.raises(TypeError, match="Mine overrides poke, which no sensor of this package calls"):

        class Mine(OMFlowOrderSensor):
            def poke(self, context: Any) -> Any:
                return True

    class Mixin:
        def poke(self, context: Any) -> Any:
            return True

    with pytest.raises(TypeError, match="overrides poke"):
        type("Mixed", (Mixin, OMFlowOrderSensor), {})
    assert OMFlowOrderSensor.poke is WorkflowSensor.poke
