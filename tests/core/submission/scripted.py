"""
A world in which everything is written down beforehand, for driving the engine through every case.

A case is a memory, what the vendor shows at each look and answers at each sending, a policy, a deadline, and
a fault of the store. :func:`run_case` returns what the engine did, in one line.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Run,
    RunState,
    Unknown,
)
from airflow_provider_workflows.core.submission.record import KEY, Record, fingerprint
from airflow_provider_workflows.core.submission.runner import Submission
from airflow_provider_workflows.core.submission.terms import Policy, options
from airflow_provider_workflows.exceptions import (
    Conflict,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    Throttled,
    WorkflowError,
)
from tests.core.harness import Clock, StateStore, TaskInstance
from tests.core.vendor import ORDER, MemoryHook

SETTLE = 60.0
#: Unix time at which each case begins.
BEGIN = 1_800_000_000.0


class Died(BaseException):
    """The process ends here."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """
    One case.

    :param memory: one of :data:`MEMORIES`
    :param looks: what each look shows; the last of them for ever
    :param sends: what comes of each sending; then ``ok``
    :param policy: letters: ``r`` for resubmit, ``f`` for rerun after a failure, ``c`` for rerun after a Clear
    :param left: seconds until the deadline; None for no end
    :param fault: what the n-th write does: ``n!`` fails, ``n?`` fails although it is written, ``n*`` and all
        later ones fail, ``n+`` ends the process after it; empty for none
    :param marked: whether the vendor is given the mark
    """

    memory: str
    looks: tuple[str, ...] = ("absent",)
    sends: tuple[str, ...] = ()
    policy: str = ""
    left: float | None = None
    fault: str = ""
    marked: bool = True

    def __str__(self) -> str:
        parts = (
            self.memory,
            "" if self.marked else "unmarked",
            "" if self.left is None else f"{self.left:g}s left",
            f"policy {self.policy}" if self.policy else "",
            f"looks {' '.join(self.looks)}",
            f"sends {' '.join(self.sends)}" if self.sends else "",
            f"store {self.fault}" if self.fault else "",
        )
        return "; ".join(filter(None, parts))


@dataclass
class World:
    """What happens in a case, and what has been seen of it."""

    case: Case
    clock: Clock
    seen: list[str] = field(default_factory=list)
    looks: int = 0
    sends: int = 0

    def tell(self, what: str) -> None:
        """Note what happened, and when if time has passed."""
        self.seen.append(f"{what}@{self.clock.time() - BEGIN:.0f}")

    def story(self) -> str:
        """Return what has been seen; looks that follow one another as one."""
        told: list[str] = []
        for what, group in itertools.groupby(self.seen, key=lambda one: one.partition("@")[0]):
            times = [one.partition("@")[2] for one in group]
            if what == "look" and len(times) > 1:
                told.append(f"{len(times)} looks@{times[0]}..{times[-1]}")
            else:
                told += [f"{what}@{time}" for time in times]
        return ", ".join(told) or "nothing"

    def look(self) -> str:
        """Return what the vendor shows now."""
        shown = self.case.looks[min(self.looks, len(self.case.looks) - 1)]
        self.looks += 1
        self.tell("look")
        return shown

    def send(self, record: Any, *, again: bool) -> str:
        """Return what comes of a sending."""
        answer = self.case.sends[self.sends] if self.sends < len(self.case.sends) else "ok"
        self.sends += 1
        self.tell(f"{'resend' if again else 'send'}({'same' if record.mark == 'af-old' else 'new'} mark)")
        return answer


class ScriptedStore(StateStore):
    """A state store with a planned fault."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._writes = 0

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Write, or fail as planned."""
        kind = "id" if "id" in value else "lost" if "lost_at" in value else "intent"
        self._write(f"save {kind}", lambda: StateStore.set(self, key, value, retention=retention))

    def delete(self, key: str) -> None:
        """Forget, or fail as planned."""
        self._write("forget", lambda: StateStore.delete(self, key))

    def _write(self, what: str, write: Any) -> None:
        self._writes += 1
        fault = self._world.case.fault
        number, how = int(fault[:-1] or 0) if fault else 0, fault[-1:]
        strikes = number == self._writes or (how == "*" and number <= self._writes)
        if not strikes or how in "?+":
            write()
        self._world.tell(f"{what}{' fails' if strikes and how != '+' else ''}")
        if strikes:
            raise Died if how == "+" else ConnectionError("the API server is away")


def record_of(case: Case, **more: Any) -> dict[str, Any]:
    """Return a record that an earlier attempt has left."""
    where = MemoryHook().where
    known = Record(
        mark="af-old",
        generation=more.pop("generation", 1),
        subject=Scripted.subject,
        target=fingerprint([where, Scripted.subject], mark="af-old"),
        mark_place=fingerprint([Scripted.subject, Scripted.mark_place], mark="af-old") if case.marked else "",
        intended_at=BEGIN - 600,
        baseline={"read": 0},
        **more,
    )
    return known.to_json()


def accepted(case: Case, **more: Any) -> dict[str, Any]:
    """Return a record whose id is known."""
    seal = fingerprint(7, mark="af-old")
    return record_of(case, id=7, accepted_at=BEGIN - 500, seal=seal, **more)


#: What the store holds; the state of the run behind an id comes after the dash.
MEMORIES: dict[str, Any] = {
    "nothing": lambda case: None,
    "intent": record_of,
    "lost": lambda case: record_of(case, lost_at=BEGIN - 550),
    "earlier intent": lambda case: record_of(case, generation=0),
    "intent elsewhere": lambda case: {**record_of(case), "target": "sha256:other"},
    "misplaced intent": lambda case: {**record_of(case), "mark_place": "sha256:other"},
    **{f"id-{run}": accepted for run in ("alive", "well", "badly", "gone", "down", "refused")},
    **{
        f"earlier id-{run}": lambda case: accepted(case, generation=0)
        for run in ("alive", "well", "badly", "gone", "down", "refused")
    },
    "id elsewhere": lambda case: {**accepted(case), "target": "sha256:other"},
    **{
        f"handed over-{run}": lambda case: {**record_of(case), "id": 7}
        for run in ("alive", "well", "badly", "gone", "down")
    },
    "unreadable": lambda case: {"format": 99},
    "no store": lambda case: None,
    "no store, retry": lambda case: None,
}
RUNS = {"alive": Run.ALIVE, "well": Run.SUCCEEDED, "badly": Run.FAILED, "gone": Run.GONE}
LOOKS: dict[str, Any] = {
    "found": lambda: Found(8),
    "absent": NotSent,
    "unknown": lambda: Unknown("it cannot be told"),
    "later": lambda: Unknown("it is not shown yet", may_change=True),
    "forbidden": lambda: Unknown("there are two", forbids=Conflict("there are two")),
}
ERRORS: dict[str, Any] = {
    "down": lambda: ServiceUnavailable("the vendor is down"),
    "refused": lambda: Rejected("the vendor refuses"),
    "lost": lambda: OutcomeUnknown("no answer came"),
    "noted": lambda: OutcomeUnknown("no answer came", note="noted"),
    "throttled": lambda: Throttled("too many"),
    "dies": Died,
}


class Scripted(Effect[None]):
    """Does as the case says."""

    subject = "an order"
    words = ORDER
    mark_place = "an order in the list"
    begins_run: ClassVar[bool] = True
    carries_mark: bool = True
    repeatable = False

    def __init__(self, world: World) -> None:
        self.carries_mark = world.case.marked
        self._world = world

    def baseline(self, api: None) -> Operation[Any]:
        yield from ()
        self._world.tell("read")
        return {"read": 1}

    def submit(self, api: None, record: Record, *, again: bool) -> Operation[int]:
        yield from ()
        answer = self._world.send(record, again=again)
        if answer in ERRORS:
            raise ERRORS[answer]()
        return 9

    def look_up(self, api: None, record: Record) -> Operation[LookupResult]:
        yield from ()
        shown = self._world.look()
        if shown in ERRORS:
            raise ERRORS[shown]()
        result: LookupResult = LOOKS[shown]()
        return result

    def state(self, api: None, id: Any) -> Operation[RunState]:
        yield from ()
        self._world.tell("state")
        run = self._world.case.memory.partition("-")[2]
        if run in ERRORS:
            raise ERRORS[run]()
        return RunState(RUNS[run], "as it is")

    def check_id(self, api: None, id: Any) -> Operation[int]:
        yield from ()
        if not isinstance(id, int):
            raise InvalidInput("no id")
        return id


def run_case(case: Case) -> str:
    """Run a case, and return what was done, what came of it, and what the store holds."""
    clock = Clock()
    clock._now = BEGIN
    world = World(case, clock)
    store = ScriptedStore(world)
    if (memory := MEMORIES[case.memory](case)) is not None:
        StateStore.set(store, KEY, memory)
    retry = case.memory not in ("nothing", "no store")
    ti = TaskInstance(dag_id="dag", task_id="task", try_number=2 if retry else 1, max_tries=1)
    context: dict[str, Any] = {"ti": ti}
    if not case.memory.startswith("no store"):
        context["task_state_store"] = store
    hook: Any = MemoryHook()
    timing: Any = clock
    deadline = float("inf") if case.left is None else BEGIN + case.left
    with options(clock=timing):
        submission = Submission(
            context, Scripted(world), hook, policy=policy_of(case), settle=SETTLE, deadline=deadline
        )
        try:
            outcome = f"id {submission.run().id}"
        except (WorkflowError, ConnectionError, Died) as error:
            outcome = type(error).__name__
    return f"{world.story()} -> {outcome}; {kept(TaskState(context).load(KEY))}"


def policy_of(case: Case) -> Policy:
    return Policy(
        on_lost_answer="resubmit" if "r" in case.policy else "fail",
        on_failed_run="rerun" if "f" in case.policy else "fail",
        on_clear="rerun" if "c" in case.policy else "attach",
    )


def kept(value: Any) -> str:
    """Return what the store holds in the end, in words."""
    if value is None:
        return "nothing kept"
    if value.get("format") == 99:
        return "left as it was"
    id = f"id {value['id']}" if "id" in value else "intent"
    note = f", {value['note']}" if "note" in value else ""
    return f"{id} of generation {value.get('generation')}{note}"


def cases() -> Iterator[Case]:
    """Every case that is worth telling apart."""
    yield from _of_what_is_found()
    yield from _of_sending()
    yield from _of_faults()


def _of_what_is_found() -> Iterator[Case]:
    """Every memory, first two looks, and policy."""
    shown = (*LOOKS, "down", "refused")
    for memory in MEMORIES:
        looking = memory in ("intent", "lost", "earlier intent", "misplaced intent", "no store, retry")
        pairs = itertools.product(shown, shown) if looking else [("absent", "absent"), ("found", "found")]
        policies = ("", "r", "f", "c", "rfc") if "id" in memory or "handed" in memory else ("", "r")
        for looks, policy in itertools.product(pairs, policies):
            yield Case(memory=memory, looks=looks, policy=policy)


def _of_sending() -> Iterator[Case]:
    """What comes of up to three sendings, and what is seen of them, in every patience."""
    sends: list[tuple[str, ...]] = [("ok",), ("refused",), ("throttled",), ("dies",), ("noted",)]
    sends += [("lost", second) for second in ("ok", "refused", "throttled", "dies", "lost")]
    sends += [("lost", "lost", "lost"), ("lost", "lost", "refused")]
    looks: list[tuple[str, ...]] = [(one,) for one in (*LOOKS, "down", "refused")] + [
        ("later", "absent"),
        ("absent", "later", "found"),
    ]
    memories = ("nothing", "no store", "no store, retry", "id-badly", "earlier id-well")
    for memory, sent, shown, marked in itertools.product(memories, sends, looks, (True, False)):
        for policy in ("f", "rf") if marked or memory in ("nothing", "no store") else ("f",):
            yield Case(memory=memory, sends=sent, looks=shown, policy=policy, marked=marked)
    for memory, sent, shown, left in itertools.product(
        ("nothing", "intent", "no store, retry"), sends[:1] + sends[5:6], looks, (0.0, 30.0, 70.0)
    ):
        yield Case(memory=memory, sends=sent, looks=shown, policy="r", left=left)


def _of_faults() -> Iterator[Case]:
    """A store that fails at each write."""
    situations = [
        Case(memory="nothing"),
        Case(memory="nothing", sends=("refused",)),
        Case(memory="nothing", sends=("lost",), looks=("found",)),
        Case(memory="nothing", sends=("lost",), looks=("absent",)),
        Case(memory="nothing", sends=("lost", "refused"), looks=("absent",)),
        Case(memory="nothing", sends=("lost",), looks=("unknown",)),
        Case(memory="intent", looks=("absent",)),
        Case(memory="intent", looks=("found",)),
        Case(memory="intent", looks=("absent",), sends=("refused",)),
        Case(memory="earlier id-alive"),
        Case(memory="earlier id-well", sends=("throttled",)),
        Case(memory="id-badly", policy="f", sends=("lost",), looks=("found",)),
        Case(memory="handed over-alive"),
    ]
    for one, number, how in itertools.product(situations, range(1, 6), "!?*+"):
        yield Case(**{**one.__dict__, "fault": f"{number}{how}"})


def table() -> str:
    """Return what is done in every case: what was done and came of it, and below it the cases."""
    found: dict[str, list[str]] = {}
    for case in cases():
        found.setdefault(run_case(case), []).append(str(case))
    lines = ((what, *(f"    {case}" for case in sorted(of))) for what, of in sorted(found.items()))
    return "\n".join(itertools.chain.from_iterable(lines)) + "\n"


if __name__ == "__main__":
    logging.disable()
    print(table(), end="")
