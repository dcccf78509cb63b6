"""Instances that were created or changed, as far as the sandbox answers as the vendor's example shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_workflows.core.events.feed import BATCH, BEGINNING, Batch, Cursor
from airflow_provider_workflows.exceptions import InvalidInput, Rejected, UnreadableAnswer
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.events import InstancesChanged, mybpm_changed
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.driving import Driven, answer, boi

API = MyBPMApi(token=Token(header="API-TOKEN", value="t"))
SECRET = "a person's own words"


class Reader:
    """Reads a feed by the hook, as the trigger does."""

    def __init__(self, **how: Any) -> None:
        self.feed = InstancesChanged(bo_code="NOTE", **how)
        self.cursor: Cursor = json.loads(json.dumps(MyBPMHook().run(self.feed.first)))

    def batch(self) -> Batch:
        batch = MyBPMHook().run(lambda api: self.feed.read(api, self.cursor))
        self.cursor = json.loads(json.dumps(batch.cursor))
        return batch

    def read(self) -> list[str]:
        return [str(one.to_json()["boi_id"]) for one in self.batch().occurrences]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """One of its own: tests move the clock of the shared one, and a time far ahead is not taken for one."""
    with SandboxServer() as server:
        yield server


def create(text: str = "new") -> str:
    return MyBPMHook().create("NOTE", {"TEXT": text}).boi_id


def test_what_is_new_or_changed_once_each(mybpm: MyBPMServer) -> None:
    first = create()
    reader = Reader()
    assert reader.read() == []
    second = create()
    MyBPMHook().upsert("NOTE", {"TEXT": SECRET}, boi_id=first)
    assert reader.read() == [second, first]
    assert reader.read() == []
    MyBPMHook().upsert("NOTE", {"TEXT": "b"}, boi_id=first)
    (told,) = reader.batch().occurrences
    shown = told.to_json()
    at = datetime.fromisoformat(str(shown["modified_at"]))
    assert at.utcoffset() == timedelta(0)
    assert shown == {
        "occurrence_id": f"NOTE/{first}/{shown['modified_at']}",
        "bo_code": "NOTE",
        "boi_id": first,
        "state": "ALL",
        "modified_at": shown["modified_at"],
    }
    assert SECRET not in json.dumps(reader.cursor)


def test_a_change_by_a_person_is_told(mybpm: MyBPMServer) -> None:
    note = create()
    reader = Reader()
    mybpm.command("set_field", bo_code="NOTE", boi_id=note, field="TEXT", value="by hand")
    assert reader.read() == [note]


def test_from_the_beginning_in_batches_and_pages(mybpm: MyBPMServer) -> None:
    """The sandbox gives 50 instances in a page."""
    made = [create() for _ in range(BATCH + 5)]
    reader = Reader(start=BEGINNING)
    told = [reader.read(), reader.read(), reader.read()]
    assert [len(one) for one in told] == [BATCH, 5, 0]
    assert sorted(told[0] + told[1]) == sorted(made)


def test_an_object_without_instances(mybpm: MyBPMServer) -> None:
    reader = Reader()
    assert reader.read() == []
    note = create()
    assert reader.read() == [note]


def test_the_filter_is_the_documented_one() -> None:
    feed = InstancesChanged(bo_code="ORD")
    driven = Driven(feed.first(API), [answer({"records": []})])
    (body,) = driven.bodies
    assert body["headCodes"] == ["LAST_MODIFIED_AT"]
    (bracket,) = body["brackets"]
    (native,) = bracket["nativeFilters"]
    assert set(native) == {"id", "type", "dateFrom", "dateTo"}
    assert native["type"] == "LAST_MODIFIED_AT"
    days = [datetime.fromisoformat(native[name]) for name in ("dateFrom", "dateTo")]
    assert days[0] < datetime.now(UTC) - timedelta(hours=23)
    assert days[1] > datetime.now(UTC) + timedelta(hours=26)
    assert all((one.hour, one.minute) == (0, 0) for one in days)


def changed(boi_id: str, at: str) -> dict[str, Any]:
    return boi(boi_id, LAST_MODIFIED_AT={"apiValue": at, "type": "LAST_MODIFIED_AT"})


ONE, TWO = "a" * 16, "b" * 16
FEED = InstancesChanged(bo_code="ORD")


def read(cursor: Cursor, *rows: Any) -> Any:
    return Driven(FEED.read(API, cursor), [answer({"records": list(rows)}), answer({"records": []})]).result


def begun() -> Cursor:
    cursor: Cursor = Driven(FEED.first(API), [answer({"records": []})]).result
    return cursor


def test_a_server_that_ignores_the_filter_changes_nothing() -> None:
    """The times are compared here, too."""
    rows = [changed(ONE, "2026-01-02T09:04:05.123+06"), changed(TWO, "2026-01-01T03:04:05.000Z")]
    cursor = Driven(FEED.first(API), [answer({"records": rows}), answer({"records": []})]).result
    assert read(cursor, *rows).occurrences == ()
    later = changed(TWO, "2026-01-02T03:04:06.000Z")
    (told,) = read(cursor, rows[0], later).occurrences
    assert told.to_json()["modified_at"] == "2026-01-02T03:04:06.000+00:00"


def test_a_server_that_gives_the_same_page_for_ever_is_left() -> None:
    page = answer({"records": [changed(ONE, "2026-01-02T03:04:05.000Z")]})
    assert len(Driven(FEED.read(API, begun()), [page, page]).result.occurrences) == 1


def test_a_time_far_ahead_neither_blocks_nor_moves_the_cursor() -> None:
    first = read(begun(), changed(ONE, "2099-01-01T00:00:00.000Z"), changed(TWO, "no time"))
    assert len(first.occurrences) == 2
    after = read(first.cursor, changed(ONE, "2099-01-01T00:00:00.000Z"), changed(TWO, "2026-01-02T03:04:05Z"))
    assert [one.to_json()["boi_id"] for one in after.occurrences] == [TWO]


@pytest.mark.parametrize("row", [boi(ONE, NUM="7"), changed(ONE, "")], ids=["no column", "empty"])
def test_a_list_without_the_field_is_not_taken_for_no_change(row: Any) -> None:
    with pytest.raises(UnreadableAnswer, match=r"ORD without LAST_MODIFIED_AT.*\n.*mybpm_reached"):
        Driven(FEED.read(API, begun()), [answer({"records": [row]})])


def test_a_server_that_refuses_the_filter_is_not_either() -> None:
    operation = FEED.read(API, begun())
    next(operation)
    with pytest.raises(Rejected):
        operation.send(answer({}, status=400))


@pytest.mark.parametrize("wrong", [{"bo_code": ""}, {"start": "then"}])
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        InstancesChanged(**{"bo_code": "B", **wrong})
    assert mybpm_changed(bo_code="B").poll_interval == 60
