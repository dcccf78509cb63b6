"""Robusta's sensor: the end of a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from airflow_provider_workflows.robusta.api import VENDOR, checked_spid
from airflow_provider_workflows.robusta.conditions import ProcessOutputs, word_lists
from airflow_provider_workflows.robusta.connection import FORM


class RobustaStatusSensor(WorkflowSensor):
    """
    Waits until a process has ended with SUCCEEDED, and returns its outputs by name, without their ``__out_``.

    WAITING and RUNNING go on. Any other word ends the wait as failure, since Robusta documents none for it,
    unless the lists say otherwise. Of a recurring schedule it is not known which run the status tells of.

    :param spid: Robusta's handle of the process
    :param running_statuses: further status words, beside WAITING and RUNNING, that mean that it goes on
    :param failed_statuses: the only status words that mean failure; words in no list are then waited on. By
        default every word that is not known means failure
    :param grace: seconds for which a SPID that Robusta does not know is looked for again at each look, as it
        may not be known right after the start
    :param robusta_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "robusta_conn_id"

    template_fields: Sequence[str] = ("spid", "running_statuses", "failed_statuses", "robusta_conn_id")

    def __init__(
        self,
        *,
        spid: str,
        running_statuses: Sequence[str] = (),
        failed_statuses: Sequence[str] | None = None,
        grace: float = 10,
        robusta_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spid = spid
        self.running_statuses = running_statuses
        self.failed_statuses = failed_statuses
        self.grace = grace
        self.robusta_conn_id = robusta_conn_id

    def condition(self) -> ProcessOutputs:
        """Return what is waited for."""
        lists = word_lists(self.running_statuses, self.failed_statuses)
        return ProcessOutputs(spid=checked_spid(self.spid), grace=self.grace, **lists)
