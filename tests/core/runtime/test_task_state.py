"""What a task remembers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.versions import NEVER_EXPIRE
from tests.core.harness import StateStore, TaskInstance


def state(store: Any = None, **ti: Any) -> TaskState:
    known = {"ti": TaskInstance(**ti)}
    return TaskState(known if store is None else {**known, "task_state_store": store})


def test_generation_and_attempt() -> None:
    found = state(StateStore(), max_tries=3, try_number=2)
    assert (found.generation, found.attempt, found.lasting) == (3, 2, True)


def test_without_a_task_instance() -> None:
    assert (TaskState({}).generation, TaskState({}).attempt, TaskState({}).lasting) == (0, 0, False)


def test_a_record_carries_its_generation() -> None:
    store = StateStore()
    state(store, max_tries=3).save("key", {"a": 1})
    assert state(store, max_tries=4).load("key") == {"a": 1, "generation": 3}


def test_a_record_never_expires() -> None:
    kept: list[timedelta | None] = []

    class Watched(StateStore):
        def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
            kept.append(retention)

    state(Watched()).save("key", {})
    # None stands for Airflow's default of 30 days; where there is no store, there is no constant either.
    assert kept == [NEVER_EXPIRE]


def test_forgetting() -> None:
    store = StateStore()
    state(store).save("key", {"a": 1})
    state(store).forget("key")
    state(store).forget("key")
    assert state(store).load("key") is None


@pytest.mark.parametrize("value", ["text", 7, [1], {"a": 1}])
def test_what_somebody_else_wrote_is_read_as_it_is(value: Any) -> None:
    store = StateStore()
    store.set("key", value)
    assert state(store).load("key") == value


def test_a_new_name_keeps_everything_the_generation_too() -> None:
    store = StateStore()
    state(store, max_tries=3).save("old", {"a": 1})
    assert state(store, max_tries=4).rename("old", "new") == {"a": 1, "generation": 3}
    assert store.values.keys() == {"new"}
    assert state(store).load("new") == {"a": 1, "generation": 3}
    assert state(store).rename("old", "new") is None
    assert state(store).load("new") == {"a": 1, "generation": 3}, "there was none to rename"


def test_before_airflow_3_3_nothing_is_remembered() -> None:
    found = state()
    found.save("key", {"a": 1})
    found.rename("key", "other")
    found.forget("key")
    assert found.load("key") is None
    assert not found.lasting
