"""The three places where a sensor can wait, on the real scheduler and triggerer."""

from __future__ import annotations

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

MODES = ("poke", "reschedule", "deferrable")
WAITING = {"poke": "running", "reschedule": "up_for_reschedule", "deferrable": "deferred"}


def test_modes_wait_and_end_alike(system: System) -> None:
    run_id = system.run("waits")

    def all_wait() -> bool | None:
        tasks = system.tasks("waits", run_id)
        return all(tasks[f"reach_{mode}"].state == WAITING[mode] for mode in MODES) or None

    system.airflow.wait_until(all_wait, timeout=PATIENCE, what="three sensors to wait in their three places")
    system.push_by_hand()

    assert system.airflow.wait_for_run("waits", run_id, timeout=PATIENCE) == "success"
    tasks = system.tasks("waits", run_id)
    assert {task.task_id: task.try_number for task in tasks.values()} == dict.fromkeys(tasks, 1)
    orders = {record["id"]: record for record in system.control.records(SERVERS["1.2"])}
    assert {order["state"] for order in orders.values()} == {"finished"}
    for mode in MODES:
        data_no = system.airflow.xcom("waits", run_id, f"open_{mode}")
        data_id = system.airflow.xcom("waits", run_id, f"reach_{mode}")
        assert isinstance(data_id, int)
        assert system.airflow.xcom("waits", run_id, f"push_{mode}") == data_id
        assert system.airflow.xcom("waits", run_id, f"close_{mode}") == {
            "data_no": data_no,
            "closing_stop": "End",
            "closing_stops": ["End"],
            "fields": {"FORMITM_1": mode},
        }
    effects = system.control.effects(SERVERS["1.2"])
    assert (effects["opened"], effects["pushed"]) == (3, 6)
    # Each place counts: a worker, one that leaves between two looks, and the triggerer.
    system.airflow.wait_until(
        lambda: system.metrics.total("looks", vendor="omflow", outcome="done") == 6 or None,
        timeout=30,
        what="two waits a mode to be metrics as done",
    )
    assert system.metrics.total("wait_duration", vendor="omflow", outcome="done") == 6
    assert system.metrics.total("submitted", vendor="omflow") == 6
    assert system.metrics.total("looks", vendor="omflow", outcome="pending") >= 3


def test_soft_fail_skips_on_the_deadline(system: System) -> None:
    run_id = system.run("soft_fail")
    assert system.airflow.wait_for_run("soft_fail", run_id, timeout=PATIENCE) == "success"
    assert system.tasks("soft_fail", run_id)["never"].state == "skipped"
