"""One look at many runs, several at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    RunFailed,
    TemporaryError,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.bulk.ends.runs import Runs
    from airflow_provider_workflows.core.bulk.table.results import RecordResult
    from airflow_provider_workflows.core.connection.hook import AnyHook


class LookAtRuns:
    """
    One look at all open runs.

    :param deadline: reading of :func:`time.monotonic` after which no request is repeated
    :param concurrency: maximum number of looks at runs at the same time
    """

    def __init__(self, runs: Runs, hook: AnyHook, *, deadline: float | None, concurrency: int) -> None:
        self._runs = runs
        self._hook = hook
        self._deadline = deadline
        self._concurrency = concurrency
        self._answers = 0
        self._errors: list[WorkflowError] = []
        #: Looks without an answer since the last one that had one.
        self._silent = 0
        #: What would end every other look in the same way.
        self._fatal: WorkflowError | None = None

    async def run(self) -> None:
        """Look at each run once, unless the vendor is silent, and write down which have ended."""
        queue = iter(list(self._runs.open.values()))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._concurrency, len(self._runs.open))):
                    group.create_task(self._work(queue))
        finally:
            await asyncio.to_thread(self._runs.save)

    def outcome(self) -> Pending:
        """
        Return how far the runs are.

        :raises WorkflowError: there was no answer for any run
        """
        runs = self._runs
        if self._fatal is not None:
            raise self._fatal
        if self._errors and not self._answers:
            lasting = [error for error in self._errors if not isinstance(error, TemporaryError)]
            first = (lasting or self._errors)[0]
            raise first.with_message(
                f"There is no answer for any of the {len(runs.open)} runs that are still open\n"
                f"The first failure: {first.message}"
            )
        failed = f", {runs.failed} of them badly" if runs.failed else ""
        return Pending(f"{runs.total - len(runs.open)} of {runs.total} runs have ended{failed}")

    async def _work(self, queue: Iterator[RecordResult]) -> None:
        for run in queue:
            if self._fatal is not None or self._silent >= self._concurrency:
                return
            if await self._has_part(run):
                await asyncio.to_thread(self._runs.save)

    async def _has_part(self, run: RecordResult) -> bool:
        """Look at one run; return whether enough have ended to write them down."""
        try:
            # However far ahead their slots are: no more are booked at a time than look at the same time.
            condition = self._runs.condition_of(run)
            outcome = await condition.alook(self._hook, deadline=self._deadline, ahead="any")
        except RunFailed as failed:
            self._answered()
            return self._runs.end(run, failed)
        except (AuthenticationFailed, InvalidConnection) as error:
            self._fatal = error
        except WorkflowError as error:
            self._errors.append(error)
            self._silent += isinstance(error, TemporaryError)
        else:
            self._answered()
            return isinstance(outcome, Done) and self._runs.end(run, outcome)
        return False

    def _answered(self) -> None:
        self._answers += 1
        self._silent = 0
