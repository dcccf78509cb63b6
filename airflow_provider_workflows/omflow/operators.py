"""OMFlow's operators: open an order, push it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.files import FilePath, file_part
from airflow_provider_workflows.base.operator import WaitingOperator, WorkflowOperator
from airflow_provider_workflows.base.submission import Step, Submission
from airflow_provider_workflows.omflow.call import VENDOR, number
from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.omflow.formdata import check_field, column, form_items
from airflow_provider_workflows.omflow.pushing import choose, trace
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    RunFailed,
    WorkflowError,
)
from airflow_provider_workflows.protocol.jsontext import from_text

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.omflow.hook import OMFlowHook
    from airflow_provider_workflows.protocol.message import Part


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
    same order. When the answer is lost the task fails with
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and opens nothing again.

    :param api_path: name of the process in URLs
    :param form_data: mapping ``FORMITM_n`` -> value, or the vendor's list of ``{"id", "type", "value"}``
    :param start_input: values for a process without a form
    :param attachments: general files: local paths, URLs of objects or ``ObjectStoragePath``
    :param field_attachments: mapping ``FORMITM_n`` -> file, for form fields of type file (server 1.2 only)
    :param run_key_field: a form field of your process that this operator fills with a mark of its own, and by
        which it finds the order when the server says no number (start components that validate) or when an
        earlier attempt was cut off
    :param settle: seconds to look for the order by its mark after an answer without number
    :param omflow_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises Rejected: OMFlow refused the values
    :raises OutcomeUnknown: an order may have been opened whose number is not known

    The parameters for waiting are those of
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
        settle: float = 60,
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
        self.settle = settle
        self.omflow_conn_id = omflow_conn_id

    def execute(self, context: Context) -> Any:
        """Open the order, attach its files, and wait for its end if asked to."""
        self.hook.get_conn()  # a connection that is wrong must not leave an intent behind
        files = self._files()
        items = self._items()
        start_input = from_text(self.start_input, "start_input")
        submission = Submission(context, subject=f"an order of {self.api_path}")
        data_no = submission.once(
            lambda mark: self._open(items, start_input, files, mark),
            look_up=self._find if self.run_key_field else None,
        )
        self.announce(context, f"{self.api_path}/{data_no}")
        if self._separately(files):
            self._attach(data_no, files)
        if self.wait_for_completion:
            self.wait_for(context, OrderClosed(api_path=self.api_path, data_no=data_no))
        return data_no

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the order's number after the wait for its end."""
        return super().execute_complete(context, event)["data_no"]

    def _open(self, items: list[dict[str, Any]], start_input: Any, files: list[Part], mark: str) -> Any:
        if self.run_key_field:
            items = [*items, {"id": self.run_key_field, "type": "inputbox", "value": mark}]
        data_no = self.hook.open_order(
            self.api_path,
            items if items or start_input is None else None,
            start_input=start_input,
            files=() if self._separately(files) else files,
        )
        return data_no if data_no is not None else self._without_number(mark)

    def _without_number(self, mark: str) -> Any:
        """Find the order that the server opened, or is about to, without saying its number."""
        if self.run_key_field:
            self.log.info("OMFlow said yes without a number; looking for the order with the mark %s", mark)
            try:
                found = self.hook.find_order(self.api_path, self.run_key_field, mark, patience=self.settle)
            except WorkflowError as error:
                # The order may be there all the same: the intent and its mark must outlive this attempt.
                raise OutcomeUnknown(
                    f"OMFlow accepted the open call to {self.api_path} but gave no order number, and "
                    f"looking for the mark {mark!r} in {self.run_key_field} failed: {error.message}",
                    vendor=self.vendor,
                    operation="open order",
                ) from None
            if found is not None:
                return found
            seen = (
                f"no order with the mark {mark!r} in {self.run_key_field} appeared within {self.settle:.0f} s"
            )
        else:
            seen = "without a run_key_field the order cannot be found"
        raise OutcomeUnknown(
            f"OMFlow accepted the open call to {self.api_path} but gave no order number, and {seen}. It does "
            "so "
            "when the process's start component validates, whether the order is then opened or refused, and "
            "when "
            "its engine fails (for example on a field that the form does not have). Name a text field of "
            "the form "
            "as run_key_field so that the order can be found by it",
            vendor=self.vendor,
            operation="open order",
        )

    def _find(self, mark: str) -> Any:
        assert self.run_key_field
        return self.hook.find_order(self.api_path, self.run_key_field, mark)

    def _items(self) -> list[dict[str, Any]]:
        items = form_items(self.form_data)
        if self.run_key_field and check_field(self.run_key_field) in {item["id"] for item in items}:
            raise InvalidInput(
                f"{self.run_key_field} is the run_key_field, which the operator fills; take it out of "
                "form_data"
            )
        return items

    def _files(self) -> list[Part]:
        named = dict(self.field_attachments or {})
        if named and self.hook.get_conn().version == "1.1":
            raise InvalidInput("field_attachments: server 1.1 ignores files in form fields; use attachments")
        general = [file_part(path, name="files") for path in self.attachments or ()]
        files = [*general, *(file_part(path, name=check_field(name)) for name, path in named.items())]
        names = [part.filename for part in general]
        if twice := {name for name in names if name is not None and names.count(name) > 1}:
            raise InvalidInput(
                f"attachments: {', '.join(sorted(twice))} occurs twice; OMFlow keeps one file of a name"
            )
        return files

    def _separately(self, files: list[Part]) -> bool:
        """
        Tell whether files go after the open call: server 1.1 fails on an open call with files (recorded).
        """
        return bool(files) and self.hook.get_conn().version == "1.1"

    def _attach(self, data_no: Any, files: list[Part]) -> None:
        # A retry must not add the files a second time under a newer row.
        there = {
            (row.get("file_name"), row.get("size")) for row in self.hook.list_files(self.api_path, data_no)
        }
        missing = [part for part in files if (part.filename, part.size) not in there]
        if missing:
            self.hook.upload_files(self.api_path, data_no, missing)


