"""Pigeon Post's operator for many letters, and the sensor for their arrival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.runtime.templates import rendered

from .api import VENDOR
from .conditions import LetterArrived
from .connection import FORM
from .effects import LetterStart, RegisteredLetterStart

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import (
        ManyParameters,
        ManySensorParameters,
        Templated,
    )


class PigeonSendManyOperator(ManyOperator):
    """
    Sends a letter for every record; its columns are ``to`` and ``text``.

    :param registered: as for one letter
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    template_fields: Sequence[str] = (*ManyOperator.template_fields, "pigeon_conn_id")

    def __init__(
        self,
        *,
        registered: bool = False,
        pigeon_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.registered = registered
        self.pigeon_conn_id = rendered(pigeon_conn_id)

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> LetterStart:
        """Return the letter of one record."""
        kind = RegisteredLetterStart if self.registered else LetterStart
        return kind(to=str(values.get("to", "")), text=str(values.get("text", "")))


class PigeonArrivalManySensor(ManySensor):
    """Waits until the letters of many records have arrived."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "pigeon_conn_id"
    id_field: ClassVar[str] = "letter"
    template_fields: Sequence[str] = (*ManySensor.template_fields, "pigeon_conn_id")

    def __init__(
        self,
        *,
        pigeon_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManySensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pigeon_conn_id = rendered(pigeon_conn_id)

    def run_ended(self) -> LetterArrived:
        """Return the arrival of one letter."""
        return LetterArrived(letter="any")
