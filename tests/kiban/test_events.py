"""Ends of executions, on the sandbox and on made-up histories."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from airflow_provider_workflows.core.events.feed import BEGINNING, Cursor
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.effects.search import PAGE
from airflow_provider_workflows.kiban.events import ExecutionsEnded, kiban_ended
from airflow_provider_workflows.kiban.hooks import KibanHook
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


def test_one_that_was_cancelled_is_told_though_kiban_cannot_filter_by_it(kiban: KibanServer) -> None:
    reader = Reader(statuses=["ABANDONED"])
    cancelled, _ = kiban.start(LOAN), ended(kiban)
    kiban.command("cancel", execution_id=cancelled)
    assert reader.ids() == [cancelled]


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        ([], None),
        (["SUCCESS"], "SUCCESS"),
        (["ERROR"], "ERROR"),
        (["ABANDONED"], None),
        (["ERROR", "ABANDONED"], None),
    ],
    ids=str,
)
def test_only_a_status_that_kiban_filters_is_asked_for(
    kiban: KibanServer, statuses: list[str], asked: str | None
) -> None:
    feed = ExecutionsEnded(statuses=statuses)
    items = [item(f"e{n}", "2026-11-01T12:00:00Z", "PROGRESS") for n in range(PAGE)]
    # A full page of others is not the last, even without a link.
    last = [item("e", "2026-11-01T12:00:01Z", status) for status in statuses or ["SUCCESS"]]
    driven = Driven(feed.read(KibanHook().get_conn(), BEGIN), [ok(items), ok(last[-1:])])
    for request in driven.requests:
        assert parse_qs(urlsplit(request.path).query).get("status") == (asked and [asked])
    assert "e" in [one.facts["execution_id"] for one in driven.result.occurrences]


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


def test_one_that_began_before_the_lookback_is_not_asked_for(kiban: KibanServer) -> None:
    cursor = read(BEGIN, item("a", "2026-11-20T12:00:00Z")).result.cursor
    feed = ExecutionsEnded(lookback_days=2)
    (request,) = Driven(feed.read(KibanHook().get_conn(), cursor), [ok([])]).requests
    assert "2026-11-18T12" in unquote(request.path)


@pytest.mark.parametrize("date", [None, "soon", "2098-01-01T00:00:00.000Z", "2026-02-31T00:00:00.000Z"])
def test_a_wrong_date_is_told_once_and_neither_moves_the_cursor_nor_blocks_it(
    kiban: KibanServer, date: Any
) -> None:
    first = read(BEGIN, item("a", date), item("b", "2026-11-01T00:00:00.000Z")).result
    assert [one.facts["execution_id"] for one in first.occurrences] == ["a", "b"]
    second = read(first.cursor, item("a", date), item("c", "2026-11-02T00:00:00.000Z")).result
    assert [one.facts["execution_id"] for one in second.occurrences] == ["c"]


def test_a_cursor_holds_no_id_that_the_state_store_cannot_carry(kiban: KibanServer) -> None:
    ids = ["\ud800", "a\0b", "x" * 100_000]
    items = [item(id, f"2026-11-01T00:0{n}:00.000Z") for n, id in enumerate(ids, 1)]
    first = read(BEGIN, *items).result
    assert len(first.occurrences) == 3
    stored = json.dumps(first.cursor, ensure_ascii=False)
    assert len(stored.encode()) > 0, "no lone surrogate"
    assert "\\u0000" not in stored
    assert len(stored) < 1000
    assert read(first.cursor, *items).result.occurrences == ()


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
