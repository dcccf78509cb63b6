"""What every vendor's operator for many records has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Unpack

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.asking import AskingMixin
from airflow_provider_workflows.core.tasks.operator import WorkflowOperator
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    OutcomeUnknown,
    RecordsRejected,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_workflows.core.bulk.runner import ManyRun
    from airflow_provider_workflows.core.bulk.table.columns import Columns, Mapped
    from airflow_provider_workflows.core.bulk.table.results import ResultsFolder
    from airflow_provider_workflows.core.bulk.table.source import Row
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.runtime.task_state import TaskState
    from airflow_provider_workflows.core.submission.effect import AnyEffect
    from airflow_provider_workflows.core.submission.record import Answer
    from airflow_provider_workflows.core.submission.terms import OnAskTimeout, OnLostAnswer, Terms
    from airflow_provider_workflows.core.tasks.parameters import (
        Notifiers,
        OperatorParameters,
        Templated,
        Users,
    )

#: Bad rows that one error names.
MOST_BAD = 20
#: Rows to send: mappings, a file or folder of them, or what another task for many records returned.
Records = Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | Path


class ManyOperator(AskingMixin, WorkflowOperator):
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
    :param on_lost_answer: as for a single record; with ``fail`` and ``ask``, the record is ``unknown``, the
        others go on, and the task fails at its end, or asks a person about all that are
    :param ask_timeout: as for a single record
    :param on_ask_timeout: as for a single record
    :param ask_notifiers: as for a single record
    :param assigned_users: as for a single record
    :param tolerance: seconds without an answer from the vendor after which the task fails, for a retry to
        continue

    :raises InvalidInput: an argument or, with ``validate``, a row is invalid; nothing was sent
    :raises RecordsRejected: more records than ``max_rejects`` were rejected
    :raises OutcomeUnknown: it is unknown whether some records took effect
    :raises LostTrack: the vendor did not answer for ``tolerance`` seconds
    """

    returns_mapping: ClassVar[bool] = True
    durations: ClassVar[tuple[str, ...]] = ("settle", "tolerance")
    optional_durations: ClassVar[tuple[str, ...]] = ("ask_timeout",)
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
        ask_timeout: Duration | None = None,
        on_ask_timeout: OnAskTimeout = "fail",
        ask_notifiers: Notifiers = (),
        assigned_users: Users = None,
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
        self.ask_timeout = ask_timeout
        self.on_ask_timeout = on_ask_timeout
        self.ask_notifiers = ask_notifiers
        self.assigned_users = assigned_users
        self.tolerance = tolerance
        self._run: ManyRun | None = None

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

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Send the records that are left, and return the counts.

        :raises WorkflowError: see the class
        """
        self._check()
        if self.on_lost_answer == "ask":
            self.check_asking()
        attempt = self._attempt(context)
        summary = {**attempt.run().to_json(), "results": attempt.store.numbers.folder}
        self.log.info("%s", attempt.progress.line())
        self.log.info("Results: %s", summary["results"])
        self._judge(context, summary)
        return summary

    def _check(self) -> None:
        rejects: object = self.max_rejects
        if not (isinstance(rejects, (int, float)) and rejects >= 0):
            raise InvalidInput(f"max_rejects must be a number or a share below 1, got {rejects!r}")
        concurrency: object = self.concurrency
        if not (isinstance(concurrency, int) and concurrency > 0):
            raise InvalidInput(f"concurrency must be a number from 1 on, got {concurrency!r}")

    def _attempt(self, context: Context) -> ManyRun:
        """Return what sends the records, after all checks that need nothing but the vendor's structures."""
        from airflow_provider_workflows.core.bulk.progress import Progress
        from airflow_provider_workflows.core.bulk.record_sender import RecordSender
        from airflow_provider_workflows.core.bulk.record_store import RecordStore
        from airflow_provider_workflows.core.bulk.runner import ManyRun
        from airflow_provider_workflows.core.bulk.table.columns import Columns
        from airflow_provider_workflows.core.bulk.table.results import results_folder
        from airflow_provider_workflows.core.bulk.table.source import read_rows
        from airflow_provider_workflows.core.protocol.body import from_text
        from airflow_provider_workflows.core.runtime.task_state import TaskState
        from airflow_provider_workflows.core.submission.record import fingerprint
        from airflow_provider_workflows.core.submission.terms import current

        arguments = from_text(self.columns, "columns")
        fields = from_text(self.fields, "fields")
        columns = Columns(fields=fields, columns=arguments, key=self.key, keep=self.keep)
        if strange := sorted(set(arguments or ()) - set(self.record_arguments)):
            known = ", ".join(self.record_arguments) or "none"
            raise InvalidInput(f"columns names {', '.join(strange)}; a record's own arguments are: {known}")
        folder = results_folder(self.records, self.results, context)
        self.hook.read(self.prepare)
        total = self._validated(columns) if self.validate else _size(self.records)
        state, ti = TaskState(context), context["ti"]
        target = fingerprint([self.hook.where, type(self).__name__, self._arguments()], mark="")
        if self._answer is not None:
            self._act_on(self._answer, state, folder, target=target)
        sender = RecordSender(
            self.hook,
            RecordStore(state, folder, target=target),
            terms=self._terms(lasting=state.lasting),
            clock=current.clock,
            names=(ti.dag_id, ti.task_id),
            concurrency=self.concurrency,
            tolerance=seconds_of(self.tolerance, "tolerance"),
        )
        self._run = ManyRun(
            partial(read_rows, self.records),
            columns,
            self._effect,
            sender=sender,
            progress=Progress(self.log, total=total),
            skips=_not_done if isinstance(self.records, Mapping) else _nothing,
        )
        return self._run

    def _act_on(self, answer: Answer, state: TaskState, folder: ResultsFolder, *, target: str) -> None:
        """Act on a person's answer about all records in doubt; what cannot be used is asked again."""
        from airflow_provider_workflows.core.bulk.doubts import act_on_answer

        self.log.info("The answer is %r (by %s)", answer.verdict or "unusable", answer.by or "nobody")
        if answer.id is not None:
            answer = replace(answer, verdict=None, problem="An id cannot be the answer for many records")
            self._answer = answer
        if answer.problem:
            self.log.warning("The answer was not accepted: %s", answer.problem)
        act_on_answer(state, folder, answer, target=target)

    def _arguments(self) -> dict[str, object]:
        """Return the arguments that decide what is sent for a row."""
        others = ("records", "results", self.conn_id_field)
        return {name: getattr(self, name) for name in self.template_fields if name not in others}

    def _effect(self, mapped: Mapped) -> AnyEffect:
        return self.effect(mapped.values, mapped.arguments)

    def _terms(self, *, lasting: bool) -> Terms:
        from airflow_provider_workflows.core.bulk.record_store import HEARTBEAT
        from airflow_provider_workflows.core.submission.terms import SETTLE_MARGIN, Policy, Terms, current

        timeout = self.hook.timeout
        settle = max(seconds_of(self.settle, "settle"), timeout + SETTLE_MARGIN)
        if current.settle is not None:
            settle = current.settle
        return Terms(
            policy=Policy(on_lost_answer=self.on_lost_answer),
            settle=settle,
            # What proves that no newer attempt has begun may be some seconds old.
            window=max(SETTLE_MARGIN, settle - timeout) - 2 * HEARTBEAT,
            fenced=lasting,
        )

    def _validated(self, columns: Columns) -> int:
        """
        Read all rows, and return how many there are.

        :raises InvalidInput: names the first bad ones; nothing was sent
        """
        from airflow_provider_workflows.core.bulk.table.columns import BadRow
        from airflow_provider_workflows.core.bulk.table.source import read_rows

        total, bad = 0, []
        for row in read_rows(self.records):
            total += 1
            try:
                self._effect(columns.read(row))
            except (BadRow, InvalidInput) as error:
                said = str(error)
                bad.append(said if row.where in said else f"{row.where}: {said}")
                if len(bad) >= MOST_BAD:
                    bad.append("There may be more")
                    break
        if bad:
            raise InvalidInput("\n".join(["Nothing was sent, because of bad rows in records:", *bad]))
        return total

    def _judge(self, context: Context, summary: Mapping[str, Any]) -> None:
        """
        Fail if too many records were rejected, or if the outcome of one is unknown.

        :raises OutcomeUnknown: of at least one
        :raises RecordsRejected: too many
        """
        records, rejected, unknown = (summary[name] for name in ("records", "rejected", "unknown"))
        most = self.max_rejects * records if 0 < self.max_rejects < 1 else self.max_rejects
        error: WorkflowError
        if unknown:
            from airflow_provider_workflows.core import metrics

            metrics.DOUBTS.record(vendor=self.hook.conn_type)
            error = OutcomeUnknown(
                f"{unknown} of {records} records may or may not have taken effect; "
                f"{summary['done']} are done, {rejected} rejected\n"
                f"Results: {summary['results']}\n"
                "Each record with the outcome 'unknown' says there what to look for at the vendor\n"
                "Airflow will not send them again; a cleared task sends only what was never sent"
            )
            if self.on_lost_answer == "ask" and (self._answer is None or self._answer.verdict != "give up"):
                self._ask_about_all(context, error)
        elif rejected > most:
            error = RecordsRejected(
                f"{rejected} of {records} records were rejected; {summary['done']} are done\n"
                f"Results: {summary['results']}\n"
                "Correct the rejected records and send them in a table of their own,\n"
                "or allow more by max_rejects"
            )
        else:
            return
        # For tasks that run all the same, such as a report.
        context["ti"].xcom_push(key="return_value", value=dict(summary))
        raise error

    def _ask_about_all(self, context: Context, error: OutcomeUnknown) -> NoReturn:
        from airflow_provider_workflows.core.bulk.doubts import question_about_all, write_list
        from airflow_provider_workflows.core.bulk.table.results import results_folder
        from airflow_provider_workflows.core.tasks.question import which_task

        for line in error.lines():
            self.log.warning("%s", line)
        address = write_list(results_folder(self.records, self.results, context))
        self.log.warning("The records in doubt: %s", address)
        self.ask(context, question_about_all(self.vendor, address, which=which_task(context)))

    def on_kill(self) -> None:
        """Begin no request any more, and log how many are under way."""
        if self._run is not None:
            under_way = self._run.stop()
            self.log.warning("Killed. %d records may be under way", under_way)
            self.log.warning("A new attempt settles them and continues with the others")


def _not_done(row: Row) -> bool:
    """Whether an earlier task has not done this record."""
    return row.values.get("outcome") != "done"


def _nothing(row: Row) -> bool:
    return False


def _size(records: object) -> int | None:
    return len(records) if isinstance(records, Sized) and not isinstance(records, (str, Mapping)) else None
