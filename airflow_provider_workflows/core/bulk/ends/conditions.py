"""The condition that many runs have ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.core.bulk.ends.look import LookAtRuns
from airflow_provider_workflows.core.bulk.ends.runs import MOST_NAMED, Runs
from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import RunFailed

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.connection.limit import Ahead
    from airflow_provider_workflows.core.protocol.operation import Operation


@dataclass(frozen=True, kw_only=True)
class ManyEnded(Condition):
    """
    All runs of a folder of results have ended.

    It is one wait, in all modes, with one trigger. A look goes through the runs that are still open.

    :param results: folder of the results that name the runs
    :param ends: folder for the ends
    :param run: the condition for the end of one run, as JSON, whichever its id is
    :param id_field: the field of that condition that holds the id
    :param id_column: the column of the results that holds the id
    :param concurrency: maximum number of looks at runs at the same time
    :param max_failed: how many runs may fail: a number, or a share below 1
    """

    results: str
    ends: str
    run: dict[str, Any]
    id_field: str
    id_column: str = "id"
    concurrency: int = 16
    max_failed: float = 0

    is_many: ClassVar[bool] = True
    # The task's own is stored with the wait.
    hook_class: ClassVar[str] = ""

    @property
    def remote_id(self) -> str:
        """The folder that names the runs."""
        return self.results

    def __str__(self) -> str:
        return f"the ends of the runs in {self.results}"

    def check(self, api: object) -> Operation[Pending | Done]:
        """Not of one operation: see :meth:`alook`."""
        raise NotImplementedError("Many runs are looked at by alook()")

    async def alook(self, hook: AnyHook, *, deadline: float | None, ahead: Ahead) -> Pending | Done:
        """
        Look at all open runs, several at the same time.

        :raises RunFailed: all have ended, and too many have failed
        :raises WorkflowError: there was no answer for any run
        """
        runs = await asyncio.to_thread(lambda: self._runs)
        look = LookAtRuns(runs, hook, deadline=deadline, concurrency=self.concurrency)
        await look.run()
        if runs.open:
            return look.outcome()
        return Done(self._judged(runs))

    @cached_property
    def _runs(self) -> Runs:
        return Runs(
            Condition.from_json(self.run),
            results=self.results,
            ends=self.ends,
            id_field=self.id_field,
            id_column=self.id_column,
        )

    def _judged(self, runs: Runs) -> dict[str, object]:
        most = self.max_failed * runs.total if 0 < self.max_failed < 1 else self.max_failed
        if runs.failed > most:
            named = "\n".join(runs.failures)
            more = f"\n… and {runs.failed - MOST_NAMED} more" if runs.failed > MOST_NAMED else ""
            raise RunFailed(
                f"{runs.failed} of {runs.total} runs have failed\nResults: {self.ends}\n{named}{more}"
            )
        return {
            "runs": runs.total,
            "succeeded": runs.total - runs.failed,
            "failed": runs.failed,
            "results": self.ends,
        }
