"""Robusta's operator for many records, which starts processes, and the sensor for their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.robusta.connection import FORM

if TYPE_CHECKING:
    from datetime import datetime

    import pendulum

    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import (
        ManyParameters,
        ManySensorParameters,
        Templated,
    )
    from airflow_provider_workflows.robusta.api.operations import RobustaApi
    from airflow_provider_workflows.robusta.conditions import ProcessSucceeded
    from airflow_provider_workflows.robusta.effects import ProcessStart

#: Stands for the SPID of any process.
ANY_SPID = "00000000-0000-0000-0000-000000000000"


class RobustaStartManyOperator(ManyOperator):
    """
    Starts a run of a process for every record; each runs once, never on a recurring schedule.

    A record's ``id`` in the results is its SPID. ``fields`` names the process's input parameters; ``columns``
    may name ``worker`` and ``schedule_start``.

    If an answer is lost, nothing can find the process, because Robusta can find one only by its SPID. The
    record is then ``unknown``, and is not sent again, unless ``on_lost_answer="resubmit"``. So the operator
    notes each process before it sends the request, and a task that is killed leaves at most ``concurrency``
    records in doubt.

    Assumption: no call finds, stops or removes a process; none was found. Wrong if the vendor
    names one.

    :param process_name: name of the process model
    :param worker: id of the worker, for records that do not name another one; as in
        :class:`~airflow_provider_workflows.robusta.operators.RobustaStartProcessOperator`
    :param run_immediately: run now; False waits for ``schedule_start``
    :param schedule_start: Robusta's startDate, before which a process does not run, for records that do not
        name another one: an aware datetime, or ISO 8601 text with an offset
    :param retry_count: how often Robusta itself repeats a failed run
    :param robusta_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "robusta_conn_id"
    lineage_role: ClassVar[Role] = "begins"
    record_arguments: ClassVar[tuple[str, ...]] = ("worker", "schedule_start")
    #: The parameters that the start call needs, and that are the same for all records or the default.
    start_fields: ClassVar[tuple[str, ...]] = (
        "process_name",
        "worker",
        "run_immediately",
        "schedule_start",
        "retry_count",
    )
    template_fields: Sequence[str] = (*ManyOperator.template_fields, *start_fields, "robusta_conn_id")

    def __init__(
        self,
        *,
        process_name: Templated[str],
        worker: Templated[str | int | None],
        run_immediately: Templated[bool] = True,
        schedule_start: Templated[datetime | None] = None,
        retry_count: Templated[int | None] = None,
        robusta_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.process_name = rendered(process_name)
        self.worker = rendered(worker)
        self.run_immediately = rendered(run_immediately)
        self.schedule_start = rendered(schedule_start)
        self.retry_count = rendered(retry_count)
        self.robusta_conn_id = rendered(robusta_conn_id)
        #: The connection's time zone, in which Robusta reads dates.
        self._zone: pendulum.Timezone | None = None

    def prepare(self, api: RobustaApi) -> Operation[None]:
        """Take the connection's time zone, in which Robusta reads dates."""
        self._zone = api.zone
        yield from ()

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> ProcessStart:
        """Return the process to start for one record."""
        from airflow_provider_workflows.robusta.api.start_body import start_body
        from airflow_provider_workflows.robusta.effects import ProcessStart

        given = {name: getattr(self, name) for name in self.start_fields} | dict(arguments)
        return ProcessStart(start_body(values=values, zone=self._zone, **given))


class RobustaStatusManySensor(ManySensor):
    """
    Waits until the processes of many records have ended.

    The ``result`` of each is ``{"spid", "message", "status", "outputs"}``. A process has failed if it ended
    with another status than SUCCEEDED.

    :param running_statuses: as in :class:`~airflow_provider_workflows.robusta.sensors.RobustaStatusSensor`
    :param failed_statuses: as in :class:`~airflow_provider_workflows.robusta.sensors.RobustaStatusSensor`
    :param grace: as in :class:`~airflow_provider_workflows.robusta.sensors.RobustaStatusSensor`
    :param robusta_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.bulk.sensor.ManySensor` and
    :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "robusta_conn_id"
    id_field: ClassVar[str] = "spid"
    durations: ClassVar[tuple[str, ...]] = (*ManySensor.durations, "grace")
    template_fields: Sequence[str] = (
        *ManySensor.template_fields,
        "running_statuses",
        "failed_statuses",
        "robusta_conn_id",
    )

    def __init__(
        self,
        *,
        running_statuses: Templated[Sequence[str]] = (),
        failed_statuses: Templated[Sequence[str] | None] = None,
        grace: Duration = 10,
        robusta_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManySensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.running_statuses = rendered(running_statuses)
        self.failed_statuses = rendered(failed_statuses)
        self.grace = grace
        self.robusta_conn_id = rendered(robusta_conn_id)

    def run_ended(self) -> ProcessSucceeded:
        """Return the condition for the end of one process."""
        from airflow_provider_workflows.robusta.conditions import ProcessSucceeded

        return ProcessSucceeded.read(
            spid=ANY_SPID,
            running_statuses=self.running_statuses,
            failed_statuses=self.failed_statuses,
            grace=seconds_of(self.grace, "grace"),
        )
