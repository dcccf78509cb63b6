"""Pigeon Post's notifier: a letter from a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.notifier import WorkflowNotifier
from airflow_provider_workflows.base.occasion import Occasion
from tests.sixth_vendor.pigeon.api import VENDOR
from tests.sixth_vendor.pigeon.connection import FORM
from tests.sixth_vendor.pigeon.operators import LetterStart

if TYPE_CHECKING:
    from tests.sixth_vendor.pigeon.hook import PigeonHook


class PigeonSendNotifier(WorkflowNotifier):
    """Sends a letter."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = ("to", "text", "pigeon_conn_id")

    if TYPE_CHECKING:
        hook: PigeonHook

    def __init__(
        self, *, to: str, text: str, pigeon_conn_id: str = FORM.default_conn_id, context: Any = None
    ) -> None:
        super().__init__(context=context)
        self.to = to
        self.text = text
        self.pigeon_conn_id = pigeon_conn_id

    def thing(self, occasion: Occasion) -> LetterStart:
        """Return the letter."""
        return LetterStart(self.hook, to=self.to, text=f"{self.text} ({occasion.words})")
