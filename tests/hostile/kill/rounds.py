"""Rounds of a kill test: an attempt is struck, another one runs to its end, and the effects are counted."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from airflow_provider_workflows.sandbox.control import Control
from tests.hostile.kill.attempt import POINTS, Strike, start
from tests.system.chaos.vendor import Variant

Kind = Literal["kill", "freeze"]
#: A point, and the seconds after it at which the signal comes from outside; None if the attempt strikes
#: itself right there.
Moment = tuple[str, float | None]
#: Points from which strikes from outside are counted, and the seconds within which they come.
FROM = {"begun": 0.9, "sending": 0.45}
#: Seconds by which the vendors delay each answer, so that strikes come while requests are under way.
SLOW = 0.4
#: Seconds that an attempt may take; more than any does on a busy machine.
PATIENCE = 120.0


@dataclass(frozen=True)
class Plan:
    """
    What is done to a round's attempts.

    :param strikes: to one attempt after the other
    """

    number: int
    variant: str
    kind: Kind
    strikes: tuple[Moment, ...]


@dataclass(frozen=True)
class Result:
    """
    What came of a round.

    :param points: how far each struck attempt had come
    :param effects: at the vendor
    :param requests: that arrived there
    :param late: requests of a frozen attempt after it went on
    :param failure: why the last attempt, or a frozen one that should have ended, did not end well
    """

    plan: Plan
    points: tuple[str, ...]
    effects: int
    requests: int
    late: int = 0
    failure: str = ""

    @property
    def is_good(self) -> bool:
        return self.effects == 1 and not self.late and not self.failure

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        plan = Plan(**{**data["plan"], "strikes": tuple(map(tuple, data["plan"]["strikes"]))})
        return cls(**{**data, "plan": plan, "points": tuple(data["points"])})


def plans(variants: list[str], *, kills: int, freezes: int, seed: int) -> list[Plan]:
    """Return what to do, the same for the same seed: half of the strikes at a point, half at any time."""
    draw = random.Random(seed)

    def moment(points: tuple[str, ...], origins: list[str]) -> Moment:
        if points and draw.random() < 0.5:
            return draw.choice(points), None
        origin = draw.choice(origins)
        return origin, draw.uniform(0, FROM[origin])

    found = []
    for index in range(kills):
        # One in four retries is killed as well.
        strikes = [moment(POINTS, [*FROM]) for _ in range(2 if index % 4 == 3 else 1)]
        found.append(Plan(index, variants[index % len(variants)], "kill", tuple(strikes)))
    for index in range(freezes):
        strike = (("intent written", "sending")[index % 2], None) if index % 4 else moment((), ["sending"])
        found.append(Plan(kills + index, variants[index % len(variants)], "freeze", (strike,)))
    draw.shuffle(found)
    return found


class Round:
    """
    One round.

    :param port: of the store
    """

    def __init__(self, plan: Plan, variant: Variant, *, control: Control, port: int, folder: Path) -> None:
        self.plan, self.variant = plan, variant
        self.tag = f"kill-{plan.number:04d}"
        self._control, self._port = control, port
        self._log = folder / f"{self.tag}.log"
        self._number = 0
        self._points: list[str] = []

    def play(self) -> Result:
        return self._kill() if self.plan.kind == "kill" else self._freeze()

    def _kill(self) -> Result:
        for strike in self.plan.strikes:
            attempt = self._start(strike, signal.SIGKILL)
            attempt.end()
            self._points.append(attempt.point)
        return self._result(self._last())

    def _freeze(self) -> Result:
        (strike,) = self.plan.strikes
        frozen = self._start(strike, signal.SIGSTOP)
        stopped = frozen.await_stop()
        self._points.append(frozen.point)
        # One that ended before the strike came has nothing more to send.
        failure = self._last() if stopped else ""
        before = self._requests()
        if stopped:
            os.kill(frozen.pid, signal.SIGCONT)
            frozen.end()
        return self._result(failure, late=self._requests() - before)

    def _start(self, strike: Moment | None = None, how: signal.Signals = signal.SIGKILL) -> Attempt:
        self._number += 1
        point, seconds = strike or ("", None)
        pid, notes = start(
            self.variant,
            self.tag,
            port=self._port,
            number=self._number,
            strike=Strike(how, point) if seconds is None else None,
            log=self._log,
        )
        attempt = Attempt(pid, notes)
        if seconds is not None:
            attempt.strike(how, point, seconds)
        return attempt

    def _last(self) -> str:
        """Run an attempt to its end, and a second one if the first asks for a retry; return its failure."""
        for _ in range(2):
            if self._start().end() == 0:
                return ""
        return f"the last attempt failed; see {self._log}"

    def _requests(self) -> int:
        sent = self._control.sent(self.variant.mount)
        return sum(one["tag"] == self.tag and one["endpoint"] == self.variant.endpoint for one in sent)

    def _result(self, failure: str, *, late: int = 0) -> Result:
        return Result(self.plan, tuple(self._points), self._effects(), self._requests(), late, failure)

    def _effects(self) -> int:
        """Count them; a vendor may show a new one a moment later."""
        until = time.monotonic() + PATIENCE / 10
        while True:
            records = self._control.records(self.variant.mount)
            found = sum(one.tag == self.tag for one in self.variant.effects(records, {}))
            if found or time.monotonic() > until:
                return found
            time.sleep(0.05)


class Attempt:
    """
    An attempt that has been started.

    :param notes: where its notes can be read
    """

    def __init__(self, pid: int, notes: int) -> None:
        self.pid = pid
        self._notes = notes
        self._noted = b""

    @property
    def point(self) -> str:
        """How far it has come."""
        while self._read(0):
            pass
        return (self._noted.decode().splitlines() or ["not begun"])[-1]

    def strike(self, how: signal.Signals, point: str, seconds: float) -> None:
        """Send it a signal some time after it has come to a point, unless it ends before."""
        while point not in self._noted.decode().splitlines() and self._read(PATIENCE):
            pass
        time.sleep(seconds)
        os.kill(self.pid, how)  # it is ours until we wait for it, even if it has ended

    def _read(self, patience: float) -> bytes:
        more = os.read(self._notes, 4096) if select.select([self._notes], [], [], patience)[0] else b""
        self._noted += more
        return more

    def await_stop(self) -> bool:
        """Wait until it has stopped itself; False if it ended instead."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        return os.WIFSTOPPED(status)

    def end(self) -> int | None:
        """Wait for its end; return its exit code, None if it was killed."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.01)
