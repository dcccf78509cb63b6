"""What a cell's submissions came to, counted in sections: a Clear after an end begins a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

from tests.system.chaos.cell_context import CellContext
from tests.system.chaos.tally import Effect, Send, Tally, TaskOutcome, tally, tally_untold
from tests.system.chaos.vendor import Variant


class SectionCounts:
    """
    Counts what is new at the vendor since the section before.

    :param context: the lane's
    :param variant: what is submitted
    """

    def __init__(self, context: CellContext, variant: Variant) -> None:
        self._context = context
        self.variant = variant
        self._effects: set[str] = set()
        self._sent = 0
        self._requests = 0
        self.sections: list[Tally] = []

    @property
    def total(self) -> Tally:
        """All sections together."""
        names = [one.name for one in fields(Tally)]
        return Tally(**{name: sum(getattr(section, name) for section in self.sections) for name in names})

    def close(self, tasks: Sequence[TaskOutcome], *, settle: float | None = None, excused: int = 0) -> Tally:
        """
        Count a section, and begin the next.

        :param tasks: how the submissions of the section ended
        :param settle: seconds until a request may be sent again, see :func:`tally`
        :param excused: requests after which others may follow, where requests carry no tag
        """
        effects, sent, requests = self._new()
        section = (
            tally(tasks, effects, sent, settle=settle)
            if self.variant.is_tagged
            else tally_untold(tasks, effects, sends=requests, excused=excused)
        )
        self.sections.append(section)
        return section

    def close_pairs(self, tasks: Sequence[TaskOutcome], problems: list[str]) -> Tally:
        """
        Count a section in which each task was to start two runs, an attempt and its retry one each.

        :param tasks: how they ended; what they name is the second run
        :param problems: gets what is not as expected
        """
        effects, sent, requests = self._new()
        had = Counter(effect.tag for effect in effects)
        number = 2 * len(tasks)
        again = max(0, (len(sent) if self.variant.is_tagged else requests) - number)
        named = {name for task in tasks for name in task.named}
        if len(effects) != number or any(count != 2 for count in had.values()):
            problems.append(f"{len(effects)} effects, not two for each of {len(tasks)} tasks")
        section = Tally(
            submissions=number,
            effects=len(effects),
            duplicates=sum(max(0, count - 2) for count in had.values()),
            lost=sum(task.tag not in had for task in tasks)
            + len(tasks)
            - len(named & {one.id for one in effects}),
            resubmissions=again,
            silent=again,
            succeeded=sum(task.state == "success" for task in tasks),
            doubting=0,
            strangers=0,
        )
        self.sections.append(section)
        return section

    def _new(self) -> tuple[list[Effect], list[Send], int]:
        """What has come since the last call: effects, tagged requests, and how many requests at all."""
        endpoint, mount = self.variant.endpoint, self.variant.mount
        control = self._context.control
        effects = [one for one in self._context.effects(self.variant) if one.id not in self._effects]
        sent = [Send(one["tag"], one["at"]) for one in control.sent(mount) if one["endpoint"] == endpoint]
        requests = control.effects(mount)["requests"].get(endpoint, 0)
        new = effects, sent[self._sent :], requests - self._requests
        self._effects |= {one.id for one in effects}
        self._sent, self._requests = len(sent), requests
        return new
