"""A vendor in memory that lists events, and the part of Airflow that runs event triggers; both can crash."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.events import trigger as triggers
from airflow_provider_workflows.core.events.feed import NOW, Batch, Cursor, Feed, Occurrence
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.serialization import import_string


@dataclass
class FakeVendor:
    """
    A vendor that lists events.

    :param events: ids of all events so far
    :param errors: raised by the next reads, one each
    """

    events: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    troubles: tuple[str, ...] = ()
    reads: int = 0


#: The one vendor; each test clears it.
VENDOR = FakeVendor()


class FakeHook:
    """Runs an operation on the vendor in memory."""

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id

    async def aread(self, call: Callable[[FakeVendor], Operation[Any]], *, ahead: str = "any") -> Any:
        VENDOR.reads += 1
        if VENDOR.errors:
            raise VENDOR.errors.pop(0)
        operation = call(VENDOR)
        try:
            next(operation)
        except StopIteration as end:
            return end.value
        raise AssertionError("the feed's operations yield no step")


@dataclass(frozen=True, kw_only=True)
class EventFeed(Feed):
    """All events of the vendor, two at a time; the facts of an event change with each read."""

    start: str = NOW
    most: int = 2

    hook_class: ClassVar[str] = f"{FakeHook.__module__}.{FakeHook.__qualname__}"

    def __str__(self) -> str:
        return "events"

    def first(self, api: FakeVendor) -> Operation[Cursor]:
        return {"position": len(api.events) if self.start == NOW else 0}
        yield

    def read(self, api: FakeVendor, cursor: Cursor) -> Operation[Batch]:
        position = cursor["position"]
        new = api.events[position : position + self.most]
        found = tuple(Occurrence(occurrence_id=one, facts={"read_number": api.reads}) for one in new)
        return Batch(occurrences=found, cursor={"position": position + len(new)}, troubles=api.troubles)
        yield


class Killed(BaseException):
    """The process is killed where this is raised."""


class Idle(BaseException):
    """The trigger has gone to sleep."""


class Store:
    """One asset's state store, of which writes can fail or kill."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        #: What befalls the coming writes: an error before the write, :class:`Killed` after it, or None.
        self.fates: list[BaseException | None] = []

    async def aget(self, key: str) -> Any:
        return json.loads(self.values[key]) if key in self.values else None

    async def aset(self, key: str, value: Any) -> None:
        fate = self.fates.pop(0) if self.fates else None
        if isinstance(fate, Exception):
            raise fate
        self.values[key] = json.dumps(value)
        if fate is not None:
            raise fate

    @property
    def record(self) -> Any:
        """The one record in it."""
        (value,) = self.values.values()
        return json.loads(value)


class Triggerer:
    """
    Runs one event trigger as Airflow does: through its row, anew after each end, its events written last.

    :param assets: names of the assets that the trigger's row belongs to; none for an Airflow without store
    """

    def __init__(self, trigger: FeedTrigger, *assets: str) -> None:
        self.path, kwargs = trigger.serialize()
        self.kwargs = json.dumps(kwargs)
        self.stores = {name: Store() for name in assets}
        self.trigger_id = 1
        #: Occurrences told by the asset events in the database.
        self.events: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.restart()

    def restart(self) -> None:
        """Begin a new process, which remembers nothing."""
        triggers._sent.clear()
        triggers._checkpoints.clear()
        triggers._warned_at.clear()

    def run(self, *, looks: int = 1, killed: bool = False) -> bool:
        """
        Run one instance until it ends, and write its events down; return whether it has ended.

        :param looks: how many times it may go to sleep before it is let be
        :param killed: the process dies when the events are on their way
        """
        sent, alive = asyncio.run(self._instance(looks))
        if alive is None or killed:
            self.restart()
            return False
        self.events += [
            {**one, "conn_id": payload["conn_id"]} for payload in sent for one in payload["occurrences"]
        ]
        return alive

    def run_all(self) -> None:
        """Run instances until one finds nothing."""
        while self.run(looks=2):
            assert len(self.events) < 1000, "it never ends"

    async def _instance(self, looks: int) -> tuple[list[dict[str, Any]], bool | None]:
        trigger = import_string(self.path)(**json.loads(self.kwargs))
        trigger.trigger_id = self.trigger_id
        trigger.asset_state_store = SimpleNamespace(_by_name=self.stores) if self.stores else None
        left = [looks]

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(0)
            self.slept.append(seconds)
            left[0] -= 1
            if not left[0]:
                raise Idle

        sent: list[dict[str, Any]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(triggers, "asyncio", SimpleNamespace(sleep=sleep))
            try:
                async for event in trigger.run():
                    sent.append(json.loads(json.dumps(event.payload)))
            except Idle:
                return sent, False
            except Killed:
                return [], None
        return sent, True
