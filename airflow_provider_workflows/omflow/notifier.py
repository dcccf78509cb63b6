"""OMFlow's notifier: an order opened by a callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.notifier import WorkflowNotifier
from airflow_provider_workflows.base.occasion import Occasion
from airflow_provider_workflows.omflow.call import VENDOR
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.omflow.formdata import form_items
from airflow_provider_workflows.omflow.starting import OrderStart
from airflow_provider_workflows.protocol.jsontext import from_text

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.omflow.hook import OMFlowHook


class OMFlowOpenOrderNotifier(WorkflowNotifier):
    """
    Opens an order from a callback, and logs its number.

    With a ``run_key_field`` the order carries a mark that follows from what the callback is about. OMFlow is
    asked for it before anything is sent, so that a callback which Airflow runs twice opens one order, and
    again if the answer is lost. Without, a callback that runs twice opens two, and a lost answer stays a
    doubt. What may have been opened is never opened again.

    :param api_path: name of the process in URLs
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of ``{"id", "type", "value"}``
    :param start_input: values for a process without a form
    :param run_key_field: a form field of your process that nothing else fills, for the mark. The user of the
        connection must be allowed to see every order of the process: what OMFlow hides counts as not there
    :param omflow_conn_id: the Airflow connection
    :param context: the callback's, which Airflow gives

    All but the last are template fields. What :meth:`notify` raises is told in
    :class:`~airflow_provider_workflows.base.notifier.WorkflowNotifier`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"
    template_fields: Sequence[str] = (
        "api_path",
        "form_data",
        "start_input",
        "run_key_field",
        "omflow_conn_id",
    )

    if TYPE_CHECKING:
        hook: OMFlowHook

    def __init__(
        self,
        *,
        api_path: str,
        form_data: Any = None,
        start_input: Mapping[str, Any] | None = None,
        run_key_field: str | None = None,
        omflow_conn_id: str = FORM.default_conn_id,
        context: Context | None = None,
    ) -> None:
        super().__init__(context=context)
        self.api_path = api_path
        self.form_data = form_data
        self.start_input = start_input
        self.run_key_field = run_key_field
        self.omflow_conn_id = omflow_conn_id

    def thing(self, occasion: Occasion) -> OrderStart:
        """Return the order."""
        return OrderStart(
            self.hook,
            api_path=self.api_path,
            items=form_items(self.form_data),
            start_input=from_text(self.start_input, "start_input"),
            run_key_field=self.run_key_field,
        )
