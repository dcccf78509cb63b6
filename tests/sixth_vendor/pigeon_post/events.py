"""What Pigeon Post can tell of as it happens: the letters in its book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_workflows.core.events.feed import BATCH, BEGINNING, NOW, Batch, Cursor, Feed, Occurrence
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation

from .api import PigeonApi
from .connection import FORM


def pigeon_letters(
    *, start: str = NOW, pigeon_conn_id: str = FORM.default_conn_id, poll_interval: float = 60.0
) -> FeedTrigger:
    """Return the trigger of an ``AssetWatcher`` that tells of letters sent."""
    return FeedTrigger(
        conn_id=pigeon_conn_id, feed=LettersSent(start=start).to_json(), poll_interval=poll_interval
    )


@dataclass(frozen=True, kw_only=True)
class LettersSent(Feed):
    """Letters in the order of the book; what they say stays there."""

    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

    def __str__(self) -> str:
        return "letters sent"

    def first(self, api: PigeonApi) -> Operation[Cursor]:
        """Return the cursor after the letters in the book."""
        told, start = 0, None if self.start == BEGINNING else 0
        while start is not None:
            page = yield from api.list_letters(start=start)
            told, start = told + len(page.items), page.next
        return {"told": told}

    def read(self, api: PigeonApi, cursor: Cursor) -> Operation[Batch]:
        """Read the letters since."""
        page = yield from api.list_letters(start=cursor["told"])
        letters = page.items[:BATCH]
        return Batch(
            occurrences=tuple(
                Occurrence(occurrence_id=letter.number, facts={"letter": letter.number}) for letter in letters
            ),
            cursor={"told": cursor["told"] + len(letters)},
        )
