"""Kiban's sensors: they wait until an execution is at a step, or has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.kiban.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.core.waiting.condition import OnPassed
    from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded, StepPending


class _ExecutionSensor(WorkflowSensor):
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"


class KibanWorkflooSensor(_ExecutionSensor):
    """
    Waits until an execution has ended with SUCCESS.

    Returns ``{"id", "status": "SUCCESS", "labels": [str], "fields": {path: value}}``. SUCCESS does not mean
    that the applicant was accepted. The decision is in the labels or in the detail: ask for it with
    ``result_fields``. The sensor fails at once if the execution ended with ERROR, expired, or was cancelled.
    If the package does not know a status or node type, the sensor logs a warning and waits until the timeout.

    :param execution_id: what the start returned as ``id``
    :param result_fields: what to return from the execution's detail, as paths such as
        ``nodes.Decision.ruleset.exit``: names joined by dots, list elements by their ``name``, ``id`` or
        index. The detail has personal data, and Airflow keeps what is returned in its database
    :param kiban_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("execution_id", "result_fields", "kiban_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"result_fields": "json"}

    def __init__(
        self,
        *,
        execution_id: Templated[str],
        result_fields: Templated[Sequence[str]] = (),
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = rendered(execution_id)
        self.result_fields = rendered(result_fields)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def condition(self) -> ExecutionSucceeded:
        """Return what is waited for."""
        from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded

        return ExecutionSucceeded.read(execution_id=self.execution_id, result_fields=self.result_fields)


class KibanStepSensor(_ExecutionSensor):
    """
    Waits until an execution is at a step and needs an answer there.

    Returns ``{"id", "node_name", "node_id", "node_type", "phase", "state"}``; ``phase`` and ``state`` are ""
    if the node type has none. The sensor fails at once if the execution has ended. It does not see that the
    step was already passed: it then waits until the execution ends, or for ``timeout``.

    With ``on_passed="succeed"``, it also reads the execution's detail, and a step that is done is a success.
    In a loop, an earlier visit counts too. The sensor then returns a
    :class:`~airflow_provider_workflows.kiban.conditions.StepResult`, also if the execution waits at the step:
    the same keys, and ``"passed": bool, "decision": str | None, "by": str | None, "steps": [...]``.

    :param execution_id: what the start returned as ``id``
    :param node: name or id of the node; set this, ``node_type`` or both
    :param node_type: FORM, DOCUMENT, LINK, VALIDATION, TIMER, or a type that Kiban adds
    :param phase: of a LINK, such as VALIDATE
    :param state: of a VALIDATION: CORRECTION or REVIEW
    :param on_passed: if the step was passed before the sensor saw the execution there: ``fail``, or
        ``succeed``, which requires ``node``
    :param kiban_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("execution_id", "node", "node_type", "phase", "state", "kiban_conn_id")

    def __init__(
        self,
        *,
        execution_id: Templated[str],
        node: Templated[str | None] = None,
        node_type: Templated[str | None] = None,
        phase: Templated[str | None] = None,
        state: Templated[str | None] = None,
        on_passed: OnPassed = "fail",
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = rendered(execution_id)
        self.node = rendered(node)
        self.node_type = rendered(node_type)
        self.phase = rendered(phase)
        self.state = rendered(state)
        self.on_passed = on_passed
        self.kiban_conn_id = rendered(kiban_conn_id)

    def condition(self) -> StepPending:
        """Return what is waited for."""
        from airflow_provider_workflows.kiban.conditions import StepPending

        return StepPending.read(
            execution_id=self.execution_id,
            node=self.node,
            node_type=self.node_type,
            phase=self.phase,
            state=self.state,
            on_passed=self.on_passed,
        )
