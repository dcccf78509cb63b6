"""BlizWork's operators for many records, which open cases and run activities; the sensor for their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
    from airflow_provider_workflows.blizwork.conditions import CaseClosed
    from airflow_provider_workflows.blizwork.effects import ActivityRun, CaseStart
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import (
        ManyParameters,
        ManySensorParameters,
        Templated,
    )


class _OnBlizWork:
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    workflow_id: str
    blizwork_conn_id: str

    def prepare(self, api: BlizWorkApi) -> Operation[None]:
        """Check what all records have in common."""
        from airflow_provider_workflows.blizwork.api.values import identifier

        identifier(self.workflow_id, "workflow_id")
        yield from ()


class BlizWorkInitManyOperator(_OnBlizWork, ManyOperator):
    """
    Opens a case for every record.

    A record's ``id`` in the results is its case's number. BlizWork takes no values when it opens a case, so
    there are no ``fields``; ``columns`` may name ``exec_user_id`` and ``company_id``. To fill in the first
    activity, hand the results to :class:`BlizWorkExecManyOperator`, with the values in ``keep``.

    If an answer is lost, nothing can find the case: BlizWork has no field for a mark, and no known search.
    The record is then ``unknown``, and is not sent again, unless ``on_lost_answer="resubmit"``. So the
    operator notes each case before it sends the request, and a task that is killed leaves at most
    ``concurrency`` records in doubt.

    :param workflow_id: slug of the workflow; case-sensitive, and spaces count
    :param exec_user_id: e-mail of the user in whose name to open the cases, if not the connection's
    :param company_id: id of the organisation, if not the connection's
    :param blizwork_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    lineage_role: ClassVar[Role] = "begins"
    record_arguments: ClassVar[tuple[str, ...]] = ("exec_user_id", "company_id")
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "workflow_id",
        "exec_user_id",
        "company_id",
        "blizwork_conn_id",
    )

    def __init__(
        self,
        *,
        workflow_id: Templated[str],
        exec_user_id: Templated[str | None] = None,
        company_id: Templated[str | None] = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.exec_user_id = rendered(exec_user_id)
        self.company_id = rendered(company_id)
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def check_ahead(self) -> None:
        """Check what does not depend on BlizWork: that there are no fields, too."""
        super().check_ahead()
        if self.fields:
            raise InvalidInput(
                "BlizWork takes no values when it opens a case, so fields must be left out\n"
                "Nothing was sent. Pass the values to BlizWorkExecManyOperator"
            )

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> CaseStart:
        """Return the case to open for one record."""
        from airflow_provider_workflows.blizwork.effects import CaseStart

        given = {"exec_user_id": self.exec_user_id, "company_id": self.company_id, **arguments}
        return CaseStart.read(self.workflow_id, **given)


class BlizWorkExecManyOperator(_OnBlizWork, ManyOperator):
    """
    Runs the pending activity of the case of every record.

    A record's ``id`` in the results is ``{"case_number", "form_id", "next_form_id", "history_length"}``.
    ``columns`` names ``case_number``, and ``form_id``, ``next_form_id``, ``exec_user_id`` and ``company_id``
    where they differ from record to record. ``fields`` names field ids.

    The operator reads each case right before its request. If an answer is lost, it reads the case again, as
    :class:`~airflow_provider_workflows.blizwork.operators.BlizWorkExecActivityOperator` does: one new run in
    the history, by the same user and with the same action and values, is this record's, and without a new run
    the request is sent again. Otherwise the record is ``unknown``.

    :param workflow_id: slug of the workflow; like all ids, it is case-sensitive, and spaces count
    :param form_id: the activity, for records that do not name another one
    :param next_form_id: the action to choose, for records that do not name another one
    :param exec_user_id: e-mail of the user in whose name to run the activity, if not the connection's
    :param company_id: id of the organisation, if not the connection's
    :param skip_extensions: True to call none of the workflow's webhooks
    :param blizwork_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    lineage_role: ClassVar[Role] = "changes"
    record_arguments: ClassVar[tuple[str, ...]] = (
        "case_number",
        "form_id",
        "next_form_id",
        "exec_user_id",
        "company_id",
    )
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "workflow_id",
        "form_id",
        "next_form_id",
        "exec_user_id",
        "company_id",
        "blizwork_conn_id",
    )

    def __init__(
        self,
        *,
        workflow_id: Templated[str],
        form_id: Templated[str | None] = None,
        next_form_id: Templated[str | None] = None,
        exec_user_id: Templated[str | None] = None,
        company_id: Templated[str | None] = None,
        skip_extensions: bool | None = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.form_id = rendered(form_id)
        self.next_form_id = rendered(next_form_id)
        self.exec_user_id = rendered(exec_user_id)
        self.company_id = rendered(company_id)
        self.skip_extensions = skip_extensions
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> ActivityRun:
        """Return the run of one record's activity."""
        from airflow_provider_workflows.blizwork.effects import ActivityRun

        given = {
            "case_number": None,
            "form_id": self.form_id,
            "next_form_id": self.next_form_id,
            "exec_user_id": self.exec_user_id,
            "company_id": self.company_id,
            **arguments,
        }
        return ActivityRun.read(
            self.workflow_id, form_data=values, skip_extensions=self.skip_extensions, **given
        )


class BlizWorkCaseManySensor(_OnBlizWork, ManySensor):
    """
    Waits until the cases of many records are closed.

    The ``result`` of each is what
    :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor` returns. A case has no outcome of
    its own, so none fails. The results of both of BlizWork's operators for many records name the cases.

    :param workflow_id: slug of the workflow; case-sensitive, and spaces count
    :param fields: ids of the fields to return
    :param end_forms: as in :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor`
    :param closed_where: as in :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor`
    :param blizwork_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.bulk.sensor.ManySensor` and
    :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    id_field: ClassVar[str] = "case_number"
    template_fields: Sequence[str] = (
        *ManySensor.template_fields,
        "workflow_id",
        "fields",
        "end_forms",
        "closed_where",
        "blizwork_conn_id",
    )

    def __init__(
        self,
        *,
        workflow_id: Templated[str],
        fields: Templated[Sequence[str]] = (),
        end_forms: Templated[Sequence[str]] = (),
        closed_where: Templated[Mapping[str, object] | None] = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManySensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.fields = rendered(fields)
        self.end_forms = rendered(end_forms)
        self.closed_where = rendered(closed_where)
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def run_ended(self) -> CaseClosed:
        """Return the condition for the end of one case."""
        from airflow_provider_workflows.blizwork.conditions import CaseClosed

        return CaseClosed.read(
            workflow_id=self.workflow_id,
            case_number=0,
            fields=self.fields,
            end_forms=self.end_forms,
            closed_where=self.closed_where,
        )
