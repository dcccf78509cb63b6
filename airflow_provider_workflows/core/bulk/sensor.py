"""What every vendor's sensor for the ends of many runs has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_workflows.core.bulk.ends.conditions import ManyEnded
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.core.waiting.condition import Condition


class ManySensor(WorkflowSensor):
    """
    Waits for the ends of the runs that a task over many records began.

    Returns ``{"runs", "succeeded", "failed", "results"}``: counts, and the folder with the end of each run,
    in JSON Lines: ``outcome`` is ``done`` or ``rejected``, and ``result`` what the sensor for one run
    returns.

    Each look asks for all runs that are still open, several at the same time. A run that has ended is not
    asked for again, not even by a later attempt. A run for which there is no answer holds up no other.

    :param results: what the task that began the runs returned, or the folder with its results
    :param id_column: the column of these results that holds the run's id, if it is not the record's id
    :param ends: folder for the ends; by default beside ``results``
    :param max_failed: how many runs may fail before the sensor fails: a number, or a share below 1. It looks
        until all runs have ended
    :param concurrency: maximum number of requests at the same time

    :raises RunFailed: more runs than ``max_failed`` have failed
    """

    returns_mapping: ClassVar[bool] = True
    #: The field of the run's condition that holds the run's id.
    id_field: ClassVar[str]
    template_fields: Sequence[str] = ("results", "id_column", "ends")

    def __init__(
        self,
        *,
        results: Templated[Mapping[str, object] | Path | ObjectStoragePath],
        id_column: Templated[str] = "id",
        ends: Templated[str | None] = None,
        max_failed: float = 0,
        concurrency: int = 16,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.results = rendered(results)
        self.id_column = rendered(id_column)
        self.ends = rendered(ends)
        self.max_failed = max_failed
        self.concurrency = concurrency
        self._ends_url = ""

    @abstractmethod
    def run_ended(self) -> Condition:
        """Return the condition for the end of one run, whichever."""

    def execute(self, context: Context) -> object:
        """Wait, and return the counts."""
        from airflow_provider_workflows.core.bulk.table.results import results_folder

        self._ends_url = results_folder({"results": self._source()}, self.ends, context).url
        return super().execute(context)

    def check_ahead(self) -> None:
        """Check what does not depend on the vendor."""
        super().check_ahead()
        if self.max_failed < 0:
            raise InvalidInput(f"max_failed must be a number or a share below 1, got {self.max_failed!r}")
        if self.concurrency < 1:
            raise InvalidInput(f"concurrency must be a number from 1 on, got {self.concurrency!r}")

    def condition(self) -> ManyEnded:
        """Return what is waited for."""
        from airflow_provider_workflows.core.bulk.ends.conditions import ManyEnded
        from airflow_provider_workflows.core.bulk.table.results import ResultsFolder
        from airflow_provider_workflows.core.runtime.storage import storage_path

        return ManyEnded(
            results=ResultsFolder(storage_path(self._source(), "results")).url,
            ends=self._ends_url,
            run=self.run_ended().to_json(),
            id_field=self.id_field,
            id_column=self.id_column,
            concurrency=self.concurrency,
            max_failed=self.max_failed,
        )

    def announce(self, context: Context, remote_id: str) -> None:
        """Push nothing: there is no one record at the vendor to link to."""

    def known_before(self) -> str | None:
        """Return nothing: there is no one record at the vendor."""
        return None

    def _source(self) -> object:
        source = self.results
        if isinstance(source, Mapping):
            source = source.get("results")
            if not isinstance(source, str):
                raise InvalidInput("results: expected what a task over many records returned, or its folder")
        return source
