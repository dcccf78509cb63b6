"""BlizWork's notifier: a mail sent by a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.notifier import WorkflowNotifier
from airflow_provider_workflows.base.occasion import Occasion
from airflow_provider_workflows.blizwork.api import VENDOR
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.mailing import Mail

if TYPE_CHECKING:
    from airflow.sdk import Context


class BlizWorkSendNotificationNotifier(WorkflowNotifier):
    """
    Sends BlizWork's notification, a mail from a template, from a callback.

    BlizWork gives a mail no number and cannot be asked for one. So it is sent once each time that Airflow
    runs the callback, which is nearly always once. A lost answer stays a doubt, and the mail is not sent
    again.

    :param template: the mail's template at BlizWork
    :param to: addresses, as a sequence or with commas between
    :param params: values of the template's parameters by name, such as ``p1``, or JSON text of them
    :param blizwork_conn_id: the Airflow connection
    :param context: the callback's, which Airflow gives

    All but the last are template fields. What :meth:`notify` raises is told in
    :class:`~airflow_provider_workflows.base.notifier.WorkflowNotifier`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    template_fields: Sequence[str] = ("template", "to", "params", "blizwork_conn_id")

    def __init__(
        self,
        *,
        template: str,
        to: str | Sequence[str],
        params: Any = None,
        blizwork_conn_id: str = FORM.default_conn_id,
        context: Context | None = None,
    ) -> None:
        super().__init__(context=context)
        self.template = template
        self.to = to
        self.params = params
        self.blizwork_conn_id = blizwork_conn_id

    def thing(self, occasion: Occasion) -> Mail:
        """Return the mail."""
        return Mail(self.template, to=self.to, params=self.params)
