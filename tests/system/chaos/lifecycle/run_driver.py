"""The tasks of one run, each of which is led through a cell's events on its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.airflow_client import TaskInstance
from dev.airflow_home import AirflowError
from tests.system.chaos.airflow_reader import TASK, WHERE, decoded
from tests.system.chaos.cell_context import ENDED, CellContext
from tests.system.chaos.lifecycle.run_finisher import RunFinisher
from tests.system.chaos.tally import bare

LOOK_SECONDS = 0.5
#: Seconds for which a task must have been seen waiting in a worker: by then it has looked at the vendor.
SETTLED = 3.0
RECORD = "workflow_submission"
#: What a sensor keeps: that it has begun to wait, and in which attempt.
WAIT = "workflow_wait"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """
    One submission's task as it is now.

    :param task: as Airflow sees it
    :param record: what its state store says about its submission; empty if nothing. Of a sensor, what it
        watches, once it does so in this attempt
    :param since: ``time.monotonic()`` when it was first seen in this state of this attempt
    :param deferring: it waits in the triggerer, and is in a worker only on its way there
    """

    task: TaskInstance
    record: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0
    deferring: bool = False

    @property
    def index(self) -> int:
        return self.task.map_index

    @property
    def attempt(self) -> int:
        return self.task.try_number

    @property
    def ended(self) -> bool:
        return self.task.state in ENDED

    @property
    def intends(self) -> bool:
        """Whether it has written its intent and does not know of a run yet."""
        return bool(self.record) and self.remote_id is None

    @property
    def remote_id(self) -> str | None:
        """The bare id of the run that its record names."""
        found = self.record.get("id")
        return None if found is None else bare(str(found))

    @property
    def waits(self) -> bool:
        """Whether it waits for the end of its run, in the triggerer or in a worker."""
        if self.task.state in ("deferred", "up_for_reschedule"):
            return True
        seen = time.monotonic() - self.since
        # After a Clear the record is the attempt's own only once it has found the run alive: a run that ended
        # before that is followed by another one, as it should be.
        known = self.remote_id is not None and self.record.get("generation") == self.task.max_tries
        looks = self.task.state == "running" and known and seen >= SETTLED
        return looks and not self.deferring


#: Seconds without a change of any task after which nothing is waited for any more: where a slow machine gets
#: on, nothing fails for its being slow.
STALLED = 240.0
#: Seconds after which nothing is waited for in any case.
LIMIT = 1800.0

#: Leads one task on; returns whether it is where it is to be.
Step = Callable[[Submission], bool]


class RunDriver:
    """
    The mapped tasks of a run, read past the API server.

    :param context: the lane's
    :param dag_id: the DAG
    :param run_id: its run
    :param size: how many tasks there are to be; the context's size by default
    :param deferring: they wait in the triggerer
    :param targets: what the tasks watch, if they are sensors
    """

    def __init__(
        self,
        context: CellContext,
        dag_id: str,
        run_id: str,
        *,
        size: int | None = None,
        deferring: bool = False,
        targets: Sequence[str] = (),
    ) -> None:
        self.context = context
        self.dag_id = dag_id
        self.run_id = run_id
        self.size = size or context.size
        self.deferring = deferring
        self.targets = targets
        self.finisher = RunFinisher(context.control, context.lane.mount)
        self._seen: dict[int, tuple[tuple[str | None, int], float]] = {}
        self._changed = time.monotonic()

    def look(self) -> list[Submission]:
        """All tasks by map index; none before Airflow has made them."""
        tasks, records = self._tasks(), self._records(WAIT if self.targets else RECORD)
        return [self._submission(task, self._told(task, records.get(task.map_index, {}))) for task in tasks]

    def lead(self, step: Step, *, what: str, first: Callable[[], object] = lambda: None) -> list[Submission]:
        """
        Lead every task on until each is where it is to be, and return them.

        :param step: is called for every task, again and again
        :param what: where they are to be, for the error message
        :param first: is called before each round of steps
        :raises AirflowError: if no task has changed for :data:`STALLED` seconds, :data:`LIMIT` has passed, or
            Airflow stopped
        """
        began = self._changed = time.monotonic()
        while True:
            first()
            submissions = self.look()
            arrived = [step(submission) for submission in submissions]
            self.finisher.work()
            if len(submissions) == self.size and all(arrived):
                return submissions
            self._bear(submissions, what, began)
            time.sleep(LOOK_SECONDS)

    def wait(self, *, what: str = "all tasks to wait", attempt: int = 1) -> list[Submission]:
        """Wait until every task waits for the end of its run, in this attempt or a later one."""
        return self.lead(lambda submission: self._waits(submission, attempt), what=what)

    def finish(self) -> list[Submission]:
        """Let every run end at the vendor once its task waits for it, and wait for the tasks."""

        def step(submission: Submission) -> bool:
            if submission.waits and submission.remote_id is not None:
                self.finisher.finish([submission.remote_id])
            return submission.ended

        self.lead(step, what="all tasks to end")
        return self.end()

    def end(self) -> list[Submission]:
        """
        Wait for the end of every task and of the run, without doing anything.

        Who clears a task before Airflow has noticed that the run is over may leave it in an ended run,
        where nobody runs it.
        """
        submissions = self.lead(lambda submission: submission.ended, what="all tasks to end")
        self.context.until(self._run_ended, timeout=STALLED, what=f"the run {self.run_id} to end")
        return submissions

    def _run_ended(self) -> bool | None:
        return self.context.reader.run_state(self.dag_id, self.run_id) in ENDED or None

    def hosts(self) -> dict[int, str]:
        """On which machine each task's last attempt has begun, by map index."""
        return dict(self._rows(f"SELECT map_index, hostname FROM task_instance {WHERE} AND map_index >= 0"))

    def clear(self, indexes: Iterable[int]) -> None:
        """Clear tasks, as a user does in the UI."""
        tasks = [(TASK, index) for index in indexes]
        if tasks:
            self.context.airflow.clear(self.dag_id, self.run_id, tasks)

    def kill(self, submission: Submission) -> bool:
        """
        Kill the process of a task, and that of every second one with its supervisor.

        :returns: whether there was one to kill
        """
        try:
            self.context.instance.kill_task(submission.task, with_supervisor=bool(submission.index % 2))
        except AirflowError:  # it ended, or deferred, in this very moment
            return False
        return True

    def _waits(self, submission: Submission, attempt: int) -> bool:
        if submission.ended:
            raise AirflowError(
                f"{submission.task.label} ended with {submission.task.state} when it was to wait"
            )
        return submission.waits and submission.attempt >= attempt

    def _bear(self, submissions: Collection[Submission], what: str, began: float) -> None:
        states = Counter(str(submission.task.state or "none") for submission in submissions)
        shown = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        self.context.show(shown)
        self.context.instance.check_alive()
        self.context.sandbox.check_alive()
        now = time.monotonic()
        if now > min(began + LIMIT, self._changed + STALLED):
            raise AirflowError(
                f"waited {now - began:.0f} s for {what} in vain; there are {shown or 'no tasks'}"
            )

    def _submission(self, task: TaskInstance, record: Mapping[str, Any]) -> Submission:
        now, key = time.monotonic(), (task.state, task.try_number)
        if self._seen.get(task.map_index, (None, now))[0] != key:
            self._seen[task.map_index] = (key, now)
            self._changed = now
        return Submission(
            task=task, record=record, since=self._seen[task.map_index][1], deferring=self.deferring
        )

    def _tasks(self) -> list[TaskInstance]:
        columns = "task_id, map_index, state, try_number, max_tries, start_date, duration, pid"
        query = f"SELECT {columns} FROM task_instance {WHERE} AND map_index >= 0 ORDER BY map_index"
        names = columns.split(", ")
        return [TaskInstance(**dict(zip(names, row, strict=True))) for row in self._rows(query)]

    def _told(self, task: TaskInstance, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """A submission's record as it is; a sensor's with what it watches, if it is of this attempt."""
        if not self.targets:
            return record
        begun = record.get("attempt") == task.try_number
        return {**record, "id": self.targets[task.map_index]} if begun else {}

    def _records(self, key: str) -> dict[int, Mapping[str, Any]]:
        rows = self._rows(f"SELECT map_index, value FROM task_state_store {WHERE} AND key = :key", key=key)
        return {index: decoded(value) for index, value in rows}

    def _rows(self, query: str, **values: str) -> list[tuple[Any, ...]]:
        key = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": TASK}
        return self.context.reader.rows(query, **key, **values)
