"""Instances whose field or state comes to a value, on the sandbox."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from airflow_provider_workflows.core.events.feed import BEGINNING, Batch, Cursor
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.events import ValuesReached, mybpm_reached
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from tests.mybpm.conftest import MyBPMServer

ID = "0123456789abcde~"

SECRET = "a person's own words"


class Reader:
    """Reads a feed by the hook, as the trigger does."""

    def __init__(self, *ids: str, **how: Any) -> None:
        self.feed = ValuesReached(bo_code="NOTE", boi_ids=list(ids), **how)
        self.cursor: Cursor = json.loads(json.dumps(MyBPMHook().run(self.feed.first)))

    def batch(self) -> Batch:
        batch = MyBPMHook().run(lambda api: self.feed.read(api, self.cursor))
        self.cursor = json.loads(json.dumps(batch.cursor))
        return batch

    def read(self) -> list[dict[str, Any]]:
        return [one.to_json() for one in self.batch().occurrences]


@pytest.fixture
def note(mybpm: MyBPMServer) -> str:
    return MyBPMHook().create("NOTE", {"TEXT": "new"}).boi_id


def write(boi_id: str, text: str) -> None:
    MyBPMHook().upsert("NOTE", {"TEXT": text}, boi_id=boi_id)


def test_a_field_that_comes_to_a_value_and_comes_again(note: str) -> None:
    reader = Reader(note, field="TEXT", values=["done", "failed"])
    assert reader.read() == []
    write(note, "done")
    (first,) = reader.read()
    assert reader.read() == []
    write(note, SECRET)
    assert reader.read() == []
    assert SECRET not in json.dumps(reader.cursor)
    write(note, "done")
    (second,) = reader.read()
    begun = reader.cursor["begun"]
    assert first == {
        "occurrence_id": f"NOTE/{note}/TEXT/{begun}/1",
        "bo_code": "NOTE",
        "boi_id": note,
        "field": "TEXT",
        "value": "done",
    }
    assert second == {**first, "occurrence_id": f"NOTE/{note}/TEXT/{begun}/2"}


def test_feeds_that_begin_in_the_same_second_tell_of_their_own(note: str) -> None:
    readers = [Reader(note, field="TEXT", values=[value]) for value in ("done", "paid")]
    for reader in readers:
        reader.cursor = {**reader.cursor, "begun": re.sub(r"^\d+T\d+Z", "now", reader.cursor["begun"])}
    ids = []
    for value, reader in zip(("done", "paid"), readers, strict=True):
        write(note, value)
        ids += [one["occurrence_id"] for one in reader.read()]
    assert len(set(ids)) == 2


def test_from_one_value_to_another(note: str) -> None:
    reader = Reader(note, field="TEXT", values=["done", "failed"])
    write(note, "done")
    assert [one["value"] for one in reader.read()] == ["done"]
    write(note, "failed")
    assert [one["value"] for one in reader.read()] == ["failed"]


def test_a_state(mybpm: MyBPMServer, note: str) -> None:
    reader = Reader(note, values=["ARCHIVED"])
    mybpm.command("set_state", bo_code="NOTE", boi_id=note, state="ARCHIVED")
    (told,) = reader.read()
    assert (told["field"], told["value"]) == (None, "ARCHIVED")


def test_what_stands_there_already_is_told_only_from_the_beginning(note: str) -> None:
    assert Reader(note, field="TEXT", values=["new"]).read() == []
    assert len(Reader(note, field="TEXT", values=["new"], start=BEGINNING).read()) == 1


def test_what_comes_and_goes_between_two_looks_is_not_seen(note: str) -> None:
    """The limit that the documentation tells of."""
    reader = Reader(note, field="TEXT", values=["done"])
    write(note, "done")
    write(note, "new")
    assert reader.read() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"bo_code": ""},
        {"boi_ids": []},
        {"boi_ids": "abc"},
        {"boi_ids": [ID, "abc"]},
        {"values": []},
        {"start": "then"},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    feed: dict[str, Any] = {"bo_code": "B", "boi_ids": [ID], "values": ["v"], **wrong}
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        ValuesReached(**feed)
    assert mybpm_reached(bo_code="B", boi_ids=[ID], values=["v"]).poll_interval == 60
