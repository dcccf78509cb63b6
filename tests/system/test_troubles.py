"""What a failure does to a task on a real Airflow: stop at once, or retry and attach."""

from __future__ import annotations

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system


def test_lost_answer_stops_the_task_and_opens_one_order(system: System) -> None:
    fault = system.control.fault(SERVERS["1.2"], "open", "lost_answer")
    run_id = system.run("lost_answer")
    assert system.airflow.wait_for_run("lost_answer", run_id, timeout=PATIENCE) == "failed"
    assert system.control.hits(fault) == 1
    assert system.control.effects(SERVERS["1.2"])["opened"] == 1
    assert system.tasks("lost_answer", run_id)["open"].try_number == 1
    assert "OutcomeUnknown" in system.airflow.logs("lost_answer", run_id, "open")


def test_wrong_password_is_not_retried(system: System) -> None:
    run_id = system.run("wrong_password")
    assert system.airflow.wait_for_run("wrong_password", run_id, timeout=PATIENCE) == "failed"
    assert system.tasks("wrong_password", run_id)["open"].try_number == 1
    assert system.control.effects(SERVERS["1.2"])["opened"] == 0


def test_retry_attaches_to_the_order_of_the_first_attempt(system: System) -> None:
    # The upload that follows the open call on 1.1 fails for as long as one attempt tries it.
    fault = system.control.fault(SERVERS["1.1"], "upload", "unavailable", times=4)
    run_id = system.run("retry_attaches")
    assert system.airflow.wait_for_run("retry_attaches", run_id, timeout=PATIENCE) == "success"
    assert system.control.hits(fault) == 4
    assert system.tasks("retry_attaches", run_id)["open"].try_number == 2
    effects = system.control.effects(SERVERS["1.1"])
    assert (effects["opened"], effects["uploaded"]) == (1, 1)
    assert system.airflow.xcom("retry_attaches", run_id, "open") == 1
    assert "continuing with it" in system.airflow.logs("retry_attaches", run_id, "open", try_number=2)
