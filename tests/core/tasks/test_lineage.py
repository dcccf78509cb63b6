"""What OpenLineage is told, by way of the provider's own extractor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.openlineage.extractors.base import DefaultExtractor
from airflow.providers.openlineage.extractors.manager import ExtractorManager
from airflow.sdk import BaseOperator
from airflow.utils.state import TaskInstanceState
from openlineage.client.serde import Serde

from airflow_provider_workflows.exceptions import OutcomeUnknown, Rejected
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.airflow_names import AirflowSkipException
from tests.core.harness import Clock, Runner, raised
from tests.omflow.orders import TITLE, open_order, push_all


class Told:
    """
    A task, and what the provider's listener would get from it: on the very object that ran last.

    :param arguments: of the operator, beside its ``task_id``
    """

    def __init__(self, kind: type[BaseOperator], clock: Clock | None = None, **arguments: Any) -> None:
        self.runner = Runner(self._make, clock=clock)
        self._kind, self._arguments = kind, arguments
        self.task = self._make()

    def _make(self) -> BaseOperator:
        self.task = self._kind(task_id="task", **self._arguments)
        return self.task

    def event(self, state: TaskInstanceState) -> dict[str, Any]:
        """Return what the provider makes of the task in a state, as JSON."""
        manager = ExtractorManager()  # type: ignore[no-untyped-call]
        dag_run = SimpleNamespace(run_id="run")
        assert manager.get_extractor_class(self.task) is DefaultExtractor
        self.runner.ti.state = state.value
        found = manager.extract_metadata(dag_run, self.task, state, self.runner.ti)
        event: dict[str, Any] = json.loads(Serde.to_json(found))
        return event

    def started(self) -> dict[str, Any]:
        return self.event(TaskInstanceState.RUNNING)

    def completed(self) -> dict[str, Any]:
        return self.event(TaskInstanceState.SUCCESS)

    def failed(self) -> dict[str, Any]:
        return self.event(TaskInstanceState.FAILED)


def datasets(event: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names of inputs and outputs."""
    return tuple([one["name"] for one in event[side]] for side in ("inputs", "outputs"))  # type: ignore[return-value]


def remote(event: dict[str, Any]) -> dict[str, Any]:
    """Return the package's own facet without what every facet has."""
    return {
        name: value
        for name, value in event["run_facets"]["workflows_remote"].items()
        if not name.startswith("_")
    }


def change(event: dict[str, Any]) -> str:
    (dataset,) = event["outputs"]
    return str(dataset["facets"]["lifecycleStateChange"]["lifecycleStateChange"])


