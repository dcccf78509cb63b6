"""What a cell has to work with: its Airflow, its sandbox, and the questions that it asks of both."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_client import AirflowClient
from dev.airflow_home import AirflowError
from dev.airflow_instance import AirflowInstance
from dev.sandbox_process import RunningSandbox
from tests.system.chaos.airflow_reader import TASK, AirflowReader
from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.deployment import Lane
from tests.system.chaos.tally import Effect, Send, Tally, TaskOutcome, tally, tally_untold
from tests.system.chaos.vendor import Variant

ENDED = frozenset({"success", "failed"})
LOOK_SECONDS = 1.0
#: Lanes share the machine: the runs of two dozen of them end at about the same time.
RUN_SECONDS = 300.0
#: Seconds for which operators of the matrix look before they send again; late effects come sooner.
SETTLE = 25.0


T = TypeVar("T")


class LaneClient(AirflowClient):
    """A client of a lane's own: sessions of requests are not for several threads."""

    def __init__(self, instance: AirflowInstance) -> None:
        super().__init__(instance.url)
        self._instance = instance

    def check_alive(self) -> None:
        self._instance.check_alive()


@dataclass
class CellContext:
    """
    A lane's view of a running deployment.

    :param instance: the Airflow; other lanes use it at the same time
    :param lane: the lane
    :param sandbox: the lane's own
    :param reader: what the Airflow has written down
    :param size: submissions a cell
    :param environment: of a process of that Airflow
    :param show: tells the person who watches what the cell is at
    """

    instance: AirflowInstance
    lane: Lane
    sandbox: RunningSandbox
    reader: AirflowReader
    size: int
    environment: Mapping[str, str]
    show: Callable[[str], None] = lambda text: None
    airflow: AirflowClient = field(init=False)
    control: Control = field(init=False)

    def __post_init__(self) -> None:
        self.airflow = LaneClient(self.instance)
        # A sandbox that answers dozens of tasks at once may take its time.
        self.control = Control(self.sandbox.url, timeout=120)

    def fresh(self, name: str) -> str:
        """
        Empty the vendor, and return the id of a run to come, whose submissions the sandbox will recognise.

        :param name: of the run, in letters, digits and hyphens
        """
        run_id = f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{secrets.token_hex(3)}"
        self.watch(run_id)
        return run_id

    def watch(self, tag: str, *, mount: str | None = None) -> None:
        """
        Empty the vendor and let it recognise submissions.

        :param tag: what their tags begin with
        :param mount: of the vendor; the lane's by default
        """
        self.control.reset()
        self.control.watch(mount or self.lane.mount, rf"{re.escape(tag)}\.\d+")

    def begin(self, dag_id: str, run_id: str, **conf: Any) -> None:
        """
        Start a run of a DAG of the deployment.

        :param dag_id: the DAG
        :param run_id: from :meth:`fresh`
        :param conf: of the run; ``tag`` is set to its id
        """
        self.airflow.wait_for_dag(dag_id, timeout=180)
        self.airflow.unpause(dag_id)
        self.airflow.trigger(dag_id, run_id=run_id, conf={"tag": run_id, **conf})

    def finish(self, dag_id: str, run_id: str, *, timeout: float = RUN_SECONDS) -> str:
        """
        Wait for the end of a run, and return its state.

        :raises AirflowError: as :meth:`until`
        """
        what = f"the run {run_id} of {dag_id}"
        return self.until(lambda: self._ended(dag_id, run_id), timeout=timeout, what=what)

    def until(self, question: Callable[[], T | None], *, timeout: float, what: str) -> T:
        """
        Ask once a second until there is an answer; where a slow machine gets on, nothing fails.

        :param question: returns None as long as there is none
        :param timeout: seconds to wait while no task of this Airflow ends, of whatever lane
        :param what: what is waited for, for the error message
        :raises AirflowError: if the time is over, or Airflow stopped
        """
        ended, since = -1, time.monotonic()
        while (answer := question()) is None:
            self.instance.check_alive()
            self.sandbox.check_alive()
            if (number := self.reader.ended()) != ended:
                ended, since = number, time.monotonic()
            if time.monotonic() > since + timeout:
                raise AirflowError(f"waited for {what} in vain: no task has ended for {timeout:.0f} s")
            time.sleep(LOOK_SECONDS)
        return answer

    def states(self, dag_id: str, run_id: str) -> Counter[str]:
        """How many tasks of a run are in which state; None counts as ``none``."""
        return self.reader.states(dag_id, run_id)

    def outcomes(self, dag_id: str, run_id: str, *, task_id: str = TASK) -> list[TaskOutcome]:
        """How the submissions of a run ended, by map index."""
        return self.reader.outcomes(dag_id, run_id, task_id=task_id)

    def effects(self, variant: Variant, targets: Mapping[str, str] | None = None) -> list[Effect]:
        """All effects at the vendor, with bare ids."""
        return variant.effects(self.control.records(variant.mount), targets or {})

    def count(
        self,
        variant: Variant,
        tasks: Sequence[TaskOutcome],
        *,
        settle: float | None,
        excused: int = 0,
        targets: Mapping[str, str] | None = None,
    ) -> Tally:
        """
        Count what both sides say about the submissions of the lane's present cell.

        :param variant: how they were submitted
        :param tasks: how they ended
        :param settle: seconds from the arrival of a request until another of the same submission may follow
            (its ``settle``, and the time until it was given up); None if none may
        :param excused: requests that the vendor refused, so that others could follow
        :param targets: of moves, see :meth:`Variant.effects`
        """
        effects = self.effects(variant, targets)
        if not variant.is_tagged:
            requests = self.control.effects(variant.mount)["requests"].get(variant.endpoint, 0)
            return tally_untold(tasks, effects, sends=requests, excused=excused)
        sends = [
            Send(request["tag"], request["at"])
            for request in self.control.sent(variant.mount)
            if request["endpoint"] == variant.endpoint
        ]
        return tally(tasks, effects, sends, settle=settle)

    def _ended(self, dag_id: str, run_id: str) -> str | None:
        state = self.reader.run_state(dag_id, run_id)
        counts = self.states(dag_id, run_id)
        self.show(", ".join(f"{number} {name}" for name, number in sorted(counts.items())))
        return state if state in ENDED else None


def row(
    cell: Cell,
    tally: Tally | None,
    *,
    began: float,
    ordered: int = 0,
    confirmed: int = 0,
    problems: Sequence[str] = (),
    note: str = "",
) -> CellResult:
    """
    The row of a cell.

    :param cell: the cell
    :param tally: its figures
    :param began: ``time.monotonic()`` when it began
    :param ordered: how many faults there were to be
    :param confirmed: how many there were
    :param problems: see :class:`CellResult`
    :param note: see there
    """
    return CellResult(
        fault=cell.fault,
        vendor=cell.vendor,
        mode=cell.mode,
        control=cell.control,
        tally=tally,
        ordered=ordered,
        confirmed=confirmed,
        seconds=time.monotonic() - began,
        problems=tuple(problems),
        note=note,
    )
