"""Ends of executions, on the sandbox and on made-up histories."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.base.feed import BEGINNING, Cursor
from airflow_provider_workflows.kiban.feeds import ExecutionsEnded, kiban_ended
from airflow_provider_workflows.kiban.hook import KibanHook
from airflow_provider_workflows.protocol.errors import InvalidInput, UnreadableAnswer
from tests.kiban.driving import Driven, ok
from tests.kiban.server import FAILING, LOAN, KibanServer

DAY = 86400


class Reader:
    """Reads a feed by the hook, as the trigger does."""

    def __init__(self, **feed: Any) -> None:
        self.feed = ExecutionsEnded(**feed)
        self.cursor: Cursor = KibanHook().run(self.feed.first)

    def read(self) -> list[dict[str, Any]]:
        batch = KibanHook().run(lambda api: self.feed.read(api, self.cursor))
        self.cursor = json.loads(json.dumps(batch.cursor))
        return [one.to_json() for one in batch.occurrences]

    def ids(self) -> list[str]:
        return [one["execution_id"] for one in self.read()]


def ended(kiban: KibanServer, workfloo: str = LOAN) -> str:
    execution_id = kiban.start(workfloo)
    kiban.answer(execution_id)
    return execution_id


def test_an_end(kiban: KibanServer) -> None:
    reader = Reader()
    running = kiban.start(LOAN)
    assert reader.read() == []
    over = ended(kiban)
    (told,) = reader.read()
    assert told == {
        "occurrence_id": f"{over}/SUCCESS",
        "execution_id": over,
        "name": "Loan application",
        "status": "SUCCESS",
        "modified_at": told["modified_at"],
    }
    kiban.answer(running)
    assert reader.ids() == [running]
    assert reader.read() == []


def test_one_that_began_long_before_others_ended(kiban: KibanServer) -> None:
    old = kiban.start(LOAN)
    kiban.control.advance(5 * DAY)
    new = ended(kiban)
    reader = Reader(start=BEGINNING, lookback_days=30)
    assert reader.ids() == [new]
    kiban.answer(old)
    assert reader.ids() == [old]


def test_one_that_began_before_the_lookback_is_not_listed(kiban: KibanServer) -> None:
    old = kiban.start(LOAN)
    kiban.control.advance(5 * DAY)
    reader = Reader(start=BEGINNING, lookback_days=2)
    new = ended(kiban)
    assert reader.ids() == [new]
    kiban.answer(old)
    assert reader.read() == []


def test_only_what_is_wanted(kiban: KibanServer) -> None:
    failed, loan, other = (
        Reader(statuses=["ERROR"]),
        Reader(name="Loan application"),
        Reader(statuses=["ABANDONED"]),
    )
    bad, good = ended(kiban, FAILING), ended(kiban)
    assert failed.ids() == [bad]
    assert loan.ids() == [good]
    assert other.ids() == []


def test_what_ended_before_is_told_only_from_the_beginning(kiban: KibanServer) -> None:
    over = ended(kiban)
    assert Reader().read() == []
    assert Reader(start=BEGINNING).ids() == [over]


def item(id: str, modified: Any, status: str = "SUCCESS") -> dict[str, Any]:
    return {"id": id, "name": "n", "status": status, "createdAt": modified, "modifiedAt": modified}


def read(cursor: Cursor, *items: dict[str, Any]) -> Any:
    return Driven(ExecutionsEnded().read(KibanHook().get_conn(), cursor), [ok(list(items))])


BEGIN: Cursor = {"since": "2026-10-01T00:00:00.000+00:00", "newest": "", "floor": "", "seen": {}}


def test_dates_of_any_zone_are_one_time(kiban: KibanServer) -> None:
    found = read(BEGIN, item("b", "2026-11-01T12:00:00Z"), item("a", "2026-11-01T07:00:00-06:00")).result
    assert [one.occurrence_id for one in found.occurrences] == ["b/SUCCESS", "a/SUCCESS"]
    assert found.cursor["newest"] == "2026-11-01T13:00:00.000+00:00"


def test_another_end_of_the_same_is_another_occurrence(kiban: KibanServer) -> None:
    first = read(BEGIN, item("a", "2026-11-01T12:00:00Z", "ERROR")).result
    second = read(first.cursor, item("a", "2026-11-01T12:05:00Z")).result
    assert [one.occurrence_id for one in (*first.occurrences, *second.occurrences)] == [
        "a/ERROR",
        "a/SUCCESS",
    ]


def test_a_date_that_is_none_is_said(kiban: KibanServer) -> None:
    with pytest.raises(UnreadableAnswer, match="date"):
        read(BEGIN, item("a", None))


def test_no_form_is_read(kiban: KibanServer) -> None:
    """Answers of applicants are asked for with ``content`` only."""
    (request,) = read(BEGIN).requests
    assert "itemsPerPage" in request.path
    assert "content" not in request.path


@pytest.mark.parametrize(
    "wrong",
    [{"statuses": ["PROGRESS"]}, {"statuses": ["ERROR", "ERROR"]}, {"lookback_days": 0}, {"start": "then"}],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        kiban_ended(**wrong)
