"""No value in an answer ends the triggerer, or the outcome of a run, or a neighbour's wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.runtime.hand_over import MOST
from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES, ROOT
from dev.postgres import postgres
from tests.system.conftest import PATIENCE, SERVERS, Vendors
from tests.system.hostile_answers import (
    ENDED,
    EVERYTHING,
    EXECUTION,
    LEFT,
    NEIGHBOUR,
    ORDER,
    TEXTS,
    TOO_LARGE,
    TOO_LONG,
    VALUES,
    spid,
    spid_of_failure,
)

pytestmark = [pytest.mark.system, pytest.mark.own_airflow]

DAGS = Path(__file__).parent / "hostile_dags"
OFTEN = 1_000_000
RUNNING = '{"status": "RUNNING", "message": ""}'


@pytest.fixture
def airflow(vendors: Vendors) -> Iterator[AirflowInstance]:
    """An Airflow on PostgreSQL, whose JSONB refuses more than SQLite does."""
    home = AIRFLOW_HOMES / "hostile-tests"
    names = ("omflow_default", "robusta_default", "kiban_default")
    with (
        postgres(home.with_name(f"{home.name}-database")) as database,
        AirflowInstance(
            home,
            dags_folder=DAGS,
            connections={name: vendors.connections[name] for name in names},
            database=database,
            environment={"PYTHONPATH": str(ROOT)},
        ) as airflow,
    ):
        airflow.wait_healthy()
        yield airflow


class Answers:
    """Tells the sandbox what to answer."""

    def __init__(self, vendors: Vendors) -> None:
        self._control = vendors.control

    def say(self, vendor: str, endpoint: str, containing: str, *bodies: str) -> None:
        """Answer with the first body, where there are two, to the looks in the worker; then with the last."""
        for times, body in zip((2, OFTEN)[-len(bodies) :], bodies, strict=True):
            self._control.fault(vendor, endpoint, "body", containing=containing, body=body, times=times)

    def order_everything(self) -> None:
        for name, value in VALUES.items():
            self.process(spid(name), RUNNING, f'{{"status": "SUCCEEDED", "__out_v": {value}}}')
        for name in TEXTS:
            value = VALUES[name]
            said = (
                f'"status": {value}, "message": "no"'
                if name == "long"
                else f'"status": {value}, "message": {value}'
            )
            self.process(spid_of_failure(name), RUNNING, f"{{{said}}}")
        too_large = f'{{"status": "SUCCEEDED", "__out_v": "{"x" * TOO_LARGE}"}}'
        self.process(TOO_LONG, RUNNING, too_large)
        self.process(NEIGHBOUR, RUNNING)
        self.say(SERVERS["1.2"], "list", f'"{ORDER}"', _order(closed=False), _order(closed=True))
        kiban = '{"id": "%s", "status": "%s", "currentNodeType": "FORM"}'
        self.say(
            "kiban", "status", EXECUTION, kiban % (EXECUTION, "PROGRESS"), kiban % (EXECUTION, "SUCCESS")
        )
        self.say("kiban", "detail", EXECUTION, f'{{"labels": {EVERYTHING}, "all": {EVERYTHING}}}')
        ended = f'"id": "{ENDED}", "status": "SUCCESS", "name": {EVERYTHING}, "modifiedAt": "\\ud83d\\u0000"'
        self.say("kiban", "history_v2", "", f"[{{{ended}}}]")

    def process(self, spid: str, *bodies: str) -> None:
        self.say("robusta", "status", f"/{spid}", *bodies)

    def end_the_neighbour(self) -> None:
        self._control.clear_faults()
        self.process(NEIGHBOUR, '{"status": "SUCCEEDED", "message": "", "__out_v": "done"}')


def _order(*, closed: bool) -> str:
    row = {"id": 1, "data_no": ORDER, "history": False, "running": False, "error": False, "closed": closed}
    text = json.dumps({**row, "flow_uuid": "f", "formitm_1": "HERE", "stop_chart_text": "\ud83d\0"})
    text = text.replace('"HERE"', EVERYTHING)
    return f'{{"status": 200, "message": "", "result": [{text}]}}'


def _execution(status: str) -> str:
    return json.dumps({"id": EXECUTION, "status": status, "currentNodeType": "FORM"})


def test_the_triggerer_survives_every_value_and_a_neighbour_goes_on(
    vendors: Vendors, airflow: AirflowInstance
) -> None:
    answers = Answers(vendors)
    answers.order_everything()
    runs: dict[str, str] = {}
    for dag_id in ("hostile", "neighbour", "hostile_feed"):
        airflow.wait_for_dag(dag_id)
        airflow.unpause(dag_id)
        if dag_id != "hostile_feed":
            runs[dag_id] = airflow.trigger(dag_id, conf={})

    assert airflow.wait_for_run("hostile", runs["hostile"], timeout=PATIENCE) == "failed"
    tasks = {task.task_id: task.state for task in airflow.task_instances("hostile", runs["hostile"])}
    assert tasks == {
        **{f"output_{name}": "success" for name in VALUES},
        **{f"word_{name}": "failed" for name in TEXTS},
        "too_large": "failed",
        "order": "success",
        "execution": "success",
    }

    def returned(task_id: str) -> Any:
        return airflow.xcom("hostile", runs["hostile"], task_id)

    assert {name: returned(f"output_{name}")["v"] for name in LEFT} == LEFT
    assert 1000 < len(json.dumps(returned("output_long"))) < 2 * MOST
    assert returned("output_deep")["v"]
    everything = [left for name, left in LEFT.items()]
    assert returned("order")["fields"]["FORMITM_1"][: len(everything)] == everything
    assert returned("order")["closing_stop"] == "\ufffd\ufffd"
    assert returned("execution")["fields"]["all"][: len(everything)] == everything
    for name in TEXTS:
        log = airflow.logs("hostile", runs["hostile"], f"word_{name}")
        assert "RunFailed" in log
        assert not {"\x1b", "\0", "\ud83d"} & set(log)
        assert len(log) < 100_000
        assert not any(line.startswith("forged") for line in log.splitlines())

    assert "LostTrack" in airflow.logs("hostile", runs["hostile"], "too_large")

    def noted() -> Any:
        found = airflow.call("GET", "/dags/hostile_feed/dagRuns")["dag_runs"]
        return next((run["dag_run_id"] for run in found if run["state"] == "success"), None)

    (ended,) = airflow.xcom("hostile_feed", airflow.wait_until(noted, timeout=PATIENCE, what="a run"), "note")
    assert ended["execution_id"] == ENDED
    assert ended["name"][: len(everything)] == everything

    (waiting,) = airflow.task_instances("neighbour", runs["neighbour"])
    assert waiting.state == "deferred"
    answers.end_the_neighbour()
    assert airflow.wait_for_run("neighbour", runs["neighbour"], timeout=PATIENCE) == "success"
    assert airflow.xcom("neighbour", runs["neighbour"], "wait") == {"v": "done"}
    airflow.check_alive()  # nothing was restarted: what ends stays ended
