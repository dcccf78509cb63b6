"""
All checks, some of them side by side: much of their time is waiting.

usage: python -m dev.checks [--all] [--list]

--all adds what takes hours: what the unit tests cover, all answers of a hostile server, tests of the programs
that start an Airflow, the unit tests on the Airflow between the oldest and the newest and on each supported
Python that is here, the whole chaos matrix, and faults between several machines. --list says what would run.

Exit code: 0 if all passed; 1 as soon as one failed, whose output is then the last thing printed; 130 after
Ctrl-C.

It runs on the bare Python of the machine, so it uses the standard library alone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from dev.layout import CACHE, ENVIRONMENTS, confined
from dev.process import KeptProcess, interruptible
from dev.pythons import SUPPORTED_PYTHONS, installed

LOGS = CACHE / "logs" / "checks"
SIGN_OF_LIFE = 30.0
TICK = 0.1
#: Seconds for a step to take its Airflow down before it is killed.
GRACE = 20.0


@dataclass(frozen=True)
class Step:
    """
    A check.

    :param title: what it checks
    :param command: program and arguments
    """

    title: str
    command: tuple[str, ...]

    @property
    def log(self) -> Path:
        return LOGS / f"{'-'.join(self.title.replace(',', '').replace('.', '-').split())}.log"


#: Steps that run one after the other.
Lane = tuple[Step, ...]
#: Lanes that run side by side; the next stage begins when all have ended.
Stage = tuple[Lane, ...]


def make(title: str, *targets: str) -> Step:
    """
    Return a step that is a target of make, or several.

    :param title: what it checks
    :param targets: in order
    """
    return Step(title, (os.environ.get("MAKE", "make"), "--no-print-directory", *targets))


#: What CI runs. What needs the whole machine runs alone.
#: A browser and system tests mostly wait, so other steps run beside them.
CHECK: tuple[Stage, ...] = (
    (
        (
            make("environment of the newest Airflow", "env"),
            make("style, types, contracts between the parts", "lint", "types", "contracts"),
            make("documentation", "docs"),
        ),
        (make("environment of the oldest Airflow", "env-oldest"),),
    ),
    (
        (make("unit tests", "test-unit"),),
        (make("a newcomer's way through the web UI", "browser"),),
    ),
    (
        (
            make("system tests that share an Airflow", "test-system-shared"),
            make("demo", "demo"),
        ),
        (make("system tests that start their own", "test-system-own"),),
        (make("unit tests on the oldest Airflow", "test-oldest"),),
    ),
    ((make("chaos, short form", "chaos-short"),),),
)


def more() -> tuple[Stage, ...]:
    """Return what :data:`CHECK` leaves out; print which Python is missing."""
    _, *between, _ = ENVIRONMENTS
    this = "{}.{}".format(*sys.version_info)
    steps = [
        make("what the unit tests cover", "coverage"),
        make("answers of a hostile server", "hostile"),
        make("the programs that start an Airflow", "test-tools"),
        make("system tests on the oldest Airflow", "test-oldest-system"),
    ]
    steps += [make(f"unit tests on Airflow {airflow}", f"test-{airflow}") for airflow in between]
    for version in (one for one in SUPPORTED_PYTHONS if one != this):
        python = installed(version)
        if python is None:
            print(f"no Python {version} here: its unit tests do not run", flush=True)
            continue
        command = (python, "-m", "dev.unit_tests", "newest", "--this-python")
        steps.append(Step(f"unit tests on Python {version}", command))
    alone = [make("chaos, the whole matrix", "chaos"), make("chaos on several machines", "cluster-test")]
    return tuple(((step,),) for step in (*steps, *alone))


@dataclass
class Run:
    """
    Stages on their way.

    :param say: gets each line for the user
    """

    say: Callable[[str], None] = field(default=lambda line: print(line, flush=True))

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._running: dict[str, float] = {}
        self._failed = False
        self._lock = threading.Lock()

    def through(self, stages: Sequence[Stage]) -> int:
        """
        Run the stages and return the exit code.

        :param stages: one after the other; none begins once a step has failed
        """
        for stage in stages:
            self._side_by_side(stage)
            if self._failed:
                self.say(f"\n=== failed after {self._seconds():.0f} s")
                return 1
        self.say(f"\n=== all passed in {self._seconds():.0f} s")
        return 0

    def _side_by_side(self, stage: Stage) -> None:
        with ThreadPoolExecutor(max_workers=len(stage)) as pool:
            lanes = [pool.submit(self._one_after_the_other, lane) for lane in stage]
            try:
                while wait(lanes, timeout=SIGN_OF_LIFE, return_when=FIRST_EXCEPTION).not_done:
                    if any(lane.done() and lane.exception() for lane in lanes):
                        break
                    self._say_what_runs()
            finally:  # also if a step cannot be started, or after Ctrl-C: the others end before this does
                self._failed = self._failed or any(not lane.done() for lane in lanes)
        for lane in lanes:
            lane.result()

    def _one_after_the_other(self, lane: Lane) -> None:
        for step in lane:
            if self._failed:
                return
            self._step(step)

    def _step(self, step: Step) -> None:
        began = time.monotonic()
        with self._lock:
            self._running[step.title] = began
            self.say(f"\n=== {step.title}: begun")
        step.log.unlink(missing_ok=True)
        process = KeptProcess(step.command, log=step.log, environment=confined(), grace=GRACE)
        try:
            while process.exit_code is None and not self._failed:
                time.sleep(TICK)
            code = process.exit_code
        finally:
            process.stop()
        with self._lock:
            del self._running[step.title]
            self._tell(step, code, time.monotonic() - began)

    def _tell(self, step: Step, code: int | None, seconds: float) -> None:
        """Say how a step ended, after all that it printed."""
        if code is None:  # another has failed
            self.say(f"\n=== {step.title}: stopped after {seconds:.0f} s; its output is in {step.log}")
            return
        self.say(f"\n=== {step.title}")
        self.say(step.log.read_text(errors="replace").rstrip())
        verdict = "passed in" if code == 0 else f"failed with code {code} after"
        self.say(f"=== {step.title}: {verdict} {seconds:.0f} s")
        self._failed = self._failed or code != 0

    def _say_what_runs(self) -> None:
        now = time.monotonic()
        with self._lock:
            busy = [f"{title} ({now - began:.0f} s)" for title, began in self._running.items()]
            self.say(f"{self._seconds():6.0f} s  at: {'; '.join(busy)}")

    def _seconds(self) -> float:
        return time.monotonic() - self._began


def main() -> int:
    stages = (*CHECK, *more()) if "--all" in sys.argv[1:] else CHECK
    if "--list" in sys.argv[1:]:
        for stage in stages:
            print(" | ".join(" > ".join(step.title for step in lane) for lane in stage))
        return 0
    return Run().through(stages)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
