"""
What earlier versions left of feeds in Airflow's database can be read: triggers, their records, and events.

The samples lie beside those of :mod:`tests.core.test_upgrades`, by the same rules. A record that is not found
again under its key, or not understood, would let a feed begin anew and lose what happened meanwhile.
"""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

import airflow_provider_workflows
from airflow_provider_workflows.core.events.checkpoint import Checkpoint
from airflow_provider_workflows.core.events.feed import Feed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.protocol.operation import Renew
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.events import occurrences
from tests.core.test_upgrades import PACKAGE, UNREADABLE, family, plain, renamed, samples
from tests.core.test_upgrades import connections as connections

FEEDS = samples("feeds")


def feeds() -> set[type[Feed]]:
    """Every feed of the package, wherever in it."""
    for module in pkgutil.walk_packages(airflow_provider_workflows.__path__, f"{PACKAGE}."):
        if module.name.endswith(".events"):
            import_module(module.name)
    return {cls for cls in family(Feed) if not inspect.isabstract(cls) and not cls.__name__.startswith("_")}


def read(sample: dict[str, Any]) -> tuple[FeedTrigger, Feed, Checkpoint]:
    """Read a sample as the triggerer does, and check that nothing of it was left out."""
    trigger = import_string(sample["path"])(**sample["kwargs"])
    assert isinstance(trigger, FeedTrigger)
    feed, checkpoint = Feed.from_json(trigger.feed), Checkpoint.from_json(sample["record"])
    for name, value in json.loads(trigger.feed)["values"].items():
        assert plain(getattr(feed, name)) == value, name
    assert plain(checkpoint.to_json()) == sample["record"]
    return trigger, feed, checkpoint


@pytest.mark.parametrize("name", FEEDS)
def test_a_record_is_found_again_under_its_key(name: str) -> None:
    trigger, feed, _ = read(FEEDS[name])
    assert trigger._key == FEEDS[name]["key"]
    # A DAG file of today makes the same trigger of the same arguments.
    assert feed.to_json() == trigger.feed
    assert trigger.serialize() == (FEEDS[name]["path"], FEEDS[name]["kwargs"])


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.usefixtures("connections")
def test_it_is_read_on_from_its_cursor(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger, feed, checkpoint = read(FEEDS[name])
    vendor = feed.hook_class.split(".")[1].upper()
    default = os.environ[f"AIRFLOW_CONN_{vendor}_DEFAULT"]
    monkeypatch.setenv(f"AIRFLOW_CONN_{trigger.conn_id.upper()}", default)
    reading = feed.read(import_string(feed.hook_class)(trigger.conn_id).get_conn(), checkpoint.cursor)
    asked = next(reading)
    while isinstance(asked, Renew):
        asked = reading.send("a credential")
    assert isinstance(asked, Request)


@pytest.mark.parametrize("name", [name for name, sample in FEEDS.items() if sample["events"]])
def test_its_events_are_read(name: str) -> None:
    sample = FEEDS[name]
    told = [SimpleNamespace(extra={"from_trigger": True, "payload": event}) for event in sample["events"]]
    conn_id = sample["kwargs"]["conn_id"]
    wanted = [{**one, "conn_id": conn_id} for event in sample["events"] for one in event["occurrences"]]
    assert occurrences({"asset": told}) == wanted
    for pending in sample["record"].get("pending", ()):
        assert {**pending, "conn_id": conn_id} in wanted


def test_every_feed_has_samples() -> None:
    sampled = {json.loads(sample["kwargs"]["feed"])["feed"] for sample in FEEDS.values()}
    missing = {f"{cls.__module__}.{cls.__qualname__}" for cls in feeds()} - sampled
    assert not missing, "add samples of these to the folder of the version that brings them"


def test_every_argument_of_every_feed_is_in_a_sample() -> None:
    known = [read(sample)[1] for sample in FEEDS.values()]
    missing = {
        f"{cls.__name__}.{field.name}"
        for cls in feeds()
        for field in fields(cls)
        if field.default is not MISSING
        and not any(
            type(one) is cls and plain(getattr(one, field.name)) != plain(field.default) for one in known
        )
    }
    assert not missing, "add samples that give these another value than the default"


def strange(sample: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sample as if a path or a name in it were not, or no longer, the package's."""
    yield "path", {**sample, "path": f"{sample['path']}Then"}
    for name in sample["kwargs"]:
        yield name, {**sample, "kwargs": renamed(sample["kwargs"], name)}
    feed = json.loads(sample["kwargs"]["feed"])
    others = [
        {**feed, "feed": f"{feed['feed']}Then"},
        {**feed, "feed": "datetime.timedelta"},
        {**feed, "format": feed["format"] + 1000},
        *(renamed(feed, name) for name in feed),
        *({**feed, "values": renamed(feed["values"], name)} for name in feed["values"]),
    ]
    for number, other in enumerate(others):
        yield f"feed {number}", {**sample, "kwargs": {**sample["kwargs"], "feed": json.dumps(other)}}
    record = sample["record"]
    for name in record:
        yield f"record {name}", {**sample, "record": renamed(record, name)}
    yield "format of the record", {**sample, "record": {**record, "format": 1000}}


@pytest.mark.parametrize("name", FEEDS)
def test_a_changed_path_or_name_is_noticed(name: str) -> None:
    unnoticed = []
    for what, sample in strange(FEEDS[name]):
        try:
            read(sample)
        except UNREADABLE:
            continue
        unnoticed.append(what)
    assert not unnoticed
