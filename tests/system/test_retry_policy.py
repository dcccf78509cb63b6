"""The ready retry policy on a real Airflow: when a retry comes by Airflow's own record, or that none does."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

#: Seconds that the vendor asks for: more than the hook itself is ready to wait within an attempt.
RETRY_AFTER = 35


def tries(system: System, dag_id: str, run_id: str, *, map_index: int = -1) -> list[dict[str, Any]]:
    """The attempts of task ``open``, oldest first."""
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/open"
    path += f"/{map_index}/tries" if map_index >= 0 else "/tries"
    return sorted(system.airflow.call("GET", path)["task_instances"], key=lambda one: one["try_number"])


def pauses(attempts: list[dict[str, Any]]) -> list[float]:
    """Seconds from the end of each attempt to the start of the next."""
    ends = [datetime.fromisoformat(one["end_date"]) for one in attempts[:-1]]
    starts = [datetime.fromisoformat(one["start_date"]) for one in attempts[1:]]
    return [(start - end).total_seconds() for end, start in zip(ends, starts, strict=True)]


def announced(log: str) -> tuple[int, int]:
    """What the policy said in an attempt's log: how many failures, and the seconds to the next attempt."""
    said = re.search(r"reason=\w+ \(OMFlow.*: failure (\d+), next attempt in (\d+) s", log)
    assert said is not None, log
    return int(said[1]), int(said[2])


def test_retries_come_when_the_vendor_can_take_them(system: System) -> None:
    throttled = system.control.fault(SERVERS["1.2"], "open", "throttled", retry_after=RETRY_AFTER)
    # An attempt asks four times for the security code to read the form, and four times to open the order.
    unavailable = system.control.fault(SERVERS["1.1"], "security", "unavailable", times=16)
    runs = {dag_id: system.run(dag_id) for dag_id in ("policy_throttled", "policy_unavailable")}
    for dag_id, run_id in runs.items():
        assert system.airflow.wait_for_run(dag_id, run_id, timeout=PATIENCE) == "success"
    assert (system.control.hits(throttled), system.control.hits(unavailable)) == (1, 16)
    assert [system.control.effects(server)["opened"] for server in SERVERS.values()] == [1, 1]

    (pause,) = pauses(tries(system, "policy_throttled", runs["policy_throttled"], map_index=0))
    assert pause >= RETRY_AFTER
    log = system.airflow.logs("policy_throttled", runs["policy_throttled"], "open", map_index=0)
    # How much later than announced a retry begins is the scheduler's affair, and the machine's.
    assert RETRY_AFTER <= announced(log)[1] <= round(1.25 * RETRY_AFTER)

    run_id = runs["policy_unavailable"]
    logs = [system.airflow.logs("policy_unavailable", run_id, "open", try_number=n) for n in (1, 2)]
    (first, early), (second, late) = map(announced, logs)
    assert (first, second) == (1, 2)
    assert early <= 5 < 7 <= late <= 10, "less up to a quarter of 5 and of 10 seconds"
    for told, waited in zip((early, late), pauses(tries(system, "policy_unavailable", run_id)), strict=True):
        # What is told is rounded.
        assert waited >= told - 0.5


def test_a_lost_answer_is_not_sent_again(system: System) -> None:
    fault = system.control.fault(SERVERS["1.2"], "open", "lost_answer", times=2)
    run_id = system.run("policy_lost_answer")
    assert system.airflow.wait_for_run("policy_lost_answer", run_id, timeout=PATIENCE) == "failed"
    tasks = system.tasks("policy_lost_answer", run_id)
    assert {name: (one.state, one.try_number) for name, one in tasks.items()} == {
        "open": ("failed", 1),
        "open_by_hand": ("failed", 1),
    }
    assert system.control.hits(fault) == 2
    assert system.control.effects(SERVERS["1.2"])["opened"] == 2
    log = system.airflow.logs("policy_lost_answer", run_id, "open_by_hand")
    assert "the request may have taken effect, and a retry would send it again" in log
