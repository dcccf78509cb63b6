"""Notifiers where Airflow calls them: the task's process, the DAG processor, the triggerer, the executor."""

from __future__ import annotations

import pytest

from tests.system.conftest import SERVERS, Stage

pytestmark = pytest.mark.system

OMFLOW = SERVERS["1.2"]
ABOUT = ("task fail", "run task_failure", "deadline notified_deadline")


def test_each_callback_notifies_once(stage: Stage) -> None:
    fault = stage.control.fault(OMFLOW, "open", "lost_answer")
    task = stage.run("notified_task")
    assert stage.airflow.wait_for_run("notified_task", task, timeout=90) == "failed"
    assert stage.control.hits(fault) == 1
    run, deadline = stage.run("notified_run"), stage.run("notified_deadline")
    assert stage.airflow.wait_for_run("notified_run", run, timeout=90) == "failed"
    assert stage.airflow.wait_for_run("notified_deadline", deadline, timeout=90) == "success"

    def notices() -> list[int]:
        orders, mails = stage.control.effects(OMFLOW), stage.control.effects("blizwork")
        return [orders["opened"], stage.control.effects("kiban")["started"], mails["notified"]]

    stage.airflow.wait_until(
        lambda: notices() == [3, 3, 3] or None, timeout=60, what=f"three of each, not {notices()}"
    )
    orders = [record["fields"]["FORMITM_1"] for record in stage.control.records(OMFLOW)]
    assert sorted(orders) == sorted(ABOUT)
