"""Pigeon Post's operator: send a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import WaitingOperator

from .api import VENDOR
from .conditions import LetterArrived
from .connection import FORM
from .effects import LetterStart, RegisteredLetterStart

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.tasks.parameters import Templated, WaitingParameters

    from .hooks import PigeonHook


class PigeonSendOperator(WaitingOperator):
    """
    Sends a letter; returns its number, or who signed for it.

    :param registered: write a mark into the text, so that a letter whose answer was lost can be looked up
    """

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
        registered: bool = False,
        pigeon_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[WaitingParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.to = rendered(to)
        self.text = rendered(text)
        self.registered = registered
        self.pigeon_conn_id = rendered(pigeon_conn_id)

    def effect(self, context: Context) -> LetterStart:
        """Return the letter."""
        kind = RegisteredLetterStart if self.registered else LetterStart
        return kind(to=self.to, text=self.text)

    def execute(self, context: Context) -> Any:
        """Send the letter, and wait for its arrival if asked to."""
        letter = self.start(context, self.effect(context))
        self.announce(context, letter)
        return self.wait_for(context, LetterArrived(letter=letter)) if self.wait_for_completion else letter
