"""Faults at random: of single requests, of all requests for a while, of the way to the vendors."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_provider_workflows.sandbox.control import Control
from tests.system.chaos.faults import LATE_EFFECT, LOST_ANSWER, LOST_REQUEST, THROTTLED
from tests.system.chaos.lifecycle.tcp_proxy import TcpProxy
from tests.system.chaos.variants import BY_MOUNT
from tests.system.chaos.vendor import Variant

#: Seconds between two faults of a sandbox; seconds that a fault lasts that strikes all.
BETWEEN, LASTS = (2.0, 8.0), (3.0, 15.0)
#: Requests that a fault of single requests strikes.
MOST = 4
#: What can strike all requests to a vendor for a while.
SPELLS: tuple[tuple[str, dict[str, int | float | str | bool]], ...] = (
    ("unavailable", {"retry_after": 2}),
    ("throttled", {"retry_after": 1}),
    ("bad_gateway", {}),
    ("status", {"status": 500}),
    ("not_json", {}),
    ("hang", {}),
    ("slow", {"seconds": 3.0}),
    ("truncated", {}),
    ("lost_answer", {}),
    ("reset_before", {}),
)
STRIKES = tuple(
    strike for fault in (LOST_ANSWER, LOST_REQUEST, LATE_EFFECT, THROTTLED) for strike in fault.strikes
)
#: What a late effect needs until it is there.
LATE = LATE_EFFECT.late + 1


@dataclass
class Trouble:
    """
    The faults of one sandbox.

    :param control: of the sandbox
    :param proxy: before it
    :param variants: what is submitted there
    :param dice: decides what happens
    :param struck: by kind, how often it was ordered; faults of single requests by their requests
    """

    control: Control
    proxy: TcpProxy
    variants: Sequence[Variant]
    dice: random.Random
    struck: Counter[str] = field(default_factory=Counter)
    _next: float = 0.0
    _restore: Callable[[], None] | None = None
    _single: list[tuple[str, str]] = field(default_factory=list)

    def tick(self, now: float) -> None:
        """
        Bring about what is due; to be called once a second or so.

        :param now: seconds of a monotonic clock
        """
        if now < self._next:
            return
        if self._restore is not None:
            self._restore()
            self._restore = None
            self._next = now + self.dice.uniform(*BETWEEN)
            return
        ways = [self._spell, self._login, self._away, self._drip]
        ways += [self._request, self._request] if self.variants else [self._spell]
        self._next = now + self.dice.choice(ways)()

    def end(self) -> None:
        """Let all be well again."""
        self.proxy.drips = False
        if self._restore is not None:
            self._restore()
            self._restore = None
        self._next = float("inf")
        for kind, name in self._single:
            self.struck[kind] += self.control.hits(name)
        self.control.clear_faults()

    def _request(self) -> float:
        variant, strike = self.dice.choice(self.variants), self.dice.choice(STRIKES)
        times = self.dice.randint(1, MOST)
        name = self.control.fault(
            variant.mount, variant.endpoint, strike.kind, times=times, **strike.settings
        )
        self._single.append((f"{strike.kind}, one request", name))
        return self.dice.uniform(*BETWEEN)

    def _spell(self) -> float:
        (kind, settings), mount, seconds = (
            self.dice.choice(SPELLS),
            self.dice.choice(sorted(BY_MOUNT)),
            self.dice.uniform(*LASTS),
        )
        name = self.control.fault(mount, "any", kind, lasts=seconds, **settings)  # type: ignore[arg-type]
        self._single.append((f"{kind}, all requests for a while", name))
        return seconds + self.dice.uniform(*BETWEEN)

    def _login(self) -> float:
        mount = self.dice.choice([mount for mount, vendor in sorted(BY_MOUNT.items()) if vendor.login])
        name = self.control.fault(mount, "any", "expired_login")
        self._single.append(("expired login", name))
        return self.dice.uniform(*BETWEEN)

    def _away(self) -> float:
        self.proxy.close()
        self._restore = self.proxy.open
        self.struck["all vendors away: refused, and what is open is cut"] += 1
        return self.dice.uniform(*LASTS)

    def _drip(self) -> float:
        def dry() -> None:
            self.proxy.drips = False

        self.proxy.drips = True
        self._restore = dry
        self.struck["all answers drip"] += 1
        return self.dice.uniform(*LASTS)
