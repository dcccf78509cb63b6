"""Pigeon Post's operator: send a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.effect import SendableStart
from airflow_provider_workflows.base.operator import WaitingOperator
from tests.sixth_vendor.pigeon.api import VENDOR
from tests.sixth_vendor.pigeon.conditions import LetterArrived
from tests.sixth_vendor.pigeon.connection import FORM

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.protocol.operation import Operation
    from tests.sixth_vendor.pigeon.api import PigeonApi
    from tests.sixth_vendor.pigeon.hook import PigeonHook


class LetterStart(SendableStart):
    """A letter; the loft has no way to find one by what it says."""

    hook: PigeonHook

    def __init__(self, hook: PigeonHook, *, to: str, text: str) -> None:
        super().__init__(hook)
        self.payload = {"to": to, "text": text}
        self.subject = f"a letter to {to}"
        self.hint = f"a letter to {to} in the loft's book"

    def sending(self, api: PigeonApi, record: Record) -> Operation[str]:
        """Send it."""
        return (yield from api.send(**self.payload))

    def end(self, id: str) -> LetterArrived:
        """Return its arrival."""
        return LetterArrived(letter=id)


class PigeonSendOperator(WaitingOperator):
    """Sends a letter; returns its number, or who signed for it."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = ("to", "text", "pigeon_conn_id")

    if TYPE_CHECKING:
        hook: PigeonHook

    def __init__(
        self, *, to: str, text: str, pigeon_conn_id: str = FORM.default_conn_id, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.text = text
        self.pigeon_conn_id = pigeon_conn_id

    def execute(self, context: Context) -> Any:
        """Send the letter, and wait for its arrival if asked to."""
        letter = self.start(context, LetterStart(self.hook, to=self.to, text=self.text))
        self.announce(context, letter)
        return self.wait_for(context, LetterArrived(letter=letter)) if self.wait_for_completion else letter
