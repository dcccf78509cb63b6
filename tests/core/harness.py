"""
Airflow's part in a test: it runs a task through retries, reschedules and deferrals, and keeps what lasts.

Nothing here knows how the package waits. A task is made anew for each process that Airflow would start; what
passes from one to the next goes through JSON, as it does on its way through Airflow's database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.submission import terms
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter
from airflow_provider_workflows.core.waiting import poller, together, trigger
from airflow_provider_workflows.core.waiting.poller import hand_over_lag
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.testing import forget_connections
from tests.core.airflow_names import AirflowRescheduleException, TaskDeferred, deserialize, serialize
from tests.core.channels import carried


class Clock:
    """
    A time that passes only when someone sleeps, and the sandbox's clock along with it.

    It stands in for the standard library's ``time`` and ``asyncio`` where the package waits, so that an hour
    of waiting takes a second of testing; the HTTP libraries keep the real time.
    """

    def __init__(self, control: Control | None = None) -> None:
        self._control = control
        self._now = time.time()
        self._plans: list[tuple[float, Callable[[], object]]] = []
        self.slept: list[float] = []

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def boottime(self) -> float:
        return self._now

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan what happens in the world while the package sleeps."""
        self._plans.append((self._now + seconds, action))
        self._plans.sort(key=lambda plan: plan[0])

    def sleep(self, seconds: float) -> None:
        assert len(self.slept) < 2000, "this wait never ends"
        self.slept.append(seconds)
        self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Sleep within one call to a vendor; that is not listed as slept."""
        assert seconds >= 0
        end = self._now + seconds
        while self._plans and self._plans[0][0] <= end:
            date, action = self._plans.pop(0)
            self._pass(date)
            action()
        self._pass(end)

    def _pass(self, date: float) -> None:
        if self._control is not None and date > self._now:
            self._control.advance(date - self._now)
        self._now = max(self._now, date)

    async def asleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.sleep(seconds)

    async def await_first(self, futures: Iterable[asyncio.Future[Any]], **how: float) -> None:
        """Sleep, unless what is waited for is there already."""
        await asyncio.sleep(0)
        if not any(one.done() for one in futures):
            self.sleep(how["timeout"])

    async def apause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.pause(seconds)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """Stand in for the standard library in the modules that wait, and for a submission's clock."""
        for adapter, pause in ((RequestsAdapter, self.pause), (AiohttpAdapter, self.apause)):
            monkeypatch.setitem(adapter.__init__.__kwdefaults__ or {}, "sleep", pause)
        for module in (poller, trigger, together):
            monkeypatch.setattr(module, "time", self)
        monkeypatch.setattr(terms.current, "clock", self)
        waiting = SimpleNamespace(**{**vars(asyncio), "sleep": self.asleep, "wait": self.await_first})
        for module in (trigger, together):
            monkeypatch.setattr(module, "asyncio", waiting)
        return self


@dataclass
class TaskInstance:
    """What the package asks of Airflow's ``ti``."""

    task_id: str = "task"
    dag_id: str = "dag"
    run_id: str = "run"
    try_number: int = 1
    max_tries: int = 0
    map_index: int = -1
    state: str = "running"
    first_reschedule: datetime | None = None
    xcoms: dict[str, Any] = field(default_factory=dict)
    id: str = "018f0000-0000-7000-8000-000000000001"

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = carried(value)

    def xcom_pull(self, task_ids: Any, key: str = "return_value", **how: Any) -> Any:
        assert (task_ids, how["map_indexes"]) == (self.task_id, self.map_index), "another task's"
        return self.xcoms.get(key)

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first_reschedule


class StateStore:
    """Airflow's task state store: JSON values that outlive an attempt. ``failing`` makes writes fail."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.failing = 0

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the API server is away")
        self.values[key] = json.dumps(carried(value))

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


class Runner:
    """
    Runs one task instance as Airflow does.

    :param make_task: makes the task, as each new process does by parsing the DAG file
    :param clock: moved to the date of a reschedule; real time if None
    :param store: False for Airflow before 3.3
    """

    def __init__(
        self, make_task: Callable[[], BaseOperator], *, clock: Clock | None = None, store: bool = True
    ) -> None:
        self.make_task = make_task
        self._clock = clock
        self.ti = TaskInstance()
        self.store = StateStore() if store else None
        self.reschedules: list[float] = []
        self.deferrals: list[TaskDeferred] = []
        self.triggers: list[str] = []
        self.events: list[dict[str, Any]] = []

    @property
    def context(self) -> Any:
        known = {"ti": self.ti}
        return known if self.store is None else {**known, "task_state_store": self.store}

    def run(self) -> Any:
        """Run one attempt to its end; what the task raises for good is raised."""
        step: Callable[[], Any] = self._execute
        while True:
            try:
                result = step()
                carried(result)
                return result
            except AirflowRescheduleException as again:
                self._until(again.reschedule_date.timestamp())
                step = self._execute
            except TaskDeferred as deferred:
                step = self._resume(deferred)

    def begin(self) -> Any:
        """Run an attempt as far as its first process goes."""
        return self._execute()

    def answered(self, event: object) -> Any:
        """Go on with an answer to the question that the task has asked."""
        task = self.make_task()
        return task.resume_execution("answered", {"event": event}, self.context)

    def retry(self) -> Any:
        """Run the next attempt of the same generation."""
        self.ti.try_number += 1
        self.ti.first_reschedule = None
        self.ti.xcoms.clear()
        return self.run()

    def clear(self) -> Any:
        """Run the first attempt after a Clear, which raises ``max_tries``."""
        self.ti.max_tries = self.ti.try_number
        return self.retry()

    def _execute(self) -> Any:
        forget_connections()
        return self.make_task().execute(self.context)

    def _until(self, date: float) -> None:
        assert self._clock is not None
        now = self._clock.time()
        # Dates know microseconds only.
        assert date >= now + hand_over_lag() - 1e-3, "Airflow may fail what resumes so soon"
        self.reschedules.append(date)
        self.ti.first_reschedule = self.ti.first_reschedule or datetime.fromtimestamp(now, tz=UTC)
        self._clock.sleep(date - now)

    def _resume(self, deferred: TaskDeferred) -> Callable[[], Any]:
        begun = self._now()
        self.deferrals.append(deferred)
        path, kwargs = deferred.trigger.serialize()
        self.triggers.append(json.dumps(serialize(kwargs)))
        rebuilt = import_string(path)(**cast("dict[str, Any]", deserialize(json.loads(self.triggers[-1]))))
        event = run_trigger(rebuilt)
        assert self._now() >= begun + hand_over_lag() - 1e-3, "the old process may not be gone yet"
        self.events.append(carried(event))
        arguments = {"event": self.events[-1], **(deferred.kwargs or {})}
        forget_connections()
        return lambda: self.make_task().resume_execution(deferred.method_name, arguments, self.context)

    def _now(self) -> float:
        return time.time() if self._clock is None else self._clock.time()


def run_trigger(one: BaseTrigger) -> Any:
    """Run a trigger on a loop of its own, and return the payload of its first event."""

    async def first() -> Any:
        events = one.run()
        event = cast("TriggerEvent", await anext(events))
        await events.aclose()  # type: ignore[attr-defined]
        return event.payload

    return asyncio.run(first())


@contextmanager
def raised(kind: type[BaseException]) -> Iterator[list[BaseException]]:
    """Expect exactly this class of exception, and hand it over: parity is about classes, not families."""
    caught: list[BaseException] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    assert [type(error) for error in caught] == [kind]
