"""OMFlow's notifier: an order opened by a callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject
from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.omflow.api.call import VENDOR
from airflow_provider_workflows.omflow.api.form_data import form_items
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.omflow.effects.open_order import OrderStart

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import NotifierParameters, Templated
    from airflow_provider_workflows.omflow.hooks import OMFlowHook


class OMFlowOpenOrderNotifier(WorkflowNotifier):
    """
    Opens an order from a callback and logs its number.

    With a ``run_key_field``, the order carries a mark made from what the callback is about, such as a task's
    failed try. The notifier looks for an order with the mark before it sends anything, and again if the
    answer is lost. So if Airflow runs a callback twice, it opens one order. Without a ``run_key_field``, it
    opens two, and after a lost answer the outcome stays unknown. The notifier never resends a request that
    may have opened an order.

    :param api_path: name of the process in URLs
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of ``{"id", "type", "value"}``
    :param item_types: mapping ``FORMITM_n`` -> type, for fields without a type in ``form_data``. A callback
        has no time to read the form, so on server 1.1 a title stays empty if neither states its type
    :param start_input: values for a process without a form
    :param run_key_field: a form field of your process that nothing else fills, for the mark. The connection's
        user must be allowed to see every order of the process, because a hidden order counts as missing
    :param omflow_conn_id: the Airflow connection

    All of these are template fields. For the remaining parameter, and for the errors of :meth:`notify`, see
    :class:`~airflow_provider_workflows.core.notifications.notifier.WorkflowNotifier`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"
    template_fields: Sequence[str] = (
        "api_path",
        "form_data",
        "item_types",
        "start_input",
        "run_key_field",
        "omflow_conn_id",
    )

    if TYPE_CHECKING:
        hook: OMFlowHook

    def __init__(
        self,
        *,
        api_path: Templated[str],
        form_data: Any = None,
        item_types: Templated[Mapping[str, str] | None] = None,
        start_input: Templated[Mapping[str, Any] | None] = None,
        run_key_field: Templated[str | None] = None,
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[NotifierParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.form_data = form_data
        self.item_types = rendered(item_types)
        self.start_input = rendered(start_input)
        self.run_key_field = rendered(run_key_field)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def effect(self, subject: CallbackSubject) -> OrderStart:
        """Return the order to open."""
        return OrderStart(
            api_path=self.api_path,
            items=form_items(self.form_data, self.item_types),
            start_input=from_text(self.start_input, "start_input"),
            run_key_field=self.run_key_field,
        )
