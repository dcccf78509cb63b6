"""The faults of a request that the matrix brings about, and what they leave to be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.system.chaos.deployment import READ_TIMEOUT


@dataclass(frozen=True, kw_only=True)
class Strike:
    """
    One way in which the sandbox spoils a request.

    :param kind: the sandbox's word for it
    :param settings: of the sandbox's fault
    :param given_up: seconds after the request's arrival at which the client gives it up
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    given_up: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RequestFault:
    """
    A fault of the once-only request.

    :param title: in the table
    :param strikes: the ways in which it comes about; a cell's submissions are shared out among them
    :param effect: whether the vendor acts on the struck request
    :param late: seconds after which it does
    :param refused: the vendor says that it did not act, so that the request may be sent again at once
    """

    title: str
    strikes: tuple[Strike, ...]
    effect: bool
    late: float = 0.0
    refused: bool = False

    def shares(self, times: int) -> list[tuple[Strike, int]]:
        """Each strike with how many of so many requests it strikes."""
        number = len(self.strikes)
        return [(strike, (times + number - 1 - place) // number) for place, strike in enumerate(self.strikes)]


LATE = READ_TIMEOUT + 20
RESET_AFTER = Strike(kind="lost_answer")
NO_ANSWER = Strike(kind="slow", settings={"seconds": READ_TIMEOUT * 5}, given_up=READ_TIMEOUT)
PAGE_AFTER = Strike(kind="bad_gateway", settings={"effect": True})

LOST_ANSWER = RequestFault(
    title="answer lost after the effect (reset, read timeout, 502 page)",
    strikes=(RESET_AFTER, NO_ANSWER, PAGE_AFTER),
    effect=True,
)
LOST_REQUEST = RequestFault(
    title="request lost before the effect (reset, 502 page)",
    strikes=(Strike(kind="reset_before"), Strike(kind="bad_gateway")),
    effect=False,
)
LATE_EFFECT = RequestFault(
    title="effect 20 s after the client gave up",
    strikes=(Strike(kind="late_effect", settings={"seconds": LATE}, given_up=READ_TIMEOUT),),
    effect=True,
    late=LATE,
)
THROTTLED = RequestFault(
    title="throttled",
    strikes=(Strike(kind="throttled", settings={"retry_after": 1}),),
    effect=False,
    refused=True,
)
FAULTS = (LOST_ANSWER, LOST_REQUEST, LATE_EFFECT, THROTTLED)


def every(number: int, what: str) -> RequestFault:
    """The loss of each so-manieth answer of many."""
    ordinals = {2: "second", 3: "third"}
    return RequestFault(
        title=f"{what}, every {ordinals[number]} answer lost", strikes=(RESET_AFTER,), effect=True
    )
