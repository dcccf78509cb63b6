"""Robusta's operator: start a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.operator import WaitingOperator
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.robusta.api import VENDOR
from airflow_provider_workflows.robusta.conditions import word_lists
from airflow_provider_workflows.robusta.connection import FORM
from airflow_provider_workflows.robusta.starting import ProcessStart

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.robusta.hook import RobustaHook


class RobustaStartProcessOperator(WaitingOperator):
    """
    Starts a process and returns ``{"spid", "message", "status", "outputs"}``.

    ``status`` and ``outputs`` (by name, without their ``__out_``) are None unless the operator waits for the
    end; ``message`` is Robusta's last word: of the end, or else of the start.

    The SPID is logged and kept in Airflow's state store at once (3.3+), so that a retry goes on with the same
    process; there ``message`` is None until the end. When the answer is lost the task fails with
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and starts nothing again: Robusta has
    no call that would find the process. It has none that would stop one either.

    Defaults are for one run, now.

    :param process_name: name of the process model
    :param worker: id of the worker, shown in the Scheduler behind the "Parameters" of the process. None
        leaves it out; what Robusta does then is not documented
    :param values: input parameters by name, sent as text: numbers without exponent, booleans as ``true`` and
        ``false``, dates in ISO 8601, lists and mappings as JSON
    :param run_once: run a single time; False leaves a recurring schedule
    :param run_immediately: run now; False waits for ``quartz_def`` or ``schedule_start``
    :param quartz_def: Quartz cron expression of 6 or 7 fields, seconds first, ``?`` in one of the day fields
    :param schedule_start: Robusta's startDate, before which a scheduled process does not run: an aware
        datetime, or ISO 8601 text with an offset; goes out as local time of the connection's ``time_zone``.
        Not called ``start_date``, which is Airflow's own and comes from a DAG's ``default_args``
    :param schedule_end: Robusta's endDate, after which a scheduled process does not run; as
        ``schedule_start``
    :param retry_count: how often Robusta itself repeats a run that failed. It multiplies with whatever clears
        or starts this task again
    :param allow_recurring: take ``run_once=False``; no API can remove the schedule, only a person can
    :param running_statuses: further status words, beside WAITING and RUNNING, that mean that it goes on
    :param failed_statuses: the only status words that mean failure; by default every word that is not known.
        Must be given for ``on_failed_run="rerun"``
    :param grace: seconds for which a SPID that Robusta does not know is looked for again
    :param robusta_conn_id: the Airflow connection
    :param multiple_outputs: leave each key as an XCom too, so that ``start.output["spid"]`` is the SPID

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises OutcomeUnknown: a process may have been started whose SPID is not known
    :raises RunFailed: the process ended, but not with SUCCEEDED

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.base.operator.WaitingOperator`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "robusta_conn_id"

    #: Arguments of the start call.
    start_fields: ClassVar[tuple[str, ...]] = (
        "process_name",
        "worker",
        "values",
        "run_once",
        "run_immediately",
        "quartz_def",
        "schedule_start",
        "schedule_end",
        "retry_count",
        "allow_recurring",
    )
    template_fields: Sequence[str] = (*start_fields, "running_statuses", "failed_statuses", "robusta_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"values": "json"}

    if TYPE_CHECKING:
        hook: RobustaHook

    def __init__(
        self,
        *,
        process_name: str,
        worker: str | int | None,
        values: Any = None,
        run_once: Any = True,
        run_immediately: Any = True,
        quartz_def: str | None = None,
        schedule_start: Any = None,
        schedule_end: Any = None,
        retry_count: Any = None,
        allow_recurring: Any = False,
        running_statuses: Sequence[str] = (),
        failed_statuses: Sequence[str] | None = None,
        grace: float = 10,
        robusta_conn_id: str = FORM.default_conn_id,
        multiple_outputs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **kwargs)
        self.process_name = process_name
        self.worker = worker
        self.values = values
        self.run_once = run_once
        self.run_immediately = run_immediately
        self.quartz_def = quartz_def
        self.schedule_start = schedule_start
        self.schedule_end = schedule_end
        self.retry_count = retry_count
        self.allow_recurring = allow_recurring
        self.running_statuses = running_statuses
        self.failed_statuses = failed_statuses
        self.grace = grace
        self.robusta_conn_id = robusta_conn_id

    def execute(self, context: Context) -> Any:
        """Start the process, and wait for its end if asked to."""
        arguments = {name: getattr(self, name) for name in self.start_fields}
        lists = word_lists(self.running_statuses, self.failed_statuses)
        # Whatever is wrong must not leave an intent behind.
        body = self.hook.get_conn().start_body(**arguments)
        self._check_wait(recurring=body["runOnce"] == "N")
        self._check_rerun()
        start = ProcessStart(
            self.hook, arguments, recurring=body["runOnce"] == "N", grace=self.grace, **lists
        )
        spid = self.start(context, start)
        self.announce(context, spid)
        if self.wait_for_completion:
            return self.wait_for(context, start.end(spid))
        return {"spid": spid, "message": start.message, "status": None, "outputs": None}

    def _check_wait(self, *, recurring: bool) -> None:
        if recurring and self.wait_for_completion:
            raise InvalidInput(
                "wait_for_completion: of a recurring schedule it is not known which run the status tells of; "
                "start it without waiting"
            )

    def _check_rerun(self) -> None:
        if self.on_failed_run == "rerun" and self.failed_statuses is None:
            raise InvalidInput(
                "on_failed_run='rerun': name the words that mean failure in failed_statuses. Robusta "
                "documents none, and a run that is only paused would be started a second time"
            )
