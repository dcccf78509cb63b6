"""Kiban's notifier: a workfloo started by a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject
from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.kiban.api.operations import start_body
from airflow_provider_workflows.kiban.api.values import VENDOR
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import NotifierParameters, Templated
    from airflow_provider_workflows.kiban.hooks import KibanHook


class KibanStartWorkflooNotifier(WorkflowNotifier):
    """
    Starts an execution from a callback and logs its id.

    With a ``run_key_field``, the execution's form carries a mark made from what the callback is about, such
    as a task's failed try. The notifier searches Kiban's history for the mark before it sends anything, and
    again if the answer is lost. So if Airflow runs a callback twice, it starts one execution. Without a
    ``run_key_field``, it starts two, and after a lost answer the outcome stays unknown. The notifier never
    resends a request that may have started an execution.

    :param workfloo_id: id of the definition, which must be published with a version
    :param scenario_id: id of the test scenario; only in Kiban's sandbox
    :param form: initial answers, a mapping of field id to value, or JSON text of it
    :param run_key_field: id of a form field that nothing else fills, for the mark; as with
        :class:`~airflow_provider_workflows.kiban.operators.KibanStartWorkflooOperator`. The API key must be
        allowed to list all executions of the space
    :param kiban_conn_id: the Airflow connection

    All of these are template fields. For the remaining parameter, and for the errors of :meth:`notify`, see
    :class:`~airflow_provider_workflows.core.notifications.notifier.WorkflowNotifier`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"
    template_fields: Sequence[str] = ("workfloo_id", "scenario_id", "form", "run_key_field", "kiban_conn_id")

    if TYPE_CHECKING:
        hook: KibanHook

    def __init__(
        self,
        *,
        workfloo_id: Templated[str],
        scenario_id: Templated[str | None] = None,
        form: Any = None,
        run_key_field: Templated[str | None] = None,
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[NotifierParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workfloo_id = rendered(workfloo_id)
        self.scenario_id = rendered(scenario_id)
        self.form = form
        self.run_key_field = rendered(run_key_field)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def effect(self, subject: CallbackSubject) -> WorkflooStart:
        """Return the execution to start."""
        body = start_body(self.workfloo_id, scenario_id=self.scenario_id, form=self.form)
        return WorkflooStart(body, run_key_field=self.run_key_field, begun=subject.begun)
