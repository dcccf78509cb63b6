"""An upsert that adds references: sent again only after reading back what is linked."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_workflows.base.decision import CannotKnow, Trace
from airflow_provider_workflows.mybpm.upserting import Upsert, still_pending
from airflow_provider_workflows.mybpm.writing import RepeatableUpsert
from airflow_provider_workflows.protocol.errors import InvalidInput, OutcomeUnknown

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.mybpm.api import MyBPMApi
    from airflow_provider_workflows.mybpm.boi import Boi
    from airflow_provider_workflows.mybpm.hook import MyBPMHook
    from airflow_provider_workflows.mybpm.references import Reference
    from airflow_provider_workflows.protocol.operation import Operation

log = logging.getLogger(__name__)


class LinkingUpsert(RepeatableUpsert):
    """An upsert whose values may be sent any number of times, but not the references that it adds."""

    repeatable: ClassVar[bool] = False

    def __init__(self, hook: MyBPMHook, wanted: Upsert, *, unique_field: str | None) -> None:
        super().__init__(hook, wanted, unique_field=unique_field)
        self.subject += " with its references"
        self._blind = False

    def submit(self, record: Record, *, again: bool) -> str:
        """Write all in one call; again, the values first and then what is not yet linked as wanted."""
        # If it cannot be read back what is linked, the base only comes here again because the user wants it.
        if again and not self._blind:
            return self._done(self._complete())
        return super().submit(record, again=again)

    def look_up(self, record: Record) -> Trace:
        """As without references, unless this attempt could not read back what is linked."""
        if self._blind:
            return CannotKnow("MyBPM does not show which of the references are linked")
        return super().look_up(record)

    def _complete(self) -> Boi:
        boi = self._send(self._wanted.without_references())
        left = self._left(replace(self._wanted, boi_id=boi.boi_id))
        if not (left.add or left.remove):
            log.info("%s/%s has its references as wanted", self._wanted.bo_code, boi.boi_id)
            return boi
        return self._send(left)

    def _left(self, known: Upsert) -> Upsert:
        try:
            return self._hook.run(lambda api: pending(api, known))
        except OutcomeUnknown:
            self._blind = True
            raise


def pending(api: MyBPMApi, wanted: Upsert) -> Operation[Upsert]:
    """
    Read back which of an upsert's references are not yet as wanted, and return an upsert of only those.

    :param wanted: names its instance by ``boi_id``
    :raises OutcomeUnknown: nested instances came without the unique field by which they are named, or with
        values of it that cannot be compared
    """
    nested: dict[tuple[str | None, str], list[Boi]] = {}
    for one in (*wanted.add, *wanted.remove):
        if one.place not in nested:
            nested[one.place] = yield from _all_nested(api, wanted, one)
    return still_pending(wanted, nested)


def _all_nested(api: MyBPMApi, wanted: Upsert, one: Reference) -> Operation[list[Boi]]:
    """Return what a reference field links to; an end is a page that brings nothing new."""
    if wanted.boi_id is None:
        raise InvalidInput("References are read back by the boi_id of their instance")
    found: dict[str, Boi] = {}
    offset: int | None = 0
    while offset is not None:
        page = yield from api.nested_page(
            one.bo_code or wanted.bo_code, wanted.boi_id, one.field_code, offset=offset
        )
        before = len(found)
        found |= {boi.boi_id: boi for boi in page.items}
        offset = page.next if len(found) > before else None
    return list(found.values())
