"""Kiban's operator for many records, which starts workfloos, and the sensor for their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.kiban.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import (
        ManyParameters,
        ManySensorParameters,
        Templated,
    )
    from airflow_provider_workflows.kiban.api.operations import KibanApi
    from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
    from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart


class KibanStartManyOperator(ManyOperator):
    """
    Starts an execution of a workfloo for every record.

    A record's ``id`` in the results is its execution's. ``fields`` names form fields, for the initial
    answers; ``columns`` may name ``scenario_id`` and ``document``, a mapping of document id to content in
    Base64.

    Kiban accepts no idempotency key, and bills production runs. If answers are lost, the operator reads the
    history once for all of them, from 65 minutes before the first of these requests on:

    - With a ``run_key_field``, it searches for the executions whose forms contain the marks, and takes those.
      If a mark is not there, and every execution of that time has another value in that field, it starts the
      workfloo again.
    - Without a ``run_key_field``, a record is started again only if the history has no execution at all since
      then, which is unlikely for many. Otherwise the record is ``unknown``, unless
      ``on_lost_answer="resubmit"``.

    :param workfloo_id: id of the definition, which must be published with a version
    :param scenario_id: id of the test scenario, for records that do not name another one; only in Kiban's
        sandbox
    :param run_key_field: id of a form field that nothing else fills, for the mark; as in
        :class:`~airflow_provider_workflows.kiban.operators.KibanStartWorkflooOperator`
    :param callback_url: Kiban POSTs each change of the status there, with the connection's callback API key
    :param kiban_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"
    lineage_role: ClassVar[Role] = "begins"
    record_arguments: ClassVar[tuple[str, ...]] = ("scenario_id", "document")
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "workfloo_id",
        "scenario_id",
        "run_key_field",
        "callback_url",
        "kiban_conn_id",
    )

    def __init__(
        self,
        *,
        workfloo_id: Templated[str],
        scenario_id: Templated[str | None] = None,
        run_key_field: Templated[str | None] = None,
        callback_url: Templated[str | None] = None,
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workfloo_id = rendered(workfloo_id)
        self.scenario_id = rendered(scenario_id)
        self.run_key_field = rendered(run_key_field)
        self.callback_url = rendered(callback_url)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def prepare(self, api: KibanApi) -> Operation[None]:
        """Check what all records have in common; a scenario is not for production."""
        from airflow_provider_workflows.kiban.api.values import identifier

        identifier(self.workfloo_id, "workfloo_id")
        if self.scenario_id is not None:
            api.check_scenario({"scenarioId": self.scenario_id})
        yield from ()

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> WorkflooStart:
        """Return the execution to start for one record."""
        from airflow_provider_workflows.kiban.api.operations import start_body
        from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart

        given = {"scenario_id": self.scenario_id, **arguments}
        body = start_body(self.workfloo_id, form=values or None, callback_url=self.callback_url, **given)
        return WorkflooStart(body, run_key_field=self.run_key_field)


class KibanWorkflooManySensor(ManySensor):
    """
    Waits until the executions of many records have ended.

    The ``result`` of each is what :class:`~airflow_provider_workflows.kiban.sensors.KibanWorkflooSensor`
    returns. An execution has failed if it ended with ERROR, expired, or was cancelled.

    :param result_fields: what to return from each execution's detail; as in
        :class:`~airflow_provider_workflows.kiban.sensors.KibanWorkflooSensor`. The detail has personal data,
        and what is returned is written into the results
    :param kiban_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.bulk.sensor.ManySensor` and
    :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"
    id_field: ClassVar[str] = "execution_id"
    template_fields: Sequence[str] = (*ManySensor.template_fields, "result_fields", "kiban_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"result_fields": "json"}

    def __init__(
        self,
        *,
        result_fields: Templated[Sequence[str]] = (),
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManySensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.result_fields = rendered(result_fields)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def run_ended(self) -> ExecutionSucceeded:
        """Return the condition for the end of one execution."""
        from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded

        return ExecutionSucceeded.read(execution_id="any", result_fields=self.result_fields)
