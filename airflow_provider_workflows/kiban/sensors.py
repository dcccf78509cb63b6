"""Kiban's sensors: an execution at a step, an execution's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded, StepPending
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.detail import check_fields
from airflow_provider_workflows.kiban.values import VENDOR, identifier
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text


class _ExecutionSensor(WorkflowSensor):
    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"

    def __init__(
        self, *, execution_id: str, kiban_conn_id: str = FORM.default_conn_id, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = execution_id
        self.kiban_conn_id = kiban_conn_id


class KibanWorkflooSensor(_ExecutionSensor):
    """
    Waits until an execution has ended with SUCCESS.

    Returns ``{"id", "status": "SUCCESS", "labels": [str], "fields": {path: value}}``. SUCCESS does not mean
    that the applicant was accepted; the decision is in the labels or the detail, from which ``result_fields``
    takes it. Fails at once when the execution ended with ERROR, expired, or was cancelled. A status or node
    type that this package does not know is waited on, with a warning, until the timeout.

    :param execution_id: what the start returned as ``id``
    :param result_fields: paths into the detail whose values are to be returned, such as
        ``nodes.Decision.ruleset.exit``: names with points between, elements of lists by their ``name``,
        ``id`` or index. The detail holds personal data, and what is returned is kept in Airflow's database
    :param kiban_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("execution_id", "result_fields", "kiban_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"result_fields": "json"}

    def __init__(self, *, result_fields: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result_fields = result_fields

    def condition(self) -> ExecutionSucceeded:
        """Return what is waited for."""
        return ExecutionSucceeded(
            execution_id=identifier(self.execution_id, "execution_id"),
            result_fields=check_fields(from_text(self.result_fields, "result_fields")),
        )


class KibanStepSensor(_ExecutionSensor):
    """
    Waits until an execution stands at a step and waits for somebody.

    Returns ``{"id", "node_name", "node_id", "node_type", "phase", "state"}``, the last two "" where the node
    type has none. Fails at once when the execution has ended.

    :param execution_id: what the start returned as ``id``
    :param node: name or id of the node
    :param node_type: FORM, DOCUMENT, LINK, VALIDATION, TIMER, or what Kiban adds. At least one of ``node``
        and ``node_type`` is needed
    :param phase: of a LINK, such as VALIDATE
    :param state: of a VALIDATION, CORRECTION or REVIEW
    :param kiban_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("execution_id", "node", "node_type", "phase", "state", "kiban_conn_id")

    def __init__(
        self,
        *,
        node: str | None = None,
        node_type: str | None = None,
        phase: str | None = None,
        state: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.node = node
        self.node_type = node_type
        self.phase = phase
        self.state = state

    def condition(self) -> StepPending:
        """Return what is waited for."""
        if self.node is None and self.node_type is None:
            raise InvalidInput("Name the step by node or node_type")
        named = {
            name: None if value is None else identifier(value, name)
            for name, value in {
                "node": self.node,
                "node_type": self.node_type,
                "phase": self.phase,
                "state": self.state,
            }.items()
        }
        return StepPending(execution_id=identifier(self.execution_id, "execution_id"), **named)
