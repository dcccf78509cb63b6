"""A vendor in memory that rings bells, and the part of Airflow that runs event triggers; both can crash."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.base import event_trigger
from airflow_provider_workflows.base.event_trigger import FeedTrigger
from airflow_provider_workflows.base.feed import NOW, Batch, Cursor, Feed, Occurrence
from airflow_provider_workflows.base.stored import import_string
from airflow_provider_workflows.protocol.operation import Operation


@dataclass
class Tower:
    """What has rung, and what is wrong with the tower: the next answers are these errors."""

    rung: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    troubles: tuple[str, ...] = ()
    reads: int = 0


#: The one tower; a test clears it.
TOWER = Tower()


class BellHook:
    """Climbs the tower."""

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id

    async def aread(self, call: Callable[[Tower], Operation[Any]]) -> Any:
        TOWER.reads += 1
        if TOWER.errors:
            raise TOWER.errors.pop(0)
        operation = call(TOWER)
        try:
            next(operation)
        except StopIteration as end:
            return end.value
        raise AssertionError("a bell asks for nothing")


@dataclass(frozen=True, kw_only=True)
class Rings(Feed):
    """All rings of the tower, two at a time; what it tells of each changes with each look."""

    start: str = NOW
    most: int = 2

    hook_class: ClassVar[str] = f"{BellHook.__module__}.{BellHook.__qualname__}"

    def __str__(self) -> str:
        return "rings"

    def first(self, api: Tower) -> Operation[Cursor]:
        return {"heard": len(api.rung) if self.start == NOW else 0}
        yield

    def read(self, api: Tower, cursor: Cursor) -> Operation[Batch]:
        heard = cursor["heard"]
        new = api.rung[heard : heard + self.most]
        found = tuple(Occurrence(occurrence_id=ring, facts={"told_at_look": api.reads}) for ring in new)
        return Batch(occurrences=found, cursor={"heard": heard + len(new)}, troubles=api.troubles)
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
        event_trigger._sent.clear()
        event_trigger._remembered.clear()
        event_trigger._said.clear()

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
            patch.setattr(event_trigger, "asyncio", SimpleNamespace(sleep=sleep))
            try:
                async for event in trigger.run():
                    sent.append(json.loads(json.dumps(event.payload)))
            except Idle:
                return sent, False
            except Killed:
                return [], None
        return sent, True
