"""The operator base: its settings, its word to the outside, and a triggerer that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.protocol.errors import RunTimedOut
from tests.base.airflow_names import TaskDeferralError, TaskDeferred
from tests.base.harness import Clock, Runner
from tests.conftest import OMFlowServer
from tests.omflow.orders import TITLE, push_all

TIMEOUT = 300


def make() -> OMFlowOpenOrderOperator:
    return OMFlowOpenOrderOperator(
        task_id="open",
        api_path="two-step",
        form_data=TITLE,
        wait_for_completion=True,
        deferrable=True,
        timeout=TIMEOUT,
    )


class TestTriggererGone:
    """Airflow ends a deferral that no triggerer has ended; the task then resumes without an event."""

    def resume(self, runner: Runner, error: str = "Trigger timeout") -> Any:
        return make().resume_execution("__fail__", {"error": error}, runner.context)

    def deferred(self, clock: Clock, *, store: bool = True) -> Runner:
        runner = Runner(make, clock=clock, store=store)
        with pytest.raises(TaskDeferred):
            make().execute(runner.context)
        clock.sleep(TIMEOUT + 1000)
        return runner

    def test_the_vendor_is_asked_a_last_time(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = self.deferred(clock)
        push_all(omflow, "two-step", 1, times=2)
        assert self.resume(runner) == "1"
        assert omflow.effects()["opened"] == 1

    @pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
    def test_otherwise_it_is_the_timeout(self, omflow: OMFlowServer, clock: Clock, store: bool) -> None:
        runner = self.deferred(clock, store=store)
        with pytest.raises(RunTimedOut):
            self.resume(runner)
        assert omflow.effects()["opened"] == 1

    def test_a_trigger_that_broke_is_no_timeout(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = self.deferred(clock)
        with pytest.raises(TaskDeferralError):
            self.resume(runner, "Trigger failure")


def test_deferrable_by_airflows_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert OMFlowOpenOrderOperator(task_id="open", api_path="p").deferrable
    assert not OMFlowOpenOrderOperator(task_id="open", api_path="p", deferrable=False).deferrable


def test_the_remote_id_is_left_where_people_look(omflow: OMFlowServer) -> None:
    runner = Runner(lambda: OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data=TITLE))
    runner.run()
    assert runner.ti.xcoms == {"remote": {"vendor": "OMFlow", "id": "two-step/1"}}


def test_it_runs_without_a_task_instance(omflow: OMFlowServer) -> None:
    task = OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data=TITLE)
    assert task.execute({}) == "1"


def test_the_hook_is_made_of_the_rendered_connection_id() -> None:
    task = OMFlowOpenOrderOperator(task_id="open", api_path="p", omflow_conn_id="{{ 'some' }}")
    task.render_template_fields({})
    assert task.hook.conn_id == "some"
