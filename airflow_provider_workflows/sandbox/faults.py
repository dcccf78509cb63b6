"""Faults that a test orders: which request they are for, and how often they are still to strike."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "lost_answer",
    "reset_before",
    "reset_unread",
    "bad_gateway",
    "echo",
    "unavailable",
    "throttled",
    "slow",
    "late_effect",
    "hang",
    "not_json",
    "truncated",
    "redirect",
    "status",
    "body",
    "expired_login",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

ANY = "any"
# Kinds in which the caller chooses whether the vendor does the work before the answer is spoiled.
CHOOSES_EFFECT: frozenset[Kind] = frozenset({"bad_gateway", "body", "echo", "not_json", "status"})


class FaultError(ValueError):
    """A fault that cannot be set as ordered."""


#: Strikes that a fault remembers; it counts all.
REMEMBERED_STRIKES = 20


@dataclass(frozen=True)
class Strike:
    """When a fault struck, by the sandbox's clock in seconds since the epoch, and which endpoint."""

    at: float
    endpoint: str


@dataclass
class Fault:
    """
    One ordered fault.

    :param id: its name in the control API.
    :param vendor: the vendor's mount, for example ``omflow-1.2``.
    :param endpoint: the vendor's endpoint, or ``any``.
    :param kind: what happens.
    :param times: how many requests it still strikes.
    :param skip: how many matching requests pass unharmed first.
    :param every: after those, it strikes each request of this number: 2 spares one and takes the next.
    :param per_tag: it strikes nothing without a tag, and no tag that such a fault has struck; see
        ``Journal.watch``.
    :param effect: whether the vendor does the work, for the kinds that leave the choice.
    :param seconds: how long a ``slow`` answer or a ``late_effect`` takes, in seconds of real time.
    :param retry_after: value of a ``Retry-After`` header, seconds or an HTTP date.
    :param status: the HTTP status of kind ``status``, ``echo`` or ``body``.
    :param body: the body of the answer of kind ``body``, sent as it is, as JSON.
    :param containing: it strikes only requests whose path or body contains this text.
    :param lasts: seconds of the sandbox's clock for which it strikes every matching request, whatever
        ``times`` says.
    :param ordered_at: when it was ordered, by the sandbox's clock in seconds since the epoch.
    :param hits: how many requests it has really struck.
    :param struck: its latest strikes.
    """

    id: str
    vendor: str
    endpoint: str
    kind: Kind
    times: int = 1
    skip: int = 0
    every: int = 1
    per_tag: bool = False
    effect: bool = False
    seconds: float = 1.0
    retry_after: str | None = None
    status: int = 500
    body: str = ""
    containing: str = ""
    lasts: float | None = None
    ordered_at: float = 0.0
    hits: int = field(default=0)
    passed: int = field(default=0)
    struck: list[Strike] = field(default_factory=list)

    def is_over(self, now: float) -> bool:
        """Whether it strikes no more."""
        return self.times <= 0 if self.lasts is None else now >= self.ordered_at + self.lasts

    def hit(self, now: float, endpoint: str) -> None:
        """Note that it has really struck a request."""
        self.hits += 1
        self.struck.append(Strike(now, endpoint))
        del self.struck[:-REMEMBERED_STRIKES]

    def strikes(
        self, vendor: str, endpoints: Collection[str], said: Collection[str] = (), *, now: float = 0.0
    ) -> bool:
        """
        Whether a request is struck; it is counted off the ``skip`` or the ``times`` if it matches.

        :param said: the request's path and body.
        :param now: by the sandbox's clock, in seconds since the epoch.
        """
        if self.vendor != vendor or not (self.endpoint == ANY or self.endpoint in endpoints):
            return False
        if self.containing and not any(self.containing in text for text in said):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.passed += 1
        if self.is_over(now) or self.passed % self.every:
            return False
        if self.lasts is None:
            self.times -= 1
        return True


class FaultRegistry:
    """All faults ordered, in order."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._numbers = itertools.count(1)
        self._struck: set[str] = set()

    def order(self, *, vendor: str, endpoint: str, kind: str, **settings: Any) -> Fault:
        """
        Note a fault; settings that are None keep their default.

        :raises FaultError: if the kind is unknown or a setting does not belong to it.
        """
        given = {name: value for name, value in settings.items() if value is not None}
        checked = _checked_kind(kind)
        if "effect" in given and checked not in CHOOSES_EFFECT:
            raise FaultError(f"a fault of kind {kind!r} has no choice of effect")
        if given.get("every", 1) < 1:
            raise FaultError("every is 1 or more")
        if given.get("lasts", 1) <= 0:
            raise FaultError("lasts is more than 0 seconds")
        if "body" in given and checked != "body":
            raise FaultError(f"a fault of kind {kind!r} has no body of its own")
        if checked == "body":
            given.setdefault("status", 200)
        if "retry_after" in given:
            given["retry_after"] = str(given["retry_after"])
        fault = Fault(
            id=f"fault-{next(self._numbers)}", vendor=vendor, endpoint=endpoint, kind=checked, **given
        )
        self._faults[fault.id] = fault
        return fault

    def take(
        self,
        vendor: str,
        endpoints: Collection[str],
        *,
        unread: bool,
        tag: str | None = None,
        said: Collection[str] = (),
        now: float = 0.0,
    ) -> Fault | None:
        """
        Return the first fault that strikes this request.

        :param unread: ask for faults that strike before the body is read, or for all the others.
        :param tag: what the journal recognises the request by.
        :param said: the request's path and, once it is read, its body.
        :param now: by the sandbox's clock, in seconds since the epoch.
        """
        for fault in self._faults.values():
            if (fault.kind == "reset_unread") != unread or (fault.per_tag and self._spares(tag)):
                continue
            if fault.strikes(vendor, endpoints, said, now=now):
                if fault.per_tag and tag is not None:
                    self._struck.add(tag)
                return fault
        return None

    def _spares(self, tag: str | None) -> bool:
        return tag is None or tag in self._struck

    def get(self, fault_id: str) -> Fault:
        """
        Return the fault of this id.

        :raises KeyError: if there is none.
        """
        return self._faults[fault_id]

    def all(self) -> list[Fault]:
        """Every fault, spent ones included."""
        return list(self._faults.values())

    def remove(self, fault_id: str) -> None:
        """Forget a fault, if there is one of this id."""
        self._faults.pop(fault_id, None)

    def clear(self) -> None:
        """Forget all faults and their hits."""
        self._faults.clear()
        self._struck.clear()


def _checked_kind(kind: str) -> Kind:
    for known in KINDS:
        if kind == known:
            return known
    raise FaultError(f"unknown kind of fault {kind!r}; known are {', '.join(KINDS)}")
