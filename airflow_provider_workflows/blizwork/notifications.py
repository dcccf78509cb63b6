"""BlizWork's notifier: a mail sent by a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.blizwork.api.operations import VENDOR
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.effects import Mail
from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject
from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.core.runtime.templates import rendered

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import NotifierParameters, Templated


class BlizWorkSendNotificationNotifier(WorkflowNotifier):
    """
    Has BlizWork send a mail from a template, when a callback runs.

    BlizWork gives a mail no number and does not list sent mails. So the notifier sends a mail each time that
    Airflow runs the callback, which is nearly always once. After a lost answer the outcome stays unknown, and
    the notifier does not send the mail again.

    :param template: the mail's template in BlizWork
    :param to: addresses, as a sequence or as text with commas between
    :param params: values of the template's parameters by name, such as ``p1``, or JSON text of them
    :param blizwork_conn_id: the Airflow connection

    All of these are template fields. For the remaining parameter, and for the errors of :meth:`notify`, see
    :class:`~airflow_provider_workflows.core.notifications.notifier.WorkflowNotifier`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    template_fields: Sequence[str] = ("template", "to", "params", "blizwork_conn_id")

    def __init__(
        self,
        *,
        template: Templated[str],
        to: Templated[Sequence[str]],
        params: Any = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[NotifierParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.template = rendered(template)
        self.to = rendered(to)
        self.params = params
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def effect(self, subject: CallbackSubject) -> Mail:
        """Return the mail to send."""
        return Mail(self.template, to=self.to, params=self.params)