class OMFlowPushOrderOperator(_OnOMFlow, WorkflowOperator):
    """
    Pushes an order on from the stop where it stands, and returns the ``data_id`` that was pushed.

    OMFlow takes one push per data_id. When the answer is lost or says that the row was pushed already, the
    order is read: a push by the same user with the same values is this one.

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
    :raises OutcomeUnknown: the order has moved on and nothing shows that it was this push
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
        items = self._checked()
        self.announce(context, self._subject)
        step = Step(context)
        if step.done:
            self.log.info("An earlier attempt pushed data_id %s; nothing is sent", step.result)
            return int(step.result)
        doubted = step.baseline is not None
        if step.baseline is not None:
            data_id = int(step.baseline["data_id"])
            if self._became(data_id, items, error=self._doubt(data_id)) == "ours":
                return int(step.finish(data_id))
        else:
            data_id = self._choose()
        step.intend({"data_id": data_id})
        self._push(step, data_id, items, doubted=doubted)
        return int(step.finish(data_id))

    @property
    def _subject(self) -> str:
        return f"{self.api_path}/{self.data_no}"

    def _checked(self) -> list[dict[str, Any]]:
        if (self.stop_chart_text is None) == (self.data_id is None):
            raise InvalidInput("Name the stop by stop_chart_text or by data_id, and not by both")
        if self.quick_action is not None and self.form_data is not None:
            raise InvalidInput("quick_action skips the form, so it excludes form_data")
        return form_items(self.form_data)

    def _choose(self) -> int:
        if self.data_id is not None:
            return int(number(self.data_id, "data_id"))
        # By the rows: the query call lists failed rows among the waiting ones, and a second push of a row
        # whose validation was refused leaves it running for good (recorded).
        order = self.hook.order_state(self.api_path, self.data_no)
        return choose(order, str(self.stop_chart_text), subject=f"OMFlow order {self._subject}").data_id

    def _push(self, step: Step, data_id: int, items: list[dict[str, Any]], *, doubted: bool) -> None:
        """
        Push, and settle what the answer leaves open by reading the order.

        :param doubted: an earlier attempt may have pushed; then no refusal of this one clears that up
        """
        self.log.info("Pushing order %s at data_id %s", self._subject, data_id)
        try:
            self.hook.push_order(
                self.api_path,
                data_id,
                form_data=items,
                quick_action=self.quick_action,
            )
        except (Rejected, PermissionDenied, OutcomeUnknown) as error:
            self._settle(step, data_id, items, error, doubted=doubted or isinstance(error, OutcomeUnknown))
        except WorkflowError:
            if not doubted:
                step.forget()
            raise

    def _settle(
        self, step: Step, data_id: int, items: list[dict[str, Any]], error: WorkflowError, *, doubted: bool
    ) -> None:
        try:
            if self._became(data_id, items, error=error) == "standing":
                raise error
        except WorkflowError as seen:
            if seen is error and not doubted:
                step.forget()
            raise
        self.log.warning("The answer to the push was %s; the order shows that it was done", error)

    def _became(self, data_id: int, items: list[dict[str, Any]], *, error: WorkflowError) -> str:
        """
        Read the order to learn what became of a push.

        :param error: raised if the order has moved on without showing that this push did it
        """
        columns = [column(item["id"]) for item in items]
        order = self.hook.order_state(self.api_path, self.data_no, columns=columns)
        found = trace(order, data_id, login=self.hook.get_conn().login, items=items)
        if found == "failed":
            raise RunFailed(
                f"OMFlow order {self._subject} failed: {order.failure}. "
                "A second push of its row would leave it running for good",
                vendor=self.vendor,
                operation="push order",
            )
        if found in ("not ours", "gone"):
            raise error
        return found

    def _doubt(self, data_id: int) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"An earlier attempt was about to push order {self._subject} at data_id {data_id}; it has moved "
            "on, and "
            "neither author nor values show by whom. Nothing is sent. Look at the order; if this push is "
            "still "
            f"to be done, delete the key {Step.KEY!r} from this task's state store and clear the task",
            vendor=self.vendor,
            operation="push order",
        )
