"""The table: every memory, run, look-up and policy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product
from typing import Any, NamedTuple, get_args

import pytest

from airflow_provider_workflows.core.submission.decision import Action, Memory, decide
from airflow_provider_workflows.core.submission.effect import Found, NotSent, Run, Unknown
from airflow_provider_workflows.core.submission.terms import OnClear, OnFailedRun, OnLostAnswer, Policy
from airflow_provider_workflows.exceptions import Conflict

RESULTS: dict[str, Any] = {
    "nobody looked": None,
    "found": Found("run-1"),
    "absent": NotSent(),
    "cannot know": Unknown("it has no search"),
    "cannot know yet": Unknown("it is not shown yet", may_change=True),
    "forbidden": Unknown("there are two", forbids=Conflict("there are two")),
}
POLICIES = [
    Policy(on_lost_answer=lost, on_failed_run=failed, on_clear=clear)
    for lost, failed, clear in product(get_args(OnLostAnswer), get_args(OnFailedRun), get_args(OnClear))
]
ANY_RUN, ANY_RESULT = tuple(Run), tuple(RESULTS)
DOUBTS = ("nobody looked", "cannot know", "cannot know yet")


class Row(NamedTuple):
    """A row of the plan's table; ``where`` names the policy it holds for, if not for all."""

    memory: str
    runs: Collection[Any]
    results: Collection[str]
    where: str
    action: str


#: The plan's table, row by row: "a new attempt finds … it …".
TABLE = [
    Row("NOTHING", ANY_RUN, ANY_RESULT, "", "START"),
    Row("OURS", ["ALIVE", "UNKNOWN"], ANY_RESULT, "", "ATTACH"),
    Row("OURS", ["SUCCEEDED"], ANY_RESULT, "", "ATTACH"),
    Row("OURS", ["FAILED"], ANY_RESULT, "on_failed_run=fail", "STOP_AT_FAILURE"),
    Row("OURS", ["FAILED"], ANY_RESULT, "on_failed_run=rerun", "START"),
    Row("OURS", ["GONE"], ANY_RESULT, "", "STOP_AT_GAP"),
    Row("INTENT", ANY_RUN, ["found"], "", "ATTACH"),
    Row("INTENT", ANY_RUN, ["absent"], "", "START"),
    Row("INTENT", ANY_RUN, DOUBTS, "on_lost_answer=fail", "STOP_IN_DOUBT"),
    Row("INTENT", ANY_RUN, DOUBTS, "on_lost_answer=ask", "STOP_IN_DOUBT"),
    Row("INTENT", ANY_RUN, DOUBTS, "on_lost_answer=resubmit", "START"),
    Row("INTENT", ANY_RUN, ["forbidden"], "", "STOP_IN_DOUBT"),
    Row("EARLIER", ["ALIVE", "UNKNOWN"], ANY_RESULT, "on_clear=attach", "ATTACH"),
    Row("EARLIER", ["ALIVE", "UNKNOWN", "GONE"], ANY_RESULT, "on_clear=rerun", "START"),
    Row("EARLIER", ["GONE"], ANY_RESULT, "on_clear=attach", "STOP_AT_GAP"),
    Row("EARLIER", ["SUCCEEDED", "FAILED"], ANY_RESULT, "", "START"),
]


def cases() -> Iterator[tuple[Memory, Run, str, Policy]]:
    return product(Memory, Run, RESULTS, POLICIES)


def act(memory: Memory, run: Run, result: str, policy: Policy) -> Action:
    return decide(memory, run=run, result=RESULTS[result], policy=policy)


def holds(row: Row, memory: Memory, run: Run, result: str, policy: Policy) -> bool:
    field, _, value = row.where.partition("=")
    return (
        row.memory == memory.name
        and (run in row.runs or run.name in row.runs)
        and result in row.results
        and (not field or getattr(policy, field) == value)
    )


def test_every_case_is_as_the_plan_says() -> None:
    count = 0
    for case in cases():
        rows = [row for row in TABLE if holds(row, *case)]
        assert len(rows) == 1, f"the table itself is wrong about {case}"
        assert act(*case) is Action[rows[0].action], case
        count += 1
    assert count == 4 * 5 * 6 * 12


def test_a_run_of_ours_that_is_not_known_to_have_ended_gets_no_second_one() -> None:
    for memory, run, result, policy in cases():
        if memory is Memory.OURS and run in (Run.ALIVE, Run.UNKNOWN, Run.GONE):
            assert act(memory, run, result, policy) in (Action.ATTACH, Action.STOP_AT_GAP)


def test_a_doubt_starts_only_what_is_absent_or_what_the_user_wants_twice() -> None:
    for memory, run, result, policy in cases():
        if memory is Memory.INTENT and act(memory, run, result, policy) is Action.START:
            assert result == "absent" or (result in DOUBTS and policy.on_lost_answer == "resubmit")


def test_by_default_only_what_has_surely_ended_or_never_began_is_followed_by_another() -> None:
    starting = {
        (memory, run if memory in (Memory.OURS, Memory.EARLIER) else None, result)
        for memory, run, result, policy in cases()
        if policy == Policy() and act(memory, run, result, policy) is Action.START
    }
    assert {(memory, run) for memory, run, _ in starting if memory is not Memory.INTENT} == {
        (Memory.NOTHING, None),
        (Memory.EARLIER, Run.SUCCEEDED),
        (Memory.EARLIER, Run.FAILED),
    }
    assert {result for memory, _, result in starting if memory is Memory.INTENT} == {"absent"}


@pytest.mark.parametrize("memory", [Memory.NOTHING, Memory.INTENT])
def test_without_an_id_no_state_matters(memory: Memory) -> None:
    for result, policy in product(RESULTS, POLICIES):
        assert len({act(memory, run, result, policy) for run in Run}) == 1


@pytest.mark.parametrize("memory", [Memory.NOTHING, Memory.OURS, Memory.EARLIER])
def test_without_a_doubt_no_result_matters(memory: Memory) -> None:
    for run, policy in product(Run, POLICIES):
        assert len({act(memory, run, result, policy) for result in RESULTS}) == 1


def test_what_is_not_told_counts_as_not_known() -> None:
    assert decide(Memory.INTENT, policy=Policy()) is Action.STOP_IN_DOUBT
    assert decide(Memory.OURS, policy=Policy(on_failed_run="rerun")) is Action.ATTACH
    assert decide(Memory.EARLIER, policy=Policy()) is Action.ATTACH


def test_the_defaults_are_the_careful_ones() -> None:
    assert Policy() == Policy(on_lost_answer="fail", on_failed_run="fail", on_clear="attach")
