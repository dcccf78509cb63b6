"""OMFlow's operators: open an order, push it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.files import FilePath
from airflow_provider_workflows.base.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.omflow.attaching import attach_missing, file_parts
from airflow_provider_workflows.omflow.call import VENDOR
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.omflow.formdata import form_items
from airflow_provider_workflows.omflow.pushing import OrderPush
from airflow_provider_workflows.omflow.starting import OrderStart
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.omflow.hook import OMFlowHook


class _OnOMFlow:
    """What OMFlow's operators have in common beside the base."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"
    omflow_conn_id: str

    if TYPE_CHECKING:
        hook: OMFlowHook


class OMFlowOpenOrderOperator(_OnOMFlow, WaitingOperator):
    """
    Opens an order and returns its number (``data_no``).

    The number is logged and kept in Airflow's state store at once (3.3+), so that a retry goes on with the
    same order. When the answer is lost, the order is looked for by its mark in the ``run_key_field``, and is
    opened again only if it has not appeared after ``settle`` seconds. Without a ``run_key_field`` the task
    fails with :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and opens nothing again.

    :param api_path: name of the process in URLs
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of ``{"id", "type", "value"}``
    :param start_input: values for a process without a form
    :param attachments: general files: local paths, URLs of objects or ``ObjectStoragePath``
    :param field_attachments: mapping ``FORMITM_n`` -> file, for form fields of type file (server 1.2 only)
    :param run_key_field: a form field of your process that nothing else fills; the operator writes a mark
        there by which it finds the order when the answer is lost, or says no number, as with start components
        that validate. The user of the connection must be allowed to see every order of the process: what
        OMFlow hides from it counts as not there
    :param omflow_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises Rejected: OMFlow refused the values
    :raises OutcomeUnknown: an order may have been opened whose number is not known
    :raises RunFailed: the order that an earlier attempt opened has failed

    The parameters for waiting, and for what a new attempt does, are those of
    :class:`~airflow_provider_workflows.base.operator.WaitingOperator`; what is waited for is the order's end.
    """

    template_fields: Sequence[str] = (
        "api_path",
        "form_data",
        "start_input",
        "attachments",
        "field_attachments",
        "run_key_field",
        "omflow_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"form_data": "json", "start_input": "json"}

    def __init__(
        self,
        *,
        api_path: str,
        form_data: Any = None,
        start_input: Mapping[str, Any] | None = None,
        attachments: Sequence[FilePath] = (),
        field_attachments: Mapping[str, FilePath] | None = None,
        run_key_field: str | None = None,
        omflow_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = api_path
        self.form_data = form_data
        self.start_input = start_input
        self.attachments = attachments
        self.field_attachments = field_attachments
        self.run_key_field = run_key_field
        self.omflow_conn_id = omflow_conn_id

    def execute(self, context: Context) -> Any:
        """Open the order, attach its files, and wait for its end if asked to."""
        # All that is wrong must be known before an intent is written.
        version = self.hook.get_conn().version
        files = file_parts(self.attachments or (), self.field_attachments or {}, version=version)
        # Server 1.1 fails on an open call with files (recorded).
        along, after = ([], files) if version == "1.1" else (files, [])
        start = OrderStart(
            self.hook,
            api_path=self.api_path,
            items=form_items(self.form_data),
            start_input=from_text(self.start_input, "start_input"),
            files=along,
            run_key_field=self.run_key_field,
        )
        data_no = self.start(context, start)
        self.announce(context, f"{self.api_path}/{data_no}")
        with self.after_start(context):
            attach_missing(self.hook, self.api_path, data_no, after)
        if self.wait_for_completion:
            self.wait_for(context, start.end(data_no))
        return data_no

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the order's number after the wait for its end."""
        return super().execute_complete(context, event)["data_no"]

    @property
    def retry_is_safe(self) -> bool:
        """Whether the order carries a mark."""
        return bool(self.run_key_field)


class OMFlowPushOrderOperator(_OnOMFlow, OnceOperator):
    """
    Pushes an order on from the stop where it stands, and returns the ``data_id`` that was pushed.

    OMFlow takes one push per data_id. When the answer is lost the order is read: a push by the same user with
    the same values is this one, if they changed anything; a row that still stands after ``settle`` seconds is
    pushed again. A push that changes no value by ``form_data``, such as a ``quick_action``, shows nothing by
    which to tell whose it was: if the row has moved on after a lost answer, the task fails with
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown`.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param stop_chart_text: label of the stop; the order is read right before the push
    :param data_id: instead of ``stop_chart_text``, the very row to push, for branches with the same label
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of items; every required field
        of the stop must be repeated
    :param quick_action: instead of ``form_data``, ``action1`` or ``action2``
    :param omflow_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises Rejected: nothing or more than one branch stands at the stop, or OMFlow refused the push
    :raises OutcomeUnknown: the answer is lost, and nothing shows that it was this push that moved the order

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.base.operator.OnceOperator`.
    """

    template_fields: Sequence[str] = (
        "api_path",
        "data_no",
        "stop_chart_text",
        "data_id",
        "form_data",
        "quick_action",
        "omflow_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"form_data": "json"}

    def __init__(
        self,
        *,
        api_path: str,
        data_no: Any,
        stop_chart_text: str | None = None,
        data_id: Any = None,
        form_data: Any = None,
        quick_action: str | None = None,
        omflow_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = api_path
        self.data_no = data_no
        self.stop_chart_text = stop_chart_text
        self.data_id = data_id
        self.form_data = form_data
        self.quick_action = quick_action
        self.omflow_conn_id = omflow_conn_id

    def execute(self, context: Context) -> int:
        """Push once."""
        push = self._push()
        self.announce(context, f"{self.api_path}/{self.data_no}")
        return int(self.once(context, push))

    def _push(self) -> OrderPush:
        if (self.stop_chart_text is None) == (self.data_id is None):
            raise InvalidInput("Name the stop by stop_chart_text or by data_id, and not by both")
        if self.quick_action is not None and self.form_data is not None:
            raise InvalidInput("quick_action skips the form, so it excludes form_data")
        return OrderPush(
            self.hook,
            api_path=self.api_path,
            data_no=self.data_no,
            stop_chart_text=None if self.stop_chart_text is None else str(self.stop_chart_text),
            data_id=self.data_id,
            items=form_items(self.form_data),
            quick_action=self.quick_action,
        )
