"""Pigeon Post's notifier: a letter from a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject
from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.core.runtime.templates import rendered

from .api import VENDOR
from .connection import FORM
from .effects import LetterStart

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import NotifierParameters, Templated

    from .hooks import PigeonHook


class PigeonSendNotifier(WorkflowNotifier):
    """Sends a letter."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = ("to", "text", "pigeon_conn_id")

    if TYPE_CHECKING:
        hook: PigeonHook

    def __init__(
        self,
        *,
        to: Templated[str],
        text: Templated[str],
        pigeon_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[NotifierParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.to = rendered(to)
        self.text = rendered(text)
        self.pigeon_conn_id = rendered(pigeon_conn_id)

    def effect(self, subject: CallbackSubject) -> LetterStart:
        """Return the letter."""
        return LetterStart(to=self.to, text=f"{self.text} ({subject.description})")
