"""Cells in which sensors watch what the cell has made: runs that end at once, and logins that expire."""

from __future__ import annotations

import abc
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.kiban.hook import KibanHook
from airflow_provider_workflows.mybpm.hook import MyBPMHook
from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.robusta.hook import RobustaHook
from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.lifecycle.crew import SETTLED, STALLED, Crew, Member
from tests.system.chaos.lifecycle.gate import GATE
from tests.system.chaos.lifecycle.outages import LOGINS
from tests.system.chaos.lifecycle.written import FOLD
from tests.system.chaos.operators import KIBAN_PATIENT
from tests.system.chaos.stage import Stage, row
from tests.system.chaos.tally import Tally

#: A target ends at most so many seconds after its sensor has been handed over.
QUICK_SECONDS = 3.0
VENDORS: Mapping[str, str] = {
    "omflow": "omflow-1.2",
    "mybpm": "mybpm",
    "blizwork": "blizwork",
    "robusta": "robusta",
    "kiban": "kiban",
}
TITLES: Mapping[str, str] = {
    "omflow": "OMFlow order sensor",
    "mybpm": "MyBPM field sensor",
    "blizwork": "BlizWork case sensor",
    "robusta": "Robusta status sensor",
    "kiban": "Kiban workfloo sensor",
}
MAKERS: Mapping[str, Callable[[str, str], str]] = {
    "omflow": lambda conn, tag: str(
        OMFlowHook(conn).open_order("patient", [{"id": "FORMITM_1", "value": tag}])
    ),
    "mybpm": lambda conn, tag: MyBPMHook(conn).upsert("DECISION", {"NUM": tag}).boi_id,
    "blizwork": lambda conn, tag: str(BlizWorkHook(conn).init_case("patient")),
    "robusta": lambda conn, tag: (
        RobustaHook(conn).start_process(process_name="LongBot", worker="3", values={"tag": tag}).spid
    ),
    "kiban": lambda conn, tag: KibanHook(conn).start(KIBAN_PATIENT, form={"tag": tag}),
}


def lane_of(vendor: str) -> str:
    return f"{vendor}_watch"


@dataclass(frozen=True, kw_only=True)
class Watching(Cell):
    """
    A run of sensors, none of which may fail, or need another attempt.

    :param of: the vendor, such as ``omflow``
    :param place: where the sensors wait: ``sync``, ``deferrable`` or ``reschedule``
    """

    of: str
    place: str

    def run(self, stage: Stage) -> CellResult:
        """Make targets, let sensors watch them, lead them to their end."""
        began = time.monotonic()
        run_id = stage.fresh(type(self).__name__)
        size = stage.size * FOLD.get(self.place, 1)
        targets = make(self.of, stage, run_id, size=size)
        crew = Crew(stage, f"{lane_of(self.of)}_{self.place}", run_id, size=size)
        with GATE.room(self.held(size)):
            stage.begin(crew.dag_id, run_id, targets=targets)
            ordered, confirmed = self.lead(crew, targets)
        ended = crew.look()
        return row(
            self,
            figures(stage, ended),
            began=began,
            ordered=ordered,
            confirmed=confirmed,
            problems=failures(crew, ended),
        )

    def held(self, size: int) -> int:
        """How many workers the sensors must all have at once."""
        return 0

    @abc.abstractmethod
    def lead(self, crew: Crew, targets: Sequence[str]) -> tuple[int, int]:
        """Lead all sensors to their end; returns how many faults were ordered, and how many confirmed."""


@dataclass(frozen=True, kw_only=True)
class QuickEnds(Watching):
    """What a sensor waits for ends right after the sensor was handed over."""

    def lead(self, crew: Crew, targets: Sequence[str]) -> tuple[int, int]:
        """End each target at a moment of its own, 0 to 3 s after its sensor waits."""
        due: dict[int, float] = {}
        struck: set[int] = set()

        def step(member: Member) -> bool:
            now = time.monotonic()
            if member.index not in due and member.task.state in ("deferred", "up_for_reschedule"):
                due[member.index] = now + random.uniform(0, QUICK_SECONDS)
            if member.index not in struck and now >= due.get(member.index, now + 1):
                crew.desk.finish([targets[member.index]])
                struck.add(member.index)
            return member.ended

        crew.lead(step, what="all sensors to end")
        return crew.size, len(struck)


@dataclass(frozen=True, kw_only=True)
class LoginForgotten(Watching):
    """The token expires while all sensors wait, and later the vendor is restarted."""

    def held(self, size: int) -> int:
        """One for each sensor that waits there."""
        return size if self.place == "sync" else 0

    def lead(self, crew: Crew, targets: Sequence[str]) -> tuple[int, int]:
        """Let time pass at the vendor once all wait, restart it, and let all targets end."""
        control, mount = crew.stage.control, VENDORS[self.of]
        login, seconds = LOGINS[mount]

        def waits(member: Member) -> bool:
            looked = member.task.state == "running" and time.monotonic() - member.since >= 2 * SETTLED
            return looked or member.task.state == "deferred"

        def logins() -> int:
            return int(control.effects(mount)["requests"].get(login, 0))

        crew.lead(waits, what="all sensors to wait")
        for event in (lambda: control.advance(seconds), lambda: control.restart(mount)):
            await_more(crew.stage, logins, event)
        crew.desk.finish(targets)
        crew.end()
        return 2, 2


def await_more(stage: Stage, logins: Callable[[], int], event: Callable[[], object]) -> None:
    """
    Let something happen, and wait until there has been another login since.

    :param stage: the lane's
    :param logins: how many there have been
    :param event: what happens
    """
    before = logins()
    event()
    stage.until(lambda: logins() > before or None, timeout=STALLED, what="a new login")


def make(vendor: str, stage: Stage, tag: str, *, size: int) -> list[str]:
    """
    Make what sensors are to watch, and return the ids.

    :param vendor: such as ``omflow``
    :param stage: the lane's
    :param tag: that the targets' tags begin with
    :param size: how many
    """
    stage.show("making targets")
    tags = [f"{tag}.{index}" for index in range(size)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda one: MAKERS[vendor](stage.lane.name, one), tags))


def figures(stage: Stage, members: Sequence[Member]) -> Tally:
    """The row's figures: targets were made once, and nothing but the sensors' own end is at stake."""
    return Tally(
        submissions=len(members),
        effects=len(stage.control.records(stage.lane.mount)),
        duplicates=max(0, len(stage.control.records(stage.lane.mount)) - len(members)),
        lost=0,
        resubmissions=0,
        silent=0,
        succeeded=sum(member.task.state == "success" for member in members),
        doubting=0,
        strangers=0,
    )


def failures(crew: Crew, members: Sequence[Member]) -> list[str]:
    """What did not end well, or not in its first attempt."""
    states = Counter(str(member.task.state) for member in members if member.task.state != "success")
    found = [f"{number} sensors {state}" for state, number in states.items()]
    again = sum(member.attempt != 1 for member in members)
    if again:
        found.append(f"{again} sensors needed another attempt")
    if found:
        errors = {task.error for task in crew.stage.outcomes(crew.dag_id, crew.run_id) if task.error}
        found += [f"e.g. {text[:160]}" for text in sorted(errors)[:1]]
    return found
