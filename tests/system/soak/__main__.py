"""
Half an hour of mixed load and random faults on a real Airflow: nothing may grow, and no run may be lost.

usage: python -m tests.system.soak [--minutes N] [--seed N]

Four sandboxes play the vendors, behind proxies that cut and drip. Growth is judged for the processes in
which the package runs for long: the triggerer's and the executor's workers. Results go to
``.cache/soak/results.json`` and, of a soak of 30 minutes or more, into ``docs/proof.md``. Needs Linux.

Exit code: 0 if nothing grew and every run is accounted for, 1 if not, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import threading
import time

from rich.console import Console

from dev.airflow_home import AirflowError
from dev.postgres import PostgresError
from dev.process import interruptible
from dev.sandbox_process import SandboxError
from tests.system.soak import report
from tests.system.soak.account import account
from tests.system.soak.growth import growths
from tests.system.soak.load import Load
from tests.system.soak.samples import Sample, take
from tests.system.soak.site import Site, site
from tests.system.soak.trouble import LATE, Trouble

FULL = 30.0
SAMPLE_SECONDS = 5.0
#: Seconds for all runs to end once the faults are over, and for the feeds to tell of the last of them.
END_SECONDS, TELL_SECONDS = 600.0, 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.soak", description="A soak test.")
    parser.add_argument("--minutes", type=float, default=FULL, help="for how long runs are started (30)")
    parser.add_argument("--seed", type=int, default=None, help="of all chance; random by default")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(f"Seed {seed}. Starting the database, Airflow and the sandboxes ...", highlight=False)
    try:
        with site() as running:
            found = soak(running, seconds=60 * options.minutes, seed=seed, console=console)
    except (AirflowError, PostgresError, SandboxError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
        return 1
    console.print(report.table(found))
    for line in report.lines(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"Written: {report.write_json(found)}", highlight=False, soft_wrap=True)
    if options.minutes >= FULL:
        console.print(f"Written: {report.write_page(found)}", highlight=False, soft_wrap=True)
    return 0 if found.passed else 1


def soak(running: Site, *, seconds: float, seed: int, console: Console) -> report.Report:
    """
    Load, trouble and watch an Airflow, and say what came of it.

    :param running: the Airflow and the sandboxes
    :param seconds: for which runs are started
    :param seed: of all chance
    :param console: where progress is told
    """
    load = Load(running, random.Random(seed), seed)
    load.begin()
    troubles = [
        Trouble(
            running.context("", "", side).control,
            side.lane.proxy,
            side.variants,
            random.Random(f"{seed}{side.lane.name}"),
        )
        for side in running.sides
    ]
    watch = _Watch(running, load, troubles, console)
    watch.start()
    began = time.monotonic()
    try:
        while time.monotonic() < began + seconds:
            load.work(more=True)
            time.sleep(1)
    finally:
        watch.end()
    _finish(load, console)
    time.sleep(max(LATE, TELL_SECONDS))
    found = account(running, load.jobs)
    third = max(1, len(watch.samples) // 3)
    waits = [sample.waits for sample in watch.samples]
    faults: dict[str, int] = {}
    for trouble in troubles:
        for kind, number in trouble.struck.items():
            faults[kind] = faults.get(kind, 0) + number
    return report.Report(
        seed=seed,
        minutes=seconds / 60,
        figures=dict(found.figures),
        faults=faults,
        growths=tuple(growths(watch.samples)),
        waits=(statistics.median(waits[:third]), statistics.median(waits[-third:])),
        problems=(*found.problems, *load.problems, *watch.problems),
    )


class _Watch(threading.Thread):
    """Brings about the faults and takes the samples, beside the load, which may wait for a vendor."""

    def __init__(self, running: Site, load: Load, troubles: list[Trouble], console: Console) -> None:
        super().__init__(name="watch", daemon=True)
        self._site, self._load, self._troubles, self._console = running, load, troubles, console
        self._over = threading.Event()
        self._began = time.monotonic()
        self.samples: list[Sample] = []
        self.problems: list[str] = []

    def run(self) -> None:
        """Work once a second, until the end."""
        due = told = self._began
        try:
            while not self._over.wait(1):
                now = time.monotonic()
                for trouble in self._troubles:
                    trouble.tick(now)
                if now >= due:
                    due = now + SAMPLE_SECONDS
                    self.samples.append(take(self._site.instance, waits=self._waits()))
                if now >= told:
                    told = now + 60
                    self._tell(now)
        except Exception as error:
            self.problems.append(f"watching ended: {type(error).__name__}: {error}")

    def end(self) -> None:
        """Let all be well again."""
        self._over.set()
        self.join()
        for trouble in self._troubles:
            trouble.end()

    def _waits(self) -> int:
        query = "SELECT count(*) FROM task_instance WHERE state = 'deferred'"
        return int(self._site.reader.rows(query)[0][0])

    def _tell(self, now: float) -> None:
        memory = {
            role: sum(held.memory for key, held in self.samples[-1].held.items() if key[0] == role) / 1e6
            for role in dict.fromkeys(role for role, _ in self.samples[-1].held)
        }
        held = ", ".join(f"{role} {value:.0f} MB" for role, value in memory.items())
        self._console.print(
            f"  {(now - self._began) / 60:.0f} min: {len(self._load.jobs)} runs started, "
            f"{self._load.under_way} under way, {self.samples[-1].waits} waiting; {held}",
            highlight=False,
            soft_wrap=True,
        )


def _finish(load: Load, console: Console) -> None:
    console.print("  the faults are over; waiting for the last runs", highlight=False)
    deadline = time.monotonic() + END_SECONDS
    while not load.idle and time.monotonic() < deadline:
        load.work(more=False)
        time.sleep(1)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
