"""Notifiers where Airflow calls them: the task's process, the DAG processor, the triggerer, the executor."""

from __future__ import annotations

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

OMFLOW = SERVERS["1.2"]
ABOUT = ("task fail", "run task_failure", "deadline notified_deadline")


def test_each_callback_notifies_once(system: System) -> None:
    fault = system.control.fault(OMFLOW, "open", "lost_answer")
    task = system.run("notified_task")
    assert system.airflow.wait_for_run("notified_task", task, timeout=PATIENCE) == "failed"
    assert system.control.hits(fault) == 1
    run, deadline = system.run("notified_run"), system.run("notified_deadline")
    assert system.airflow.wait_for_run("notified_run", run, timeout=PATIENCE) == "failed"
    assert system.airflow.wait_for_run("notified_deadline", deadline, timeout=PATIENCE) == "success"

    def notices() -> list[int]:
        orders, mails = system.control.effects(OMFLOW), system.control.effects("blizwork")
        return [orders["opened"], system.control.effects("kiban")["started"], mails["notified"]]

    system.airflow.wait_until(
        lambda: notices() == [3, 3, 3] or None, timeout=PATIENCE, what=f"three of each, not {notices()}"
    )
    orders = [record["fields"]["FORMITM_1"] for record in system.control.records(OMFLOW)]
    assert sorted(orders) == sorted(ABOUT)
