"""Waits for the ends of executions of one space, asked together."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.core.waiting.schedule import look
from airflow_provider_workflows.kiban.api import reading
from airflow_provider_workflows.kiban.api.status import RUNNING, Status
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.hooks import KibanHook
from tests.core.harness import Clock
from tests.core.together import events, shown
from tests.kiban.server import KibanServer

COUNT = 6


@pytest.fixture
def ids(kiban: KibanServer) -> list[str]:
    """Executions that wait at their form."""
    return [kiban.start() for _ in range(COUNT)]


def end(id: str) -> ExecutionSucceeded:
    return ExecutionSucceeded(execution_id=id, result_fields=["nodes.Decision.ruleset.exit"])


def running(ids: list[str]) -> dict[str, Status]:
    return KibanHook().run(lambda api: reading.running(api, set(ids)))


def test_the_history_tells_who_is_in_progress(kiban: KibanServer, clock: Clock, ids: list[str]) -> None:
    kiban.answer(ids[0])
    kiban.command("cancel", execution_id=ids[1])
    found = running([*ids, "65ab"])
    assert {id for id, status in found.items() if status.word == RUNNING} == set(ids[2:])
    assert {id for id, status in found.items() if not status.word} == {*ids[:2], "65ab"}


@pytest.mark.parametrize("kind", ["running", "succeeded", "cancelled", "unknown"])
def test_each_gets_what_it_gets_alone(kiban: KibanServer, clock: Clock, ids: list[str], kind: str) -> None:
    hook, id = KibanHook(), "65ab" if kind == "unknown" else ids[0]
    if kind == "succeeded":
        kiban.answer(id)
    if kind == "cancelled":
        kiban.command("cancel", execution_id=id)
    alone, record = look(hook, end(id)), running([*ids, id])[id]
    try:
        found: object = hook.read(lambda api: end(id).check(api, record))
    except Exception as error:
        found = error
    if kind == "running":
        # The history does not say what the step needs.
        assert isinstance(alone, Pending)
        assert found == Pending("PROGRESS at 'Applicant'")
    elif kind == "unknown":
        assert type(found) is type(alone)
    else:
        assert shown(found) == shown(alone)


def test_many_are_asked_in_one_request(kiban: KibanServer, clock: Clock, ids: list[str]) -> None:
    for id in ids:
        kiban.answer(id)
    found = events(KibanHook(), [end(id) for id in ids], clock)
    assert [one["result"]["fields"] for one in found] == [{"nodes.Decision.ruleset.exit": "accepted"}] * COUNT
    assert kiban.requests("history_v2") == 1
    assert kiban.requests("status") == 0
    assert kiban.requests("detail") == COUNT


def test_one_on_a_page_that_was_missed_is_asked_alone(
    kiban: KibanServer, clock: Clock, ids: list[str]
) -> None:
    # As if it had come to a page that was read before.
    outcome = KibanHook().read(lambda api: end(ids[0]).check(api, Status(ids[0], "")))
    assert outcome == look(KibanHook(), end(ids[0]))


def test_not_all_pages_are_read_if_others_fill_them(
    kiban: KibanServer, clock: Clock, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "RUNNING_PAGE", 2)
    assert set(running(ids[:1])) == set(), "the oldest is on the last page"
    assert set(running(ids[-1:])) == {ids[-1]}
    assert kiban.requests("history_v2") == 2


def test_the_result_is_complete(kiban: KibanServer, clock: Clock, ids: list[str]) -> None:
    kiban.answer(ids[0])
    found = KibanHook().read(lambda api: end(ids[0]).check(api, Status(ids[0], "")))
    assert isinstance(found, Done)
    assert found.result["labels"] == ["low risk", "accepted"]
