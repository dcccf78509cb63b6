"""Which records a page of the list shows; a hundred thousand of them must not hold up the vendors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_workflows.sandbox.records import newest, search
from airflow_provider_workflows.sandbox.vendor import Record

PAGE = 25
STATES = ("waiting", "running", "failed", "finished")
#: Records that one search looks at, and how many before the vendors may answer again.
MOST, SLICE = 10_000, 100


@dataclass(frozen=True)
class Wanted:
    """
    What a person looks for.

    :param words: all of which a record must hold somewhere.
    :param state: that it must be in; any if empty.
    :param page: from 1.
    :param older: how many of the newest are left out.
    """

    words: tuple[str, ...] = ()
    state: str = ""
    page: int = 1
    older: int = 0

    @property
    def is_all(self) -> bool:
        """Whether any record will do."""
        return not self.words and not self.state

    def fits(self, record: Record) -> bool:
        """Whether a record is looked for."""
        if self.state and record.state != self.state:
            return False
        if not self.words:
            return True
        held = (record.id, record.title, record.process, *record.standing, *record.fields.values())
        text = "\n".join(held).casefold()
        return all(word in text for word in self.words)


def read_wanted(text: str, state: str, page: str, older: str) -> Wanted:
    """Return what a query asks for; what means nothing is left out."""
    return Wanted(
        words=tuple(text.casefold().split()),
        state=state if state in STATES else "",
        page=max(1, _number(page)),
        older=_number(older),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@dataclass(frozen=True)
class Listing:
    """
    A page of records.

    :param total: how many the server holds.
    :param has_next: whether there is a page after this one.
    :param looked_at: the oldest that was looked at, counted from the newest; all if there was no search.
    """

    records: Sequence[Record]
    total: int
    has_next: bool
    looked_at: int


async def listing(records: Sequence[Record], wanted: Wanted) -> Listing:
    """Return a page of records, newest first. A search lets others work in between, and has an end."""
    total, start = len(records), (wanted.page - 1) * PAGE
    if wanted.is_all:
        return Listing(newest(records, start, PAGE), total, start + PAGE < total, total)
    found: list[Record] = []
    looked_at = wanted.older
    while looked_at < min(total, wanted.older + MOST) and len(found) <= start + PAGE:
        # What has come in meanwhile moves the others on, and some may be looked at twice.
        some, number = search(records, wanted.fits, looked_at, SLICE)
        found += some
        looked_at += number or SLICE
        await asyncio.sleep(0)
    return Listing(found[start : start + PAGE], total, len(found) > start + PAGE, looked_at)
