"""The runs of a task over many records, and what is known of their ends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace

from airflow_provider_workflows.core.bulk.table.results import Outcome, RecordResult, ResultsFolder
from airflow_provider_workflows.core.runtime.storage import storage_path
from airflow_provider_workflows.core.waiting.condition import Condition, Done
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed, one_line

#: Ends that are written together, at the latest at the end of a look.
PART = 500
#: Failed runs that an error names, and characters of each one's message.
MOST_NAMED = 5
LONGEST_NAMED = 200


class Runs:
    """
    The runs that are still open, and what is known of the others.

    It reads files when it is made, and writes them: in a thread, if there is an event loop.

    :param ended: the condition for the end of one run, whichever its id is
    :param results: folder of the results that name the runs
    :param ends: folder for the ends
    :param id_field: the field of the condition that holds the id
    :param id_column: the column of the results that holds the id
    :raises InvalidInput: the results cannot be read, or a run has no id
    """

    def __init__(self, ended: Condition, *, results: str, ends: str, id_field: str, id_column: str) -> None:
        self._template = ended
        self._id_field = id_field
        self._id_column = id_column
        self._folder = ResultsFolder(storage_path(ends, "ends"))
        found = ResultsFolder(storage_path(results, "results")).read()
        #: By line. A part that was written twice changes nothing.
        self.open = {result.line: result for result in found if result.outcome is Outcome.DONE}
        self.total = len(self.open)
        self.failed = 0
        #: The first runs that have failed, as lines of a message.
        self.failures: list[str] = []
        self._ended: list[RecordResult] = []
        for end in self._folder.read():
            # A run that an earlier attempt of the other task began is another run.
            if end.line in self.open and self.id_of(self.open[end.line]) == end.id:
                self._close(end)
        self._parts = len(self._folder.parts())
        self._label = uuid.uuid4().hex[:8]

    def id_of(self, run: RecordResult) -> object:
        """
        Return the id of a run.

        :raises InvalidInput: the results have none
        """
        id = run.id if self._id_column == "id" else run.kept.get(self._id_column)
        if isinstance(id, Mapping):
            id = id.get(self._id_field)
        if id is None:
            raise InvalidInput(f"results: record {run.line} has no id of a run in {self._id_column!r}")
        return id

    def condition_of(self, run: RecordResult) -> Condition:
        """Return the condition for the end of a run."""
        return replace(self._template, **{self._id_field: self.id_of(run)})

    def end(self, run: RecordResult, how: Done | RunFailed) -> bool:
        """Note the end of a run; return whether there are enough for a part."""
        end = replace(run, id=self.id_of(run), message=None)
        if isinstance(how, Done):
            end = replace(end, kept={**run.kept, "result": how.result})
        else:
            end = replace(end, outcome=Outcome.REJECTED, code=how.code, message=how.message)
        self._close(end)
        self._ended.append(end)
        return len(self._ended) >= PART

    def save(self) -> None:
        """Write the ends that are not written yet."""
        if self._ended:
            ended, self._ended = self._ended, []
            self._parts += 1
            self._folder.write(ended, self._parts, self._label)

    def _close(self, end: RecordResult) -> None:
        del self.open[end.line]
        if end.outcome is not Outcome.DONE:
            self.failed += 1
            if len(self.failures) < MOST_NAMED:
                said = one_line(end.message or "", LONGEST_NAMED)
                self.failures.append(f"Record {end.key}, run {end.id}: {said}")