class TestOperators:
    def test_before_a_start_nothing_is_known(self, omflow: OMFlowServer) -> None:
        event = Told(OMFlowOpenOrderOperator, api_path="two-step", form_data=TITLE).started()
        assert datasets(event) == ([], [])
        assert remote(event) == {"vendor": "OMFlow", "state": "begun", "waits": False}
        assert event["run_facets"].keys() == {"workflows_remote"}
        assert omflow.effects()["requests"] == {}

    def test_a_start_creates(self, omflow: OMFlowServer) -> None:
        told = Told(OMFlowOpenOrderOperator, api_path="two-step", form_data=TITLE)
        told.runner.run()
        told.runner.ti.xcoms.clear()
        event = told.completed()
        assert datasets(event) == ([], ["two-step/1"])
        assert event["outputs"][0]["namespace"] == omflow.url.replace("http", "omflow").rpartition("/")[0]
        assert change(event) == "CREATE"
        assert remote(event) == {
            "vendor": "OMFlow",
            "remoteId": "two-step/1",
            "state": "done",
            "waits": False,
        }
        outside = event["run_facets"]["externalQuery"]
        assert (outside["externalQueryId"], outside["source"]) == ("two-step/1", "OMFlow")

    def test_after_a_deferral_the_id_is_in_xcom(self, omflow: OMFlowServer, clock: Clock) -> None:
        told = Told(
            OMFlowOpenOrderOperator,
            clock,
            api_path="two-step",
            form_data=TITLE,
            wait_for_completion=True,
            deferrable=True,
            prepoll=0,
        )
        clock.after(100, lambda: push_all(omflow, "two-step", 1, times=2))
        told.runner.run()
        assert told.runner.deferrals
        event = told.completed()
        assert (datasets(event), change(event)) == (([], ["two-step/1"]), "CREATE")
        assert remote(event)["waits"] is True

    def test_a_push_changes(self, omflow: OMFlowServer) -> None:
        open_order(omflow, "two-step")
        stop: dict[str, Any] = {"api_path": "two-step", "data_no": 1, "stop_chart_text": "Review"}
        told = Told(OMFlowPushOrderOperator, **stop, form_data=TITLE)
        told.runner.run()
        event = told.completed()
        assert (datasets(event), change(event)) == ((["two-step/1"], ["two-step/1"]), "ALTER")

    def test_a_refused_push_changed_nothing(self, omflow: OMFlowServer) -> None:
        open_order(omflow, "two-step")
        told = Told(OMFlowPushOrderOperator, api_path="two-step", data_no=1, stop_chart_text="Nowhere")
        with pytest.raises(Rejected):
            told.runner.run()
        event = told.failed()
        assert datasets(event) == (["two-step/1"], ["two-step/1"])
        assert event["outputs"][0]["facets"] == {}
        assert remote(event)["state"] == "failed"

    def test_a_doubt_is_told_as_one(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.fault("open", "lost_answer")
        told = Told(OMFlowOpenOrderOperator, clock, api_path="two-step", form_data=TITLE)
        with pytest.raises(OutcomeUnknown):
            told.runner.run()
        event = told.failed()
        assert datasets(event) == ([], [])
        assert remote(event) == {"vendor": "OMFlow", "state": "in doubt", "waits": False}

    def test_what_was_refused_before_anything_happened(self, omflow: OMFlowServer) -> None:
        told = Told(OMFlowOpenOrderOperator, api_path="unknown", form_data=TITLE)
        with pytest.raises(Exception, match="OMFlow"):
            told.runner.run()
        assert remote(told.failed())["state"] == "failed"


class TestSensors:
    def test_the_start_names_what_is_watched(self, omflow: OMFlowServer) -> None:
        event = Told(OMFlowOrderSensor, api_path="two-step", data_no=1).started()
        assert remote(event) == {
            "vendor": "OMFlow",
            "remoteId": "two-step/1",
            "state": "begun",
            "waits": True,
        }
        assert event["run_facets"]["externalQuery"]["externalQueryId"] == "two-step/1"
        assert (datasets(event), omflow.effects()["requests"]) == (([], []), {})

    def test_a_wrong_field_is_for_the_task_to_report(self, omflow: OMFlowServer) -> None:
        event = Told(OMFlowOrderSensor, api_path="two-step", data_no=1, fields="status").started()
        assert "remoteId" not in remote(event)

    def test_a_sensor_reads(self, omflow: OMFlowServer, clock: Clock) -> None:
        open_order(omflow, "two-step")
        push_all(omflow, "two-step", 1, times=2)
        told = Told(OMFlowOrderSensor, clock, api_path="two-step", data_no=1, deferrable=True)
        told.runner.run()
        event = told.completed()
        assert datasets(event) == (["two-step/1"], [])
        assert remote(event)["state"] == "done"

    def test_a_skipped_sensor(self, omflow: OMFlowServer, clock: Clock) -> None:
        open_order(omflow, "two-step")
        limits: dict[str, Any] = {"mode": "reschedule", "timeout": 100, "soft_fail": True}
        told = Told(OMFlowOrderSensor, clock, api_path="two-step", data_no=1, **limits)
        with raised(AirflowSkipException):
            told.runner.run()
        assert remote(told.event(TaskInstanceState.SKIPPED))["state"] == "skipped"


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("omflow.example.com", None, "omflow.example.com:443"),
        ("http://omflow.example.com/prefix-4711", None, "omflow.example.com:80"),
        ("omflow.example.com", 8443, "omflow.example.com:8443"),
        ("[2001:db8::7]", None, "[2001:db8::7]:443"),
    ],
)
def test_the_server_is_its_name_and_port(omflow: OMFlowServer, host: str, port: Any, server: str) -> None:
    omflow.connect(host=host, port=port)
    assert OMFlowHook().server == server


def test_a_connection_that_is_gone_costs_the_facets_and_no_more(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(OMFlowOrderSensor, api_path="two-step", data_no=1)
    told.runner.ti.xcoms["remote"] = {"vendor": "OMFlow", "id": "two-step/1"}
    monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
    assert told.completed() == {"inputs": [], "outputs": [], "run_facets": {}, "job_facets": {}}


def test_nothing_of_openlineage_is_loaded_before_it_asks(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import airflow_provider_workflows.omflow.operators, airflow_provider_workflows.omflow.sensors\n"
        "print([name for name in sys.modules if name.startswith('openlineage') or 'extractors' in name])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
    )
    assert run.stdout.splitlines()[-1] == "[]"
