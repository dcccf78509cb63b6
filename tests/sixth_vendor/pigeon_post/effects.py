"""What Pigeon Post does once: it sends a letter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.submission.effect import Found, LookupResult, NotSent, Start, Words

from .api import VENDOR
from .conditions import LetterArrived

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record

    from .api import PigeonApi


class LetterStart(Start["PigeonApi"]):
    """A letter that cannot be found again without its number."""

    carries_mark = False
    repeatable = False

    def __init__(self, *, to: str, text: str) -> None:
        self.payload = {"to": to, "text": text}
        self.subject = f"a letter to {to}"
        self.words = Words(
            vendor=VENDOR,
            verb="send",
            participle="sent",
            noun=self.subject,
            look_in="the loft's book",
            look_for=f"{self.subject} sent",
        )

    def submit(self, api: PigeonApi, record: Record, *, again: bool) -> Operation[str]:
        """Send it."""
        return (yield from api.send(**self.payload))

    def end(self, id: str) -> LetterArrived:
        """Return its arrival."""
        return LetterArrived(letter=id)


class RegisteredLetterStart(LetterStart):
    """A letter with a mark in its text, by which the loft's book shows whether it was sent."""

    carries_mark = True
    mark_place = "text"

    def __init__(self, *, to: str, text: str) -> None:
        super().__init__(to=to, text=text)
        self.words = replace(self.words, mark_in="its text")

    def submit(self, api: PigeonApi, record: Record, *, again: bool) -> Operation[str]:
        """Send it with its mark."""
        return api.send(self.payload["to"], f"{self.payload['text']} ({record.mark})")

    def look_up(self, api: PigeonApi, record: Record) -> Operation[LookupResult]:
        """Look for the mark in the book."""
        start: int | None = 0
        while start is not None:
            page = yield from api.list_letters(start=start)
            for letter in page:
                if record.mark in letter.text:
                    return Found(letter.number)
            start = page.next
        return NotSent()
