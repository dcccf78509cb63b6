"""Kiban's notifier: a workfloo started by a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.notifier import WorkflowNotifier
from airflow_provider_workflows.base.occasion import Occasion
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.starting import WorkflooStart
from airflow_provider_workflows.kiban.steps import mapping
from airflow_provider_workflows.kiban.values import VENDOR, identifier

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.kiban.hook import KibanHook


class KibanStartWorkflooNotifier(WorkflowNotifier):
    """
    Starts an execution from a callback, and logs its id.

    With a ``run_key_field`` the execution's form carries a mark that follows from what the callback is about.
    Kiban's history since then is looked through for it before anything is sent, so that a callback which
    Airflow runs twice starts one execution, and again if the answer is lost. Without, a callback that runs
    twice starts two, and a lost answer stays a doubt. What may have been started is never started again.

    :param workfloo_id: of the definition, which must be published with a version
    :param scenario_id: of the test scenario; in the sandbox only
    :param form: initial answers, field id -> value, or JSON text of them
    :param run_key_field: id of a form field, of no other use, for the mark; as with
        :class:`~airflow_provider_workflows.kiban.operators.KibanStartWorkflooOperator`. The API key must list
        all executions of the space
    :param kiban_conn_id: the Airflow connection
    :param context: the callback's, which Airflow gives

    All but the last are template fields. What :meth:`notify` raises is told in
    :class:`~airflow_provider_workflows.base.notifier.WorkflowNotifier`.
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
        workfloo_id: str,
        scenario_id: str | None = None,
        form: Any = None,
        run_key_field: str | None = None,
        kiban_conn_id: str = FORM.default_conn_id,
        context: Context | None = None,
    ) -> None:
        super().__init__(context=context)
        self.workfloo_id = workfloo_id
        self.scenario_id = scenario_id
        self.form = form
        self.run_key_field = run_key_field
        self.kiban_conn_id = kiban_conn_id

    def thing(self, occasion: Occasion) -> WorkflooStart:
        """Return the execution."""
        arguments = {
            "workfloo_id": identifier(self.workfloo_id, "workfloo_id"),
            "scenario_id": self.scenario_id,
            "form": None if self.form is None else mapping(self.form, "form"),
        }
        return WorkflooStart(self.hook, arguments, run_key_field=self.run_key_field, begun=occasion.begun)
