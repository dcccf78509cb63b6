"""Activities that become pending and cases that end, on the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.events import (
    ActivitiesPending,
    CasesClosed,
    blizwork_activities,
    blizwork_closed,
)
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.events.feed import BEGINNING, Batch, Cursor, Feed
from airflow_provider_workflows.exceptions import AuthenticationFailed, InvalidInput
from tests.blizwork.cases import opened, ran
from tests.blizwork.conftest import BlizWorkServer


class Reader:
    """Reads a feed by the hook, as the trigger does."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.cursor: Cursor = json.loads(json.dumps(BlizWorkHook().run(feed.first)))

    def batch(self) -> Batch:
        batch = BlizWorkHook().run(lambda api: self.feed.read(api, self.cursor))
        self.cursor = json.loads(json.dumps(batch.cursor))
        return batch

    def read(self) -> list[dict[str, Any]]:
        return [one.to_json() for one in self.batch().occurrences]


def pending(*cases: int, workflow: str = "loop", **how: Any) -> Reader:
    return Reader(ActivitiesPending(workflow_id=workflow, case_numbers=list(cases), **how))


def ends(*cases: int, **how: Any) -> Reader:
    return Reader(CasesClosed(workflow_id="loop", case_numbers=list(cases), **how))


def test_an_activity_that_comes_again_is_told_again(blizwork: BlizWorkServer) -> None:
    case = opened("loop")
    reader = pending(case, form_id="request")
    assert reader.read() == []
    ran("loop", case, "request", "check")
    ran("loop", case, "check", "request")
    ran("loop", case, "request", "request")
    told = reader.read()
    assert [one["form_id"] for one in told] == ["request", "request"]
    first = told[0]["history_length"]
    assert told[0] == {
        "occurrence_id": f"loop/{case}/{first}",
        "workflow_id": "loop",
        "case_number": case,
        "form_id": "request",
        "history_length": first,
    }
    assert told[1]["occurrence_id"] == f"loop/{case}/{first + 1}"
    assert reader.read() == []


def test_the_whole_history_from_the_beginning(blizwork: BlizWorkServer) -> None:
    case = opened("loop")
    ran("loop", case, "request", "check")
    assert [one["form_id"] for one in pending(case, start=BEGINNING).read()] == ["request", "check"]
    assert pending(case).read() == []


def test_a_case_that_has_ended_is_told_once(blizwork: BlizWorkServer) -> None:
    case, other = opened("loop"), opened("loop")
    reader = ends(case, other)
    ran("loop", case, "request", "check")
    assert reader.read() == []
    ran("loop", case, "check", "done")
    (told,) = reader.read()
    assert told == {
        "occurrence_id": f"loop/{case}/closed",
        "workflow_id": "loop",
        "case_number": case,
        "last_form_id": told["last_form_id"],
    }
    assert reader.read() == []
    assert ends(case).read() == []
    assert len(ends(case, start=BEGINNING).read()) == 1


def test_a_case_that_is_not_there_stops_no_other(blizwork: BlizWorkServer) -> None:
    case = opened("loop")
    reader = pending(case, case + 1)
    batch = reader.batch()
    assert batch.occurrences == ()
    assert [trouble.partition(":")[0] for trouble in batch.troubles] == [f"case {case + 1}"]
    # Once it is there, nothing of it has been told.
    assert opened("loop") == case + 1
    assert [one["case_number"] for one in reader.read()] == [case + 1]


def test_a_wrong_login_stops_all(blizwork: BlizWorkServer) -> None:
    case = opened("loop")
    blizwork.connect(password="another")
    with pytest.raises(AuthenticationFailed):
        pending(case)


@pytest.mark.parametrize(
    "wrong",
    [
        {"workflow_id": ""},
        {"case_numbers": []},
        {"case_numbers": [1, 1]},
        {"case_numbers": [1, "7a"]},
        {"case_numbers": [1, None]},
        {"start": "then"},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    for make in (blizwork_activities, blizwork_closed):
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            make(**{"workflow_id": "w", "case_numbers": [1], **wrong})
