"""Robusta's operator: start a process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import WaitingOperator
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.robusta.connection import FORM

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.tasks.parameters import Templated, WaitingParameters
    from airflow_provider_workflows.robusta.effects import ProcessStart
    from airflow_provider_workflows.robusta.hooks import RobustaHook


class RobustaStartProcessOperator(WaitingOperator):
    """
    Starts a process and returns ``{"spid", "message", "status", "outputs"}``.

    ``status`` and ``outputs`` are None unless the operator waits for the end. ``outputs`` has the outputs by
    name, without the prefix ``__out_``. ``message`` is Robusta's message at the end or, without waiting, at
    the start.

    The operator logs the SPID and saves it in Airflow's state store at once (3.3+). So a retry continues with
    the same process; ``message`` is then None until the end. If the answer is lost, the task fails with
    :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown` and does not start the process again,
    because Robusta can find a process only by its SPID.

    Assumption: no call finds, stops or removes a process; none was found. Wrong if the vendor
    names one.

    By default, the process runs once, now.

    :param process_name: name of the process model
    :param worker: id of the worker, shown in the Scheduler under the "Parameters" of the process. With None,
        no worker is sent; what Robusta then does is not documented
    :param values: input parameters by name, sent as text: numbers without an exponent, booleans as ``true``
        and ``false``, dates in ISO 8601, lists and mappings as JSON
    :param run_once: run a single time; False leaves a recurring schedule
    :param run_immediately: run now; False waits for ``quartz_def`` or ``schedule_start``
    :param quartz_def: Quartz cron expression of 6 or 7 fields, seconds first, ``?`` in one of the day fields
    :param schedule_start: Robusta's startDate, before which a scheduled process does not run: an aware
        datetime, or ISO 8601 text with an offset; sent as local time of the connection's ``time_zone``. It is
        not called ``start_date``, because that is Airflow's own, also in a DAG's ``default_args``
    :param schedule_end: Robusta's endDate, after which a scheduled process does not run; in the same form
    :param retry_count: how often Robusta itself repeats a failed run. This applies to each run that the task
        starts, in addition to the task's own retries and clears
    :param allow_recurring: allow ``run_once=False``. Only a person can remove the schedule; no API can
    :param running_statuses: more status words, besides WAITING and RUNNING, that mean that the process is
        still running
    :param failed_statuses: the only status words that mean failure; by default every unknown word does.
        Required for ``on_failed_run="rerun"``
    :param grace: seconds for which each check keeps asking about a SPID that Robusta does not know
    :param robusta_conn_id: the Airflow connection
    :param multiple_outputs: leave each key as an XCom too, so that ``start.output["spid"]`` is the SPID

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises OutcomeUnknown: a process may have been started, and its SPID is unknown
    :raises RunFailed: the process ended, but not with SUCCEEDED

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.WaitingOperator`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    returns_mapping: ClassVar[bool] = True
    conn_id_field: ClassVar[str] = "robusta_conn_id"

    durations: ClassVar[tuple[str, ...]] = (*WaitingOperator.durations, "grace")

    #: The parameters that the start call needs.
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
        process_name: Templated[str],
        worker: Templated[str | int | None],
        values: Templated[Mapping[str, Any] | None] = None,
        run_once: Templated[bool] = True,
        run_immediately: Templated[bool] = True,
        quartz_def: Templated[str | None] = None,
        schedule_start: Templated[datetime | None] = None,
        schedule_end: Templated[datetime | None] = None,
        retry_count: Templated[int | None] = None,
        allow_recurring: Templated[bool] = False,
        running_statuses: Templated[Sequence[str]] = (),
        failed_statuses: Templated[Sequence[str] | None] = None,
        grace: Duration = 10,
        robusta_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[WaitingParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.process_name = rendered(process_name)
        self.worker = rendered(worker)
        self.values = rendered(values)
        self.run_once = rendered(run_once)
        self.run_immediately = rendered(run_immediately)
        self.quartz_def = rendered(quartz_def)
        self.schedule_start = rendered(schedule_start)
        self.schedule_end = rendered(schedule_end)
        self.retry_count = rendered(retry_count)
        self.allow_recurring = rendered(allow_recurring)
        self.running_statuses = rendered(running_statuses)
        self.failed_statuses = rendered(failed_statuses)
        self.grace = grace
        self.robusta_conn_id = rendered(robusta_conn_id)

    def effect(self, context: Context) -> ProcessStart:
        """Return the process to start."""
        from airflow_provider_workflows.robusta.conditions import word_lists
        from airflow_provider_workflows.robusta.effects import ProcessStart

        arguments = {name: getattr(self, name) for name in self.start_fields}
        return ProcessStart(
            self.hook.get_conn().start_body(**arguments),
            grace=seconds_of(self.grace, "grace"),
            **word_lists(self.running_statuses, self.failed_statuses),
        )

    def execute(self, context: Context) -> Any:
        """Start the process, and wait for its end if asked to."""
        # Wrong arguments must be found before an intent is stored.
        start = self.effect(context)
        self._check_wait(recurring=start.recurring)
        self._check_rerun()
        spid = self.start(context, start)
        self.announce(context, spid)
        if self.wait_for_completion:
            return self.wait_for(context, start.end(spid))
        return {"spid": spid, "message": start.message, "status": None, "outputs": None}

    def _check_wait(self, *, recurring: bool) -> None:
        if recurring and self.wait_for_completion:
            raise InvalidInput(
                "wait_for_completion does not work with a recurring schedule. Nothing was sent\n"
                "Robusta does not say which of its runs a status belongs to. Start it without waiting"
            )

    def _check_rerun(self) -> None:
        if self.on_failed_run == "rerun" and self.failed_statuses is None:
            raise InvalidInput(
                "on_failed_run='rerun' needs failed_statuses, the words that mean failure. Nothing was sent\n"
                "Robusta documents no such words, and a run that is only paused would be started twice"
            )
