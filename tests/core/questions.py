"""Airflow's side of a question to a person, for tests: it notes what is asked, and hands answers over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_provider_workflows.core.runtime.versions import exceptions
from tests.core.airflow_names import TaskDeferred

#: Whether a task that asks is parked, as from Airflow 3.3 on; before, it defers.
PARKS = hasattr(exceptions, "TaskAwaitingInput")
PARKED: type[BaseException] = getattr(exceptions, "TaskAwaitingInput", TaskDeferred)


@dataclass
class Questions:
    """What a task instance has asked, each time anew."""

    asked: list[Any] = field(default_factory=list)

    def send(self, msg: Any) -> None:
        """Take a message of the task to its supervisor."""
        assert type(msg).__name__ == "CreateHITLDetailPayload"
        self.asked.append(msg)


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Questions:
    """Airflow's side of the questions of one task instance."""
    found = Questions()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", found, raising=False)
    return found


def parked(step: Callable[[], Any]) -> Any:
    """Return how a step parked or deferred its task."""
    with pytest.raises(PARKED) as caught:
        step()
    how: Any = caught.value
    assert how.method_name == "answered"
    return how


def answer(option: Any, id: Any = None) -> dict[str, Any]:
    """Return the event by which Airflow hands an answer over."""
    return {
        "chosen_options": [option],
        "params_input": {} if id is None else {"id": id},
        "responded_at": datetime(2026, 12, 1, 4, tzinfo=UTC),
        "responded_by_user": {"id": "7", "name": "Ada"},
    }
