"""
No secret in anything that Airflow keeps, after a run with faults at DEBUG level.

Named so that it runs last: it searches what all system tests have left.
"""

from __future__ import annotations

import base64
import secrets

import pytest
import requests

from tests.system.conftest import HOME, SERVERS, Stage
from tests.system.search import in_database, in_files, rows

pytestmark = pytest.mark.system


def _security_code(stage: Stage) -> str:
    """Return the canary user's code; a server keeps one a user, so it is the one that the tasks use."""
    reply = requests.get(
        f"{stage.control.url}/{SERVERS['1.2']}/accounts/api/security/get/",
        auth=(stage.canary_login, stage.canary_password),
        timeout=10,
    )
    return str(reply.json()["result"]["security"])


def _leaks(stage: Stage, known: list[str]) -> dict[int, list[str]]:
    """Return where each known secret was found; by number, so that a failing test does not print them."""
    places = [in_files(HOME, secret) + in_database(stage.airflow.database, secret) for secret in known]
    return {number: found for number, found in enumerate(places) if found}


def test_no_secret_is_kept_anywhere(stage: Stage) -> None:
    server, planted = SERVERS["1.2"], f"planted-{secrets.token_hex(8)}"
    known = [
        stage.canary_password,
        base64.b64encode(f"{stage.canary_login}:{stage.canary_password}".encode()).decode(),
        _security_code(stage),
    ]
    faults = [
        stage.control.fault(server, "list", "bad_gateway", times=2),
        stage.control.fault(server, "list", "lost_answer", skip=3),
        stage.control.fault(server, "list", "not_json", skip=5),
        stage.control.fault(server, "list", "truncated", skip=7),
        stage.control.fault(server, "open", "throttled", retry_after=1),
    ]
    run_id = stage.run("canary", planted=planted)

    def both_wait() -> bool | None:
        tasks = stage.tasks("canary", run_id)
        return (tasks["reach"].state == tasks["refused"].state == "deferred") or None

    stage.airflow.wait_until(both_wait, timeout=120, what="two sensors to be deferred")
    assert rows(stage.airflow.database, "trigger") == 2
    assert _leaks(stage, known) == {}

    # The codes are void after a restart, so the waits fetch a new one.
    stage.control.restart(server)
    known.append(_security_code(stage))
    assert known[-1] != known[-2]
    stage.push_by_hand()
    stage.airflow.wait_until(
        lambda: stage.tasks("canary", run_id)["reach"].state == "success" or None,
        timeout=120,
        what="the order to reach its stop",
    )
    stage.push_by_hand()

    # One sensor waited for a stop that never comes: its failure, with all it quotes, is searched as well.
    assert stage.airflow.wait_for_run("canary", run_id, timeout=120) == "failed"
    assert stage.tasks("canary", run_id)["refused"].state == "failed"
    assert [stage.control.hits(fault) for fault in faults] == [2, 1, 1, 1, 1]
    assert _leaks(stage, known) == {}
    assert [path for path in in_files(HOME, planted) if path.startswith("logs/")]
    assert "xcom.value" in in_database(stage.airflow.database, planted)
