"""
What a DAG file's imports cost: processor time, as a share of what importing Airflow's HttpOperator takes.

Each measurement is an interpreter of its own in which ``airflow.sdk`` has been imported, as in every process
that reads DAG files. The measurements take turns, so that a busy machine slows all of them alike, and the
fastest of each counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from airflow_provider_workflows.provider import FORMS

ROUNDS = 5
PEER = "airflow.providers.http.operators.http"
SCRIPT = """
import sys, time
from importlib import import_module
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator

began, loaded = time.process_time(), set(sys.modules)
for name in sys.argv[1:]:
    import_module(name)
print(time.process_time() - began, len(set(sys.modules) - loaded))
"""


@dataclass(frozen=True)
class Subject:
    """
    Something to import.

    :param share: the most of the peer's time that it may take
    """

    name: str
    modules: tuple[str, ...]
    share: float = 1.0


@dataclass(frozen=True, order=True)
class Cost:
    """What importing took."""

    seconds: float
    modules: int


def subjects() -> list[Subject]:
    """Return the peer, the operators and sensors of each vendor, and those of all."""
    own = {form.hook_name: (f"{form.package}.operators", f"{form.package}.sensors") for form in FORMS}
    every = tuple(module for modules in own.values() for module in modules)
    return [
        Subject("HttpOperator", (PEER,)),
        *(Subject(name, modules, 1 / 20) for name, modules in own.items()),
        Subject(f"all {len(every)} modules", every, 1 / 10),
    ]


def measure(subject: Subject, home: str) -> Cost:
    """Import a subject's modules in a new interpreter."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, *subject.modules],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": home},
    )
    seconds, modules = run.stdout.splitlines()[-1].split()
    return Cost(float(seconds), int(modules))


def main() -> None:
    """Measure and print."""
    found = subjects()
    with tempfile.TemporaryDirectory() as home:
        for subject in found:
            measure(subject, home)  # fills the bytecode cache
        rounds = [[measure(subject, home) for subject in found] for _ in range(ROUNDS)]
    best = [min(costs) for costs in zip(*rounds, strict=True)]
    print(f"{'import':<20}{'ms':>8}{'modules':>9}{'share':>8}{'wanted':>8}")
    for subject, cost in zip(found, best, strict=True):
        share = f"1/{best[0].seconds / cost.seconds:.0f}"
        wanted = f"1/{1 / subject.share:.0f}"
        print(f"{subject.name:<20}{cost.seconds * 1000:>8.1f}{cost.modules:>9}{share:>8}{wanted:>8}")


if __name__ == "__main__":
    main()
