"""What an effect is by itself, and how a run's condition becomes its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.base.decision import CannotKnow, Run, RunState
from airflow_provider_workflows.base.effect import Effect, Start
from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.record import Record
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    RunFailed,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Operation

RECORD = Record(mark="m", generation=0)


class Push(Effect):
    """The least that a room can write."""

    subject = "the push of an order"

    def submit(self, record: Record, *, again: bool) -> int:
        return 7


class TestMove:
    def test_it_cannot_be_found_unless_the_room_says_how(self) -> None:
        trace = Push().look_up(RECORD)
        assert isinstance(trace, CannotKnow)
        assert not trace.may_change, "waiting would be for nothing"

    def test_one_that_was_made_has_ended_well(self) -> None:
        assert Push().state(7) == RunState(Run.SUCCEEDED)

    def test_nothing_is_read_before_and_an_id_is_taken_as_it_is(self) -> None:
        assert (Push().baseline(), Push().adopt("7"), Push().carries_mark) == (None, "7", False)


@dataclass(frozen=True, kw_only=True)
class Scripted(Condition):
    """A condition that comes out as the test says."""

    hook_class: ClassVar[str] = ""
    order: int

    def check(self, api: dict[int, Any]) -> Operation[Pending | Done]:
        yield from ()
        outcome: Pending | Done | WorkflowError = api[self.order]
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    @property
    def remote_id(self) -> str:
        return str(self.order)

    def __str__(self) -> str:
        return f"order {self.order}"


class Orders(WorkflowHook[dict[int, Any]]):
    """A hook on a table of outcomes instead of a server."""

    def __init__(self, api: dict[int, Any]) -> None:
        super().__init__("none")
        self.api = api

    def make_api(self, settings: Any) -> dict[int, Any]:
        return self.api

    def probe(self, api: Any) -> Any:
        raise NotImplementedError

    def run(self, call: Any, *, deadline: float | None = None) -> Any:
        operation = call(self.api)
        with pytest.raises(StopIteration) as end:
            next(operation)
        return end.value.value


class Opening(Start):
    subject = "an order"

    def submit(self, record: Record, *, again: bool) -> int:
        return 7

    def end(self, id: Any) -> Scripted:
        return Scripted(order=id)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Done("closed"), RunState(Run.SUCCEEDED)),
        (Pending("at the stop 'check'"), RunState(Run.ALIVE, "at the stop 'check'")),
        (RunFailed("refused by Ada", code=4), RunState(Run.FAILED, "refused by Ada")),
        (NotFound("there is no order 7"), RunState(Run.GONE, "there is no order 7")),
    ],
)
def test_a_run_stands_as_its_condition_says(outcome: Any, state: RunState) -> None:
    assert Opening(Orders({7: outcome})).state(7) == state


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailable("down"),
        UnreadableAnswer("HTML"),
        AuthenticationFailed("no"),
        PermissionDenied("not yours"),
        Rejected("no"),
    ],
)
def test_what_says_nothing_of_the_run_is_no_state(error: WorkflowError) -> None:
    with pytest.raises(type(error)):
        Opening(Orders({7: error})).state(7)
