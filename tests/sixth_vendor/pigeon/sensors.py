"""Pigeon Post's sensor: the arrival of a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from tests.sixth_vendor.pigeon.api import VENDOR
from tests.sixth_vendor.pigeon.conditions import LetterArrived
from tests.sixth_vendor.pigeon.connection import FORM


class PigeonArrivalSensor(WorkflowSensor):
    """Waits for a letter's arrival; returns who signed for it."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = ("letter", "pigeon_conn_id")

    def __init__(self, *, letter: str, pigeon_conn_id: str = FORM.default_conn_id, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.letter = letter
        self.pigeon_conn_id = pigeon_conn_id

    def condition(self) -> LetterArrived:
        """Return what is waited for."""
        return LetterArrived(letter=self.letter)
