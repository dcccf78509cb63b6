"""BlizWork's sensors: an activity that is pending, a case's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from airflow_provider_workflows.blizwork.api import VENDOR
from airflow_provider_workflows.blizwork.conditions import ActivityPending, CaseClosed
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.values import (
    case_number,
    closing,
    identifier,
    names,
    optional_identifier,
)


class _CaseSensor(WorkflowSensor):
    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    template_fields_renderers: ClassVar[dict[str, str]] = {"closed_where": "json"}

    def __init__(
        self,
        *,
        workflow_id: str,
        case_number: Any,
        end_forms: Sequence[str] = (),
        closed_where: Mapping[str, Any] | None = None,
        blizwork_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.case_number = case_number
        self.end_forms = end_forms
        self.closed_where = closed_where
        self.blizwork_conn_id = blizwork_conn_id

    def _case(self) -> dict[str, Any]:
        """Return what every condition on the case takes."""
        return {
            "workflow_id": identifier(self.workflow_id, "workflow_id"),
            "case_number": case_number(self.case_number),
            **closing(self.end_forms, self.closed_where),
        }


class BlizWorkActivitySensor(_CaseSensor):
    """
    Waits until an activity of a case is pending, and returns its form id.

    What is pending is read from the case's history: its last entry names the next activity (vendor's SDK).
    Fails at once when the case is closed, and when the activity was run and another one is pending.

    :param workflow_id: slug of the process; case and blanks matter
    :param case_number: an integer, or text of digits
    :param form_id: the activity; any if left out
    :param after_history: in a process with loops, ``history_length`` of what
        :class:`~airflow_provider_workflows.blizwork.operators.BlizWorkExecActivityOperator` returned: only
        what came after that run counts
    :param end_forms: as in :class:`BlizWorkCaseSensor`
    :param closed_where: as in :class:`BlizWorkCaseSensor`
    :param blizwork_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    template_fields: Sequence[str] = (
        "workflow_id",
        "case_number",
        "form_id",
        "after_history",
        "end_forms",
        "closed_where",
        "blizwork_conn_id",
    )

    def __init__(self, *, form_id: str | None = None, after_history: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form_id = form_id
        self.after_history = after_history

    def condition(self) -> ActivityPending:
        """Return what is waited for."""
        after = None if self.after_history is None else case_number(self.after_history, "after_history")
        return ActivityPending(
            **self._case(), form_id=optional_identifier(self.form_id, "form_id"), after_history=after
        )


class BlizWorkCaseSensor(_CaseSensor):
    """
    Waits until a case is closed.

    Returns ``{"case_number": int, "last_form_id": str | None, "fields": {id: value}}``. BlizWork gives a case
    no outcome: read it from a field or from the activity that was run last.

    That a case is closed is an inference, since no page of the vendor's documents a mark of it: the last
    entry of its history names no next activity. Where a process shows its end otherwise, say so by
    ``end_forms`` or ``closed_where``.

    :param workflow_id: slug of the process; case and blanks matter
    :param case_number: an integer, or text of digits
    :param fields: ids of fields to return
    :param end_forms: next activities that are ends, for processes whose history names one at its end
    :param closed_where: in place of the inference, values of the case document's own keys that mean closed,
        such as ``{"status": "closed"}``
    :param blizwork_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        "workflow_id",
        "case_number",
        "fields",
        "end_forms",
        "closed_where",
        "blizwork_conn_id",
    )

    def __init__(self, *, fields: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = fields

    def condition(self) -> CaseClosed:
        """Return what is waited for."""
        return CaseClosed(**self._case(), fields=names(self.fields, "fields"))
