"""BlizWork's sensors: they wait until an activity is pending, or until a case is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor

if TYPE_CHECKING:
    from airflow_provider_workflows.blizwork.conditions import ActivityPending, CaseClosed
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.core.waiting.condition import OnPassed


class _CaseSensor(WorkflowSensor):
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    template_fields_renderers: ClassVar[dict[str, str]] = {"closed_where": "json"}

    workflow_id: str
    case_number: object
    end_forms: Sequence[str] | str
    closed_where: Mapping[str, Any] | str | None

    def _case(self) -> dict[str, Any]:
        """Return the arguments that all conditions on a case share."""
        return {
            "workflow_id": self.workflow_id,
            "case_number": self.case_number,
            "end_forms": self.end_forms,
            "closed_where": self.closed_where,
        }


class BlizWorkActivitySensor(_CaseSensor):
    """
    Waits until an activity of a case is pending, and returns its form id.

    The sensor reads the case's history, whose last entry names the next activity (vendor's SDK). It fails at
    once if the case is closed, or if the activity was run and another one is pending. With
    ``on_passed="succeed"``, an activity that was run is a success. The sensor then returns an
    :class:`~airflow_provider_workflows.blizwork.conditions.ActivityResult`, also if the activity is pending:
    ``{"passed": bool, "form_id": str, "next_form_id": str | None, "by": str | None, "steps": [...]}``.

    It is not known whether the history of a new case is empty, or has an entry that names its first activity.
    If it is empty, the sensor needs ``first_form_id`` while no activity was run, and without it fails at
    once.

    :param workflow_id: slug of the workflow; case-sensitive, and spaces count
    :param case_number: an integer, or text of digits
    :param form_id: the activity; any if left out
    :param after_history: for workflows with loops: the ``history_length`` that
        :class:`~airflow_provider_workflows.blizwork.operators.BlizWorkExecActivityOperator` returned. Only
        what came after that run counts
    :param first_form_id: the workflow's first activity; needed only if BlizWork shows the history of a new
        case as empty, and ``after_history`` is not given
    :param on_passed: if somebody has run the activity before the sensor saw it pending: ``fail``, or
        ``succeed``, which requires ``form_id``
    :param end_forms: as in :class:`BlizWorkCaseSensor`
    :param closed_where: as in :class:`BlizWorkCaseSensor`
    :param blizwork_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    template_fields: Sequence[str] = (
        "workflow_id",
        "case_number",
        "form_id",
        "after_history",
        "first_form_id",
        "end_forms",
        "closed_where",
        "blizwork_conn_id",
    )

    def __init__(
        self,
        *,
        workflow_id: Templated[str],
        case_number: Templated[int],
        end_forms: Templated[Sequence[str]] = (),
        closed_where: Templated[Mapping[str, Any] | None] = None,
        form_id: Templated[str | None] = None,
        after_history: Templated[int | None] = None,
        first_form_id: Templated[str | None] = None,
        on_passed: OnPassed = "fail",
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        if on_passed == "succeed" and kwargs.get("multiple_outputs") is None:
            kwargs["multiple_outputs"] = True
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.case_number = rendered(case_number)
        self.end_forms = rendered(end_forms)
        self.closed_where = rendered(closed_where)
        self.form_id = rendered(form_id)
        self.after_history = rendered(after_history)
        self.first_form_id = rendered(first_form_id)
        self.on_passed = on_passed
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def condition(self) -> ActivityPending:
        """Return what is waited for."""
        from airflow_provider_workflows.blizwork.conditions import ActivityPending

        return ActivityPending.read(
            **self._case(),
            form_id=self.form_id,
            after_history=self.after_history,
            first_form_id=self.first_form_id,
            on_passed=self.on_passed,
        )


class BlizWorkCaseSensor(_CaseSensor):
    """
    Waits until a case is closed.

    Returns ``{"case_number": int, "last_form_id": str | None, "fields": {id: value}}``. BlizWork gives a case
    no outcome. Read the outcome from a field, or from the activity that was run last.

    Assumption: a case is closed if the last entry of its history names no next activity, because the vendor
    documents no sign of a closed case. Wrong if the sensor still waits when BlizWork shows the
    case as closed, or ends before that. Then set ``end_forms`` or ``closed_where``.

    :param workflow_id: slug of the workflow; case-sensitive, and spaces count
    :param case_number: an integer, or text of digits
    :param fields: ids of fields to return
    :param end_forms: form ids that mean the end if the history names them as the next activity
    :param closed_where: values of the case document's own keys that mean closed, such as
        ``{"status": "closed"}``; the sensor then does not infer the end
    :param blizwork_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
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

    def __init__(
        self,
        *,
        workflow_id: Templated[str],
        case_number: Templated[int],
        end_forms: Templated[Sequence[str]] = (),
        closed_where: Templated[Mapping[str, Any] | None] = None,
        fields: Templated[Sequence[str]] = (),
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.case_number = rendered(case_number)
        self.end_forms = rendered(end_forms)
        self.closed_where = rendered(closed_where)
        self.fields = rendered(fields)
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def condition(self) -> CaseClosed:
        """Return what is waited for."""
        from airflow_provider_workflows.blizwork.conditions import CaseClosed

        return CaseClosed.read(**self._case(), fields=self.fields)
