"""
A vendor, a network, a user and an Airflow that do their worst, against what must hold whatever they do.

Two sibling tasks share one vendor. Sendings take effect at once, late or never; their answers come or are
lost, or they are refused, or kill the process. The store fails or kills at any write, the vendor is down,
runs end well, badly or vanish, tasks are retried and cleared in any order, a person settles doubts.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_workflows.core.submission import log_lines
from airflow_provider_workflows.core.submission.effect import Run
from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.core.submission.terms import Policy
from airflow_provider_workflows.exceptions import (
    ConnectionFailed,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    RunFailed,
    Throttled,
    WorkflowError,
)
from tests.core.harness import Clock
from tests.core.vendor import LOST, SETTLE, Fate, Fault, Job, Killed, Opening, Task, Vendor, refused

NAMES = ("left", "right")
AWAY = ConnectionError("the API server is away")

in_flight = st.none() | st.sampled_from([0.0, 0.0, 1.5, SETTLE - 1])
fates = st.lists(
    st.builds(Fate)
    | st.builds(Fate, effect=in_flight, answer=st.sampled_from([LOST, Killed()]), takes=st.just(0.0))
    | st.builds(Fate, effect=st.sampled_from([0.0, 29.0, 60.0]), answer=st.just(LOST), takes=st.just(30.0))
    | st.sampled_from([refused(one) for one in (Rejected("no"), ConnectionFailed("no"), Throttled("no"))]),
    max_size=4,
)
faults = st.none() | st.builds(
    Fault,
    write=st.integers(min_value=1, max_value=6),
    written=st.booleans(),
    error=st.sampled_from([Killed(), AWAY]),
    times=st.sampled_from([1, 1, 3, 100]),
)
which = st.sampled_from(NAMES)
hows = st.sampled_from(["retry", "retry", "clear"])
blindness = st.sampled_from([0, 0, 0, 1, 3, 1000])


class Adversary(RuleBasedStateMachine):
    """What is common to all of them; a subclass names what the vendor can, and what the user wants."""

    findable: ClassVar[bool] = True
    lasting: ClassVar[bool] = True
    policy: ClassVar[Policy] = Policy()

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self.clock = Clock().install(self._patch)
        self._patch.setattr(log_lines.log, "disabled", True)  # most of the time would go there
        self.vendor = Vendor(self.clock)
        self.tasks = {
            name: Task(self.clock, name=name, lasting=self.lasting, policy=self.policy) for name in NAMES
        }
        #: Tasks of which something was sent, and neither its sender nor a person knows what became of it.
        self.doubts: set[str] = set()

    def teardown(self) -> None:
        self._patch.undo()

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self.tasks[name].ti.try_number = 0

    # What may happen.

    @rule(name=which, how=hows, fates=fates, fault=faults, blind=blindness)
    def attempt(self, name: str, how: str, fates: list[Fate], fault: Fault | None, blind: int) -> None:
        self.vendor.fates, self.vendor.blind = fates, blind
        self.tasks[name].store.fault = (
            None if fault is None else Fault(fault.write, fault.written, fault.error, fault.times)
        )
        self.outcome(name, how)
        self.vendor.fates, self.vendor.blind, self.tasks[name].store.fault = [], 0, None

    @rule(name=which, how=hows)
    def attempt_in_peace(self, name: str, how: str) -> None:
        """All goes well now: what was left behind is cleared up, or is a doubt that a person must settle."""
        doubted = self.is_intent(name)
        outcome = self.outcome(name, how)
        if isinstance(outcome, RunFailed):
            assert self.policy.on_failed_run == "fail"
        elif isinstance(outcome, LostTrack):
            assert any(job.run is Run.GONE for job in self.vendor.of(name))
        elif isinstance(outcome, OutcomeUnknown):
            assert doubted
            assert not self.findable
        elif isinstance(outcome, InvalidInput):  # an id that a person has written stays theirs to correct
            assert "A person wrote this id" in outcome.message
            assert any(job.run is Run.GONE for job in self.vendor.of(name))
        else:
            assert isinstance(outcome, int), outcome

    @rule(name=which, run=st.sampled_from([Run.SUCCEEDED, Run.FAILED, Run.GONE]))
    def run_ends(self, name: str, run: Run) -> None:
        for job in self.alive(name):
            job.run = run

    @rule(seconds=st.sampled_from([1.0, 30.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    # What must hold.

    def outcome(self, name: str, how: str) -> Any:
        """Run an attempt, check what it did, and return its result or error."""
        task, effect = self.tasks[name], Opening(self.vendor, name, findable=self.findable)
        sent = len(self.vendor.sent)
        try:
            result = getattr(task, how)(effect)
        except (WorkflowError, ConnectionError, Killed) as error:
            result = error
        self.check_sendings(name, sent)
        if not isinstance(result, BaseException):
            self.check_success(name, result)
        return result

    def check_sendings(self, name: str, before: int) -> None:
        """A second sending is no sooner than the first has settled, and no blind guess."""
        mine = [one for one in self.vendor.sent if one.owner == name]
        new = len(self.vendor.sent) - before
        for earlier, later in itertools.pairwise(mine):
            if earlier.given_up is not None and earlier.mark == later.mark:
                assert later.at >= earlier.given_up + SETTLE - 1e-3
        for one in mine[len(mine) - new :]:
            assert self.findable or name not in self.doubts or self.policy.on_lost_answer == "resubmit"
            if one.given_up is not None:
                self.doubts.add(name)

    def check_success(self, name: str, id: int) -> None:
        assert self.vendor.jobs[id].owner == name, "a task goes on with what is its own"
        if self.lasting:
            assert self.tasks[name].record["id"] == id
        self.doubts.discard(name)

    def is_intent(self, name: str) -> bool:
        record = self.tasks[name].record
        return isinstance(record, dict) and "id" not in record

    def alive(self, name: str) -> list[Job]:
        return [job for job in self.vendor.of(name) if job.run is Run.ALIVE]


class Careful(Adversary):
    """The defaults: there is never more than one that is alive."""

    @invariant()
    def one_at_most_is_alive(self) -> None:
        for name in NAMES:
            assert len(self.alive(name)) <= 1

    @invariant()
    def marks_are_used_once(self) -> None:
        marks = [job.mark for job in self.vendor.jobs.values()]
        assert len(set(marks)) == len(marks)


class FindableMachine(Careful):
    """A vendor that finds a run by its mark."""


class RerunMachine(Careful):
    """A run that ended badly is followed by another; only by one."""

    policy = Policy(on_failed_run="rerun")


class UnfindableMachine(Careful):
    """A vendor that cannot be asked; so a person is."""

    findable = False

    @rule(name=which, bare=st.booleans(), text=st.booleans())
    def person_looks_and_settles_the_doubt(self, name: str, bare: bool, text: bool) -> None:
        """What is there is handed over; for what is not, the record is deleted."""
        task = self.tasks[name]
        if not self.is_intent(name):
            return
        self.clock.sleep(SETTLE)
        mine = self.alive(name)
        if not mine:
            task.store.delete(KEY)
        else:
            id: Any = str(mine[0].id) if text else mine[0].id
            task.store.set(KEY, id if bare else {**task.record, "id": id})
        self.doubts.discard(name)


class ResubmitMachine(Adversary):
    """The user would rather have two than none: then nothing is stuck, and still nothing is sent too soon."""

    findable = False
    policy = Policy(on_lost_answer="resubmit")


class RerunOnClearMachine(Adversary):
    """The user wants another one with each Clear: there is one for each Clear at the most."""

    policy = Policy(on_clear="rerun")

    def __init__(self) -> None:
        super().__init__()
        self.clears = dict.fromkeys(NAMES, 1)

    def outcome(self, name: str, how: str) -> Any:
        self.clears[name] += how == "clear"
        return super().outcome(name, how)

    @invariant()
    def no_more_than_cleared(self) -> None:
        for name in NAMES:
            assert len(self.alive(name)) <= self.clears[name]


class WithoutStoreMachine(RerunOnClearMachine):
    """Airflow before 3.3: what carries a mark is there once for each Clear."""

    lasting = False
    policy = Policy()

    def check_success(self, name: str, id: int) -> None:
        super().check_success(name, id)
        mark = self.vendor.jobs[id].mark
        assert [job.id for job in self.vendor.jobs.values() if job.mark == mark] == [id]


def machine(cls: type[Adversary]) -> Any:
    case = cls.TestCase
    case.settings = settings(
        max_examples=100,
        stateful_step_count=14,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    return case


TestFindable = machine(FindableMachine)
TestRerun = machine(RerunMachine)
TestUnfindable = machine(UnfindableMachine)
TestResubmit = machine(ResubmitMachine)
TestRerunOnClear = machine(RerunOnClearMachine)
TestWithoutStore = machine(WithoutStoreMachine)
