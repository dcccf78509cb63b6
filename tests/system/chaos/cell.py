"""A cell of the matrix, and the row that it becomes."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.system.chaos.tally import Tally

if TYPE_CHECKING:
    from tests.system.chaos.cell_context import CellContext


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """
    One row of the table.

    :param tally: the figures; None if the cell came to no end
    :param ordered: how many requests, or processes, the fault was to strike
    :param confirmed: how many it really struck, as the sandbox, or the killer, says
    :param problems: what is not as it should be beside the figures, a sentence each
    :param note: what else was seen
    """

    fault: str
    vendor: str
    mode: str
    tally: Tally | None
    ordered: int
    confirmed: int
    seconds: float
    control: bool = False
    problems: Sequence[str] = field(default=())
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the row is as it must be; of a control, whether it shows duplicates."""
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        """Why the row is not as it must be, a phrase each."""
        if self.tally is None:
            return list(self.problems) or ["came to no end"]
        if self.confirmed < self.ordered:
            return [f"{self.ordered - self.confirmed} faults not confirmed", *self.problems]
        if self.control:
            return [] if self.tally.duplicates else ["shows no duplicate, so the matrix proves nothing"]
        figures = {
            "duplicates": self.tally.duplicates,
            "lost": self.tally.lost,
            "silent resubmissions": self.tally.silent,
            "tasks attached to another's run": self.tally.strangers,
        }
        return [f"{number} {what}" for what, number in figures.items() if number] + list(self.problems)


@dataclass(frozen=True, kw_only=True)
class Cell(abc.ABC):
    """
    One fault, one way to submit, one mode.

    :param fault: what happens
    :param vendor: to which operator, as the table says it
    :param mode: how it waits
    :param control: the cell must show duplicates
    """

    fault: str
    vendor: str
    mode: str
    control: bool = False

    @property
    def title(self) -> str:
        return f"{self.fault}: {self.vendor}, {self.mode}"

    def matches(self, pattern: str) -> bool:
        """
        Whether all words of a pattern are in the cell's title, in whatever case.

        :param pattern: words; several sets of them with ``|`` between
        """
        title = self.title.lower()
        return any(all(word in title for word in words.split()) for words in pattern.lower().split("|"))

    @abc.abstractmethod
    def run(self, context: CellContext) -> CellResult:
        """
        Bring the fault about and count.

        :raises Exception: whatever keeps the cell from its end; it becomes the row's problem
        """
