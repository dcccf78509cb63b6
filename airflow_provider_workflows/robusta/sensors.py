"""Robusta's sensor: it waits until a process has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.robusta.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.robusta.conditions import ProcessOutputs


class RobustaStatusSensor(WorkflowSensor):
    """
    Waits until a process has ended with SUCCEEDED, and returns its outputs by name, without the prefix
    ``__out_``.

    While the status is WAITING or RUNNING, the sensor keeps waiting. For a recurring schedule, Robusta does
    not say which run the status belongs to.

    Assumption: any other word means failure, unless the two lists below say otherwise; Robusta documents none
    for it. Wrong if the sensor fails while Robusta shows the process as running.

    :param spid: Robusta's id of the started process
    :param running_statuses: more status words, besides WAITING and RUNNING, that mean that the process is
        still running
    :param failed_statuses: the only status words that mean failure; if you set it, the sensor keeps waiting
        when it sees any other word. By default every unknown word means failure
    :param grace: seconds for which each check keeps asking about a SPID that Robusta does not know, which may
        happen right after the start
    :param robusta_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "robusta_conn_id"

    durations: ClassVar[tuple[str, ...]] = (*WorkflowSensor.durations, "grace")
    template_fields: Sequence[str] = ("spid", "running_statuses", "failed_statuses", "robusta_conn_id")

    def __init__(
        self,
        *,
        spid: Templated[str],
        running_statuses: Templated[Sequence[str]] = (),
        failed_statuses: Templated[Sequence[str] | None] = None,
        grace: Duration = 10,
        robusta_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.spid = rendered(spid)
        self.running_statuses = rendered(running_statuses)
        self.failed_statuses = rendered(failed_statuses)
        self.grace = grace
        self.robusta_conn_id = rendered(robusta_conn_id)

    def condition(self) -> ProcessOutputs:
        """Return what is waited for."""
        from airflow_provider_workflows.robusta.conditions import ProcessOutputs

        return ProcessOutputs.read(
            spid=self.spid,
            running_statuses=self.running_statuses,
            failed_statuses=self.failed_statuses,
            grace=seconds_of(self.grace, "grace"),
        )
