"""Arrivals at a stop, on the sandbox and on recorded rows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_workflows.core.events.feed import BATCH, BEGINNING, Cursor, Feed
from airflow_provider_workflows.exceptions import InvalidInput, NotFound
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.events import OrderArrivals, omflow_arrivals
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.event_triggerer import Triggerer
from tests.omflow.driving import Driven, ok
from tests.omflow.orders import open_order, push_all
from tests.omflow.recorded import recorded_rows

API = OMFlowApi(login="robot", password="x")


def at(stop: str = "Review", api_path: str = "purchase", **how: Any) -> OrderArrivals:
    return OrderArrivals(api_path=api_path, stop_chart_text=stop, **how)


class Reader:
    """Reads a feed by the hook, as the trigger does."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.cursor: Cursor = OMFlowHook().run(feed.first)

    def read(self) -> list[dict[str, Any]]:
        batch = OMFlowHook().run(lambda api: self.feed.read(api, self.cursor))
        self.cursor = batch.cursor
        return [one.to_json() for one in batch.occurrences]


def test_an_arrival(each_omflow: OMFlowServer) -> None:
    reader = Reader(at())
    assert reader.read() == []
    data_no = open_order(each_omflow, "purchase")
    (told,) = reader.read()
    arrived_at = OMFlowHook().order_state("purchase", data_no).rows[0]["stoptime"]
    assert told == {
        "occurrence_id": f"purchase/{data_no}/1",
        "api_path": "purchase",
        "data_no": data_no,
        "stop_chart_text": "Review",
        "arrived_at": arrived_at,
    }
    assert reader.read() == []


def test_an_arrival_that_was_pushed_on_before_anybody_looked(omflow: OMFlowServer) -> None:
    reader = Reader(at("Approve", "two-step"))
    data_no = open_order(omflow, "two-step")
    push_all(omflow, "two-step", data_no, times=2)
    assert [one["data_no"] for one in reader.read()] == [data_no]


def test_what_arrived_before_is_told_only_from_the_beginning(omflow: OMFlowServer) -> None:
    earlier = open_order(omflow, "purchase")
    assert Reader(at()).read() == []
    from_the_beginning = Reader(at(start=BEGINNING))
    assert [one["data_no"] for one in from_the_beginning.read()] == [earlier]
    assert from_the_beginning.read() == []


def test_branches_arrive_side_by_side(omflow: OMFlowServer) -> None:
    readers = {stop: Reader(at(stop)) for stop in ("Legal", "Finance", "Fork", "Collect")}
    data_no = open_order(omflow, "purchase")
    push_all(omflow, "purchase", data_no)
    assert [one["data_no"] for one in readers["Legal"].read()] == [data_no]
    assert [one["data_no"] for one in readers["Finance"].read()] == [data_no]


def test_a_long_backlog_comes_in_bounded_batches(omflow: OMFlowServer) -> None:
    opened = [OMFlowHook().open_order("purchase", {"FORMITM_1": "x"}) for _ in range(BATCH + 3)]
    omflow.control.advance(5)
    reader = Reader(at(start=BEGINNING))
    batches = [reader.read() for _ in range(3)]
    assert [len(batch) for batch in batches] == [BATCH, 3, 0]
    assert {one["data_no"] for batch in batches for one in batch} == set(opened)


def test_an_unknown_process_is_said(omflow: OMFlowServer) -> None:
    with pytest.raises(NotFound):
        OMFlowHook().run(at(api_path="nowhere").first)


def test_the_whole_way_of_the_trigger(omflow: OMFlowServer) -> None:
    trigger = omflow_arrivals(api_path="purchase", stop_chart_text="Review", poll_interval=1)
    triggerer = Triggerer(trigger, "asset")
    triggerer.run_all()
    first = open_order(omflow, "purchase")
    triggerer.run(killed=True)
    second = open_order(omflow, "purchase")
    triggerer.run_all()
    assert [event["data_no"] for event in triggerer.events] == [first, second]
    assert {event["conn_id"] for event in triggerer.events} == {"omflow_default"}


def test_a_changed_password_is_read_anew(omflow: OMFlowServer) -> None:
    async def look() -> None:
        hook = OMFlowHook()
        omflow.connect(password="wrong")
        with pytest.raises(Exception, match="did not accept"):
            await hook.aread(at().first)
        omflow.connect()
        await hook.aread(at().first)

    asyncio.run(look())


def row(id: int, at: str, **more: Any) -> dict[str, Any]:
    flags = {"history": True, "closed": False, "error": False}
    return {"id": id, "data_no": id, "stop_chart_text": "Approve", "stoptime": at, **flags, **more}


def driven(cursor: Cursor, *pages: list[dict[str, Any]]) -> Driven:
    return Driven(at("Approve", "p").read(API, cursor), [ok(page) for page in pages])


def found(read: Driven) -> list[str]:
    return [one.occurrence_id for one in read.result.occurrences]


BEGIN: Cursor = {"newest": "", "floor": "", "seen": {}}


def test_only_arrivals_at_the_stop_count_even_if_conditions_are_dropped() -> None:
    time = "2026-11-22T05:29:09.762"
    rows = [
        row(1, time),
        row(2, time, history=False),
        row(3, time, error=True),
        row(4, time, closed=True),
        row(5, time, stop_chart_text="Review"),
        {**row(6, time), "stoptime": None},
    ]
    # Without a time, it may be one; it is not lost.
    assert found(driven(BEGIN, rows)) == ["p/6/6", "p/1/1"]


@pytest.mark.parametrize(
    ("rows", "stop", "arrivals"),
    [
        ("simple rows waiting", "Approve", [1]),
        ("simple rows closed", "Approve", [1]),
        ("parallel rows end", "Sign", [6]),
        ("parallel rows end", "Legal", [2]),
        ("dead-end rows", "Approve", [1]),
        ("hum rows", "Approve", [1]),
        ("same-names rows both closed", "Sign", [2, 4]),
    ],
)
def test_recorded_rows(rows: str, stop: str, arrivals: list[int]) -> None:
    # The recording shows no times of these rows.
    listed = [{**one, "stoptime": f"2026-11-22T05:29:{int(one['id']):02}"} for one in recorded_rows(rows)]
    read = Driven(at(stop, "p").read(API, BEGIN), [ok(listed)])
    assert found(read) == [f"p/{1}/{id}" for id in arrivals]


def test_the_same_order_twice_at_a_stop_is_two_arrivals() -> None:
    loop = [row(1, "2026-11-22T05:00:00", data_no=7), row(3, "2026-11-22T05:10:00", data_no=7)]
    assert found(driven(BEGIN, loop)) == ["p/7/1", "p/7/3"]


def test_the_request_begins_a_little_before_the_overlap() -> None:
    first = driven(BEGIN, [row(1, "2026-11-22T05:00:00")])
    second = driven(first.result.cursor, [row(1, "2026-11-22T05:00:00"), row(9, "2026-11-22T04:00:00")])
    assert found(second) == ["p/9/9"]
    (body,) = second.bodies
    assert body["search_conditions"] == [
        {"column": "stop_chart_text", "condition": "=", "value": "Approve"},
        {"column": "history", "condition": "=", "value": True},
        {"column": "stoptime", "condition": ">", "value": "2026-11-22T02:59:59.000"},
    ]
    assert body["order_columns"] == ["stoptime", "id"]


@pytest.mark.parametrize(
    "wrong",
    [{"api_path": ""}, {"stop_chart_text": " "}, {"stop_chart_text": None}, {"start": "yesterday"}],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        omflow_arrivals(**{"api_path": "p", "stop_chart_text": "s", **wrong})
