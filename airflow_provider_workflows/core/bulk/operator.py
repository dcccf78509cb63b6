"""What every vendor's operator for many records has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import WorkflowOperator

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.submission.effect import AnyEffect
    from airflow_provider_workflows.core.submission.terms import OnLostAnswer
    from airflow_provider_workflows.core.tasks.parameters import OperatorParameters, Templated

#: Rows to send: mappings, a file or folder of them, or what another task for many records returned.
Records = Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | Path


class ManyOperator(WorkflowOperator):
    """
    An operator that sends every row of a table to the vendor, each exactly once.

    Returns ``{"records", "done", "rejected", "unknown", "skipped", "results"}``: counts, and the folder with
    a result for each record, in JSON Lines.

    A task that was killed, retried or cleared goes on where it was. A record that is done is never sent
    again, and one whose answer was lost is looked up at the vendor first.

    :param records: a list of mappings, a file (``.jsonl``, ``.csv``, ``.parquet``) or folder of such files by
        path or URL, or what another such task returned
    :param fields: mapping of the vendor's field -> column, or ``{"column": name, "type": type}`` with a type
        of ``text``, ``int``, ``number``, ``bool``, ``date``, ``datetime``, ``json``. By default each column
        that has no other use is a field of the same name
    :param columns: mapping of an argument that differs from record to record -> column
    :param key: the column that names a record in results; by default its line
    :param keep: columns to copy into the results, for the next task
    :param results: folder for the results; by default beside the file that ``records`` names
    :param validate: read all rows first, and send nothing if one is bad
    :param max_rejects: how many records may be rejected before the task fails: a number, or a share below 1
    :param concurrency: maximum number of requests at the same time; fewer while the vendor is slow
    :param settle: as for a single record
    :param on_lost_answer: as for a single record; with ``fail``, the record is ``unknown``, the others go on,
        and the task fails at its end
    :param tolerance: seconds without an answer from the vendor after which the task fails, for a retry to
        continue

    :raises InvalidInput: an argument or, with ``validate``, a row is invalid; nothing was sent
    :raises RecordsRejected: more records than ``max_rejects`` were rejected
    :raises OutcomeUnknown: it is unknown whether some records took effect
    :raises LostTrack: the vendor did not answer for ``tolerance`` seconds
    """

    returns_mapping: ClassVar[bool] = True
    durations: ClassVar[tuple[str, ...]] = ("settle", "tolerance")
    #: The arguments that ``columns`` may name.
    record_arguments: ClassVar[tuple[str, ...]] = ()
    template_fields: Sequence[str] = ("records", "fields", "columns", "key", "keep", "results")

    def __init__(
        self,
        *,
        records: Templated[Records | ObjectStoragePath],
        fields: Templated[Mapping[str, Any] | None] = None,
        columns: Templated[Mapping[str, str] | None] = None,
        key: Templated[str | None] = None,
        keep: Templated[Sequence[str]] = (),
        results: Templated[str | None] = None,
        validate: bool = False,
        max_rejects: float = 0,
        concurrency: int = 16,
        settle: Duration = 60,
        on_lost_answer: OnLostAnswer = "fail",
        tolerance: Duration = 600,
        **kwargs: Unpack[OperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.records = rendered(records)
        self.fields = rendered(fields)
        self.columns = rendered(columns)
        self.key = rendered(key)
        self.keep = rendered(keep)
        self.results = rendered(results)
        self.validate = validate
        self.max_rejects = max_rejects
        self.concurrency = concurrency
        self.settle = settle
        self.on_lost_answer = on_lost_answer
        self.tolerance = tolerance

    def prepare(self, api: Any) -> Operation[None]:
        """
        Read once, before the first record, what :meth:`effect` needs to know.

        :raises WorkflowError: no record can be sent
        """
        yield from ()

    def effect(self, values: Mapping[str, Any], arguments: Mapping[str, Any]) -> AnyEffect:
        """
        Return what must happen once for one record, without asking the vendor.

        :param values: the vendor's fields
        :param arguments: those of ``columns``
        :raises InvalidInput: the row is bad; the record is rejected
        """
        raise NotImplementedError
