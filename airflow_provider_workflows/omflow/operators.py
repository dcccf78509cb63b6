"""OMFlow's operators: open an order, push it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.omflow.connection import FORM

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.protocol.message import Part
    from airflow_provider_workflows.core.tasks.attachments import FilePath
    from airflow_provider_workflows.core.tasks.parameters import OnceParameters, Templated, WaitingParameters
    from airflow_provider_workflows.omflow.effects.open_order import OrderStart
    from airflow_provider_workflows.omflow.effects.push_order import OrderPush
    from airflow_provider_workflows.omflow.hooks import OMFlowHook


class _OnOMFlow:
    """What OMFlow's operators have in common."""

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"
    omflow_conn_id: str

    if TYPE_CHECKING:
        hook: OMFlowHook


class OMFlowOpenOrderOperator(_OnOMFlow, WaitingOperator):
    """
    Opens an order and returns its number (``data_no``).

    The operator logs the number and saves it in Airflow's state store at once (3.3+). So a retry continues
    with the same order. With a ``run_key_field``, the operator writes a mark into that field, a unique text.
    If the answer is lost, it looks for the order by this mark, and opens the order again only if it does not
    find one within ``settle`` seconds. Without a ``run_key_field``, the task fails with
    :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown` and does not open the order again.

    :param api_path: name of the process in URLs
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of ``{"id", "type", "value"}``
    :param item_types: mapping ``FORMITM_n`` -> type, for fields without a type in ``form_data``. Only fields
        of the types ``h_title``, ``h_level``, ``h_status`` and ``h_group`` need one: they also fill the
        order's header. If left out, the operator reads the types from an order of the process
    :param start_input: values for a process without a form
    :param attachments: general files: local paths, URLs of objects or ``ObjectStoragePath``
    :param field_attachments: mapping ``FORMITM_n`` -> file, for form fields of type file (server 1.2 only)
    :param run_key_field: a form field of your process that nothing else fills, for the mark. The operator
        also needs the mark if the answer has no number, as when a process's start component validates. The
        connection's user must be allowed to see every order of the process, because a hidden order counts as
        missing
    :param omflow_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises Rejected: OMFlow refused the values
    :raises OutcomeUnknown: an order may have been opened, and its number is unknown
    :raises RunFailed: the order that an earlier attempt opened has failed

    The parameters for waiting, and for what a new attempt does, are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.WaitingOperator`. With ``wait_for_completion``,
    the operator waits until the order is closed.
    """

    template_fields: Sequence[str] = (
        "api_path",
        "form_data",
        "item_types",
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
        api_path: Templated[str],
        form_data: Templated[Mapping[str, Any] | Sequence[Mapping[str, Any]] | None] = None,
        item_types: Templated[Mapping[str, str] | None] = None,
        start_input: Templated[Mapping[str, Any] | None] = None,
        attachments: Templated[Sequence[FilePath]] = (),
        field_attachments: Templated[Mapping[str, FilePath] | None] = None,
        run_key_field: Templated[str | None] = None,
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[WaitingParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.form_data = rendered(form_data)
        self.item_types = rendered(item_types)
        self.start_input = rendered(start_input)
        self.attachments = rendered(attachments)
        self.field_attachments = rendered(field_attachments)
        self.run_key_field = rendered(run_key_field)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def effect(self, context: Context) -> OrderStart:
        """Return the order to open."""
        from airflow_provider_workflows.core.protocol.body import from_text
        from airflow_provider_workflows.omflow.api.form_data import form_items
        from airflow_provider_workflows.omflow.effects.attachments import file_parts
        from airflow_provider_workflows.omflow.effects.open_order import OrderStart

        along: list[Part] = []
        after: list[Part] = []
        if self.attachments or self.field_attachments:
            version = self.hook.get_conn().version
            files = file_parts(self.attachments or (), self.field_attachments or {}, version=version)
            # Server 1.1 fails on an open call with files (recorded).
            along, after = ([], files) if version == "1.1" else (files, [])
        return OrderStart(
            api_path=self.api_path,
            items=form_items(self.form_data, self.item_types),
            start_input=from_text(self.start_input, "start_input"),
            files=along,
            files_after=after,
            run_key_field=self.run_key_field,
            reads_form=True,
            waits=self.wait_for_completion,
        )

    def execute(self, context: Context) -> Any:
        """Open the order, attach its files, and wait for its end if asked to."""
        # Wrong arguments must be found before an intent is stored.
        start = self.effect(context)
        data_no = self.start(context, start)
        self.announce(context, f"{self.api_path}/{data_no}")
        if start.files_after:
            from airflow_provider_workflows.omflow.effects.attachments import attach_missing

            with self.after_start(context):
                attach_missing(self.hook, self.api_path, data_no, start.files_after)
        if self.wait_for_completion:
            self.wait_for(context, start.end(data_no))
        return data_no

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the order's number after the wait for its end."""
        return super().execute_complete(context, event)["data_no"]


class OMFlowPushOrderOperator(_OnOMFlow, OnceOperator):
    """
    Pushes an order from the stop where it waits, and returns the ``data_id`` of the row that it pushed.

    OMFlow accepts one push for each ``data_id``. If the answer is lost, the operator reads the row:

    - If the row still waits after ``settle`` seconds, the operator pushes it again.
    - If the same user pushed it with the same values, and these changed a field, that push is this task's.
    - Otherwise the task fails with :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown`. This
      includes a push that changes no field by ``form_data``, such as a ``quick_action``, because nothing
      shows whose push it was.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param stop_chart_text: label of the stop; the operator reads the order right before the push
    :param data_id: the row to push, instead of ``stop_chart_text``, for branches with the same label
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of items; every required field
        of the stop must be repeated
    :param item_types: as for opening an order
    :param quick_action: instead of ``form_data``, ``action1`` or ``action2``
    :param omflow_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises Rejected: no branch or more than one waits at the stop, or OMFlow refused the push
    :raises OutcomeUnknown: the answer was lost, and OMFlow does not show whether this push moved the order

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.OnceOperator`.
    """

    template_fields: Sequence[str] = (
        "api_path",
        "data_no",
        "stop_chart_text",
        "data_id",
        "form_data",
        "item_types",
        "quick_action",
        "omflow_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"form_data": "json"}

    def __init__(
        self,
        *,
        api_path: Templated[str],
        data_no: Templated[int],
        stop_chart_text: Templated[str | None] = None,
        data_id: Templated[int | None] = None,
        form_data: Templated[Mapping[str, Any] | Sequence[Mapping[str, Any]] | None] = None,
        item_types: Templated[Mapping[str, str] | None] = None,
        quick_action: Templated[str | None] = None,
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[OnceParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.data_no = rendered(data_no)
        self.stop_chart_text = rendered(stop_chart_text)
        self.data_id = rendered(data_id)
        self.form_data = rendered(form_data)
        self.item_types = rendered(item_types)
        self.quick_action = rendered(quick_action)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def execute(self, context: Context) -> int:
        """Push once."""
        push = self.effect(context)
        self.announce(context, f"{self.api_path}/{self.data_no}")
        return int(self.once(context, push))

    def effect(self, context: Context) -> OrderPush:
        """Return the push to make."""
        from airflow_provider_workflows.omflow.effects.push_order import OrderPush

        return OrderPush.read(
            api_path=self.api_path,
            data_no=self.data_no,
            stop_chart_text=self.stop_chart_text,
            data_id=self.data_id,
            form_data=self.form_data,
            item_types=self.item_types,
            quick_action=self.quick_action,
        )
