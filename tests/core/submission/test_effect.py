"""What an effect is by itself, and how a run's condition becomes its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import Effect, Run, RunState, Start, Unknown
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    RunFailed,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)
from tests.core.vendor import ORDER

RECORD = Record(mark="m", generation=0)


def done(operation: Operation[Any]) -> Any:
    """Return the result of an operation that asks for nothing."""
    with pytest.raises(StopIteration) as end:
        next(operation)
    return end.value.value


class Push(Effect[None]):
    """The least that a vendor's folder can write."""

    subject = "the push of an order"
    words = ORDER
    carries_mark = False
    repeatable = False

    def submit(self, api: None, record: Record, *, again: bool) -> Operation[int]:
        yield from ()
        return 7


class TestMove:
    def test_it_cannot_be_found_unless_the_room_says_how(self) -> None:
        result = done(Push().look_up(None, RECORD))
        assert isinstance(result, Unknown)
        assert not result.may_change, "waiting would be for nothing"

    def test_one_that_was_made_has_ended_well(self) -> None:
        assert done(Push().state(None, 7)) == RunState(Run.SUCCEEDED)

    def test_nothing_is_read_before_and_an_id_is_taken_as_it_is(self) -> None:
        push = Push()
        assert (done(push.baseline(None)), done(push.check_id(None, "7"))) == (None, "7")


@pytest.mark.parametrize("name", ["carries_mark", "repeatable"])
def test_what_decides_over_a_retry_has_no_default(name: str) -> None:
    declared: dict[str, Any] = {"carries_mark": False, "repeatable": False, "submit": Push.submit}
    del declared[name]
    with pytest.raises(TypeError, match=f"abstract.*{name}"):
        type("Silent", (Effect,), declared)()


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_retry_is_safe_if_it_finds_the_mark_or_does_no_harm(marked: bool, repeatable: bool) -> None:
    declared = {"carries_mark": marked, "repeatable": repeatable, "submit": Push.submit}
    effect: Effect[None] = type("Declared", (Effect,), declared)()
    assert effect.retry_is_safe is (marked or repeatable)


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


class Opening(Start[dict[int, Any]]):
    subject = "an order"
    words = ORDER
    carries_mark = False
    repeatable = False

    def submit(self, api: dict[int, Any], record: Record, *, again: bool) -> Operation[int]:
        yield from ()
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
    assert done(Opening().state({7: outcome}, 7)) == state


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
        next(Opening().state({7: error}, 7))
