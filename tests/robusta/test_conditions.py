"""What each status word means to a wait."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.robusta.api.operations import RobustaApi
from airflow_provider_workflows.robusta.conditions import ProcessOutputs, ProcessSucceeded, word_lists

SPID = "8f14e45f-ceea-467f-a9f3-0d1c2b3a4f5e"


def look(condition: ProcessSucceeded, status: str, **more: Any) -> Any:
    """Check a condition against one answer."""
    operation = condition.check(RobustaApi(login="airflow", password="sesame"))
    next(operation)
    body = json.dumps({"status": status, "message": "söz", **more}).encode()
    with pytest.raises(StopIteration) as end:
        operation.send(Reply(status=200, body=body))
    return end.value.value


def ended(**lists: Any) -> ProcessSucceeded:
    return ProcessSucceeded(spid=SPID, **lists)


@pytest.mark.parametrize("word", ["WAITING", "RUNNING", "running"])
def test_documented_words_go_on(word: str) -> None:
    assert look(ended(), word) == Pending(word.upper())


def test_success_brings_the_end() -> None:
    assert look(ended(), "SUCCEEDED", __out_total="12") == Done(
        {"spid": SPID, "message": "söz", "status": "SUCCEEDED", "outputs": {"total": "12"}}
    )


def test_success_without_outputs() -> None:
    assert look(ProcessOutputs(spid=SPID), "SUCCEEDED") == Done({})


def test_outputs_alone() -> None:
    assert look(ProcessOutputs(spid=SPID), "SUCCEEDED", __out_total="12") == Done({"total": "12"})


@pytest.mark.parametrize("word", ["FAILED", "ERROR", "STOPPED", "CANCELLED", "KILLED", "PAUSED", "Çöktü"])
def test_any_other_word_is_failure(word: str) -> None:
    with pytest.raises(RunFailed, match="if it is not one, add it to running_statuses") as caught:
        look(ended(), word)
    assert caught.value.code == word.upper()
    assert "söz" in str(caught.value)


def test_further_words_may_go_on() -> None:
    condition = ended(running_statuses=["PAUSED"])
    assert look(condition, " Paused ") == Pending("PAUSED")
    assert look(condition, "WAITING") == Pending("WAITING")
    with pytest.raises(RunFailed):
        look(condition, "FAILED")


def test_words_of_failure_may_be_all_there_are() -> None:
    condition = ended(failed_statuses=["ERROR"])
    with pytest.raises(RunFailed) as caught:
        look(condition, "error")
    assert "add it to running_statuses" not in str(caught.value)
    assert look(condition, "PAUSED") == Pending("PAUSED, a status in neither list")


def test_it_survives_the_triggers_row() -> None:
    condition = ProcessOutputs(spid=SPID, **word_lists(["paused"], ("error",)), grace=3)
    row = json.dumps(condition.to_json())
    assert Condition.from_json(json.loads(row)) == condition
    assert condition.remote_id == SPID


def test_lists_are_compared_as_the_words_are() -> None:
    assert word_lists([" paused "], ["Error"]) == {
        "running_statuses": ["PAUSED"],
        "failed_statuses": ["ERROR"],
    }
    assert word_lists((), None) == {"running_statuses": [], "failed_statuses": None}


@pytest.mark.parametrize(
    ("running", "failed", "reason"),
    [
        ("PAUSED", None, "running_statuses must be a list"),
        ([""], None, "running_statuses: '' is not a status"),
        ([7], None, "running_statuses: 7 is not a status"),
        (["SUCCEEDED"], None, "running_statuses: SUCCEEDED"),
        ([], ["succeeded"], "failed_statuses: SUCCEEDED"),
        ([], "ERROR", "failed_statuses must be a list"),
        (None, None, "running_statuses must be a list"),
        ([], ["waiting"], "failed_statuses: WAITING means that the process is running"),
        (["PAUSED"], ["paused"], "failed_statuses: PAUSED means that the process is running"),
    ],
)
def test_lists_that_contradict_themselves(running: Any, failed: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        word_lists(running, failed)
