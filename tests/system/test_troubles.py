"""What a failure does to a task on a real Airflow: stop at once, or retry and attach."""

from __future__ import annotations

import pytest

from tests.system.conftest import SERVERS, Stage

pytestmark = pytest.mark.system


def test_lost_answer_stops_the_task_and_opens_one_order(stage: Stage) -> None:
    fault = stage.control.fault(SERVERS["1.2"], "open", "lost_answer")
    run_id = stage.run("lost_answer")
    assert stage.airflow.wait_for_run("lost_answer", run_id, timeout=90) == "failed"
    assert stage.control.hits(fault) == 1
    assert stage.control.effects(SERVERS["1.2"])["opened"] == 1
    assert stage.tasks("lost_answer", run_id)["open"].try_number == 1
    assert "OutcomeUnknown" in stage.airflow.logs("lost_answer", run_id, "open")


def test_wrong_password_is_not_retried(stage: Stage) -> None:
    run_id = stage.run("wrong_password")
    assert stage.airflow.wait_for_run("wrong_password", run_id, timeout=90) == "failed"
    assert stage.tasks("wrong_password", run_id)["open"].try_number == 1
    assert stage.control.effects(SERVERS["1.2"])["opened"] == 0


def test_retry_attaches_to_the_order_of_the_first_attempt(stage: Stage) -> None:
    # The upload that follows the open call on 1.1 fails for as long as one attempt tries it.
    fault = stage.control.fault(SERVERS["1.1"], "upload", "unavailable", times=4)
    run_id = stage.run("retry_attaches")
    assert stage.airflow.wait_for_run("retry_attaches", run_id, timeout=120) == "success"
    assert stage.control.hits(fault) == 4
    assert stage.tasks("retry_attaches", run_id)["open"].try_number == 2
    effects = stage.control.effects(SERVERS["1.1"])
    assert (effects["opened"], effects["uploaded"]) == (1, 1)
    assert stage.airflow.xcom("retry_attaches", run_id, "open") == 1
    assert "Going on with" in stage.airflow.logs("retry_attaches", run_id, "open", try_number=2)
