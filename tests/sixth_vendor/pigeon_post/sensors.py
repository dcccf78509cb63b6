"""Pigeon Post's sensor: the arrival of a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor

from .api import VENDOR
from .conditions import LetterArrived
from .connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated


class PigeonArrivalSensor(WorkflowSensor):
    """Waits for a letter's arrival; returns who signed for it."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = ("letter", "pigeon_conn_id")

    def __init__(
        self,
        *,
        letter: Templated[str],
        pigeon_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.letter = rendered(letter)
        self.pigeon_conn_id = rendered(pigeon_conn_id)

    def condition(self) -> LetterArrived:
        """Return what is waited for."""
        return LetterArrived(letter=self.letter)
