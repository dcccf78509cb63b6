"""What a soak has found: on the terminal, as JSON, and in the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.report import machine
from dev.layout import CACHE, ROOT
from tests.system.soak.growth import Growth

FILE = CACHE / "soak" / "results.json"
PAGE = ROOT / "docs" / "proof.md"
_PLACE = re.compile(r"(?<=<!-- soak -->\n).*?(?=<!-- end of soak -->)", re.DOTALL)
HEADINGS = ("process", "of", "first third", "last third", "an hour", "may grow by", "holds")


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    A soak's results.

    :param seed: with which all can be done again, but for the machine's own moods
    :param minutes: for which runs were started
    :param figures: counts of runs and submissions
    :param faults: by kind, how often each struck
    :param growths: what processes held
    :param waits: median of the deferred tasks, in the first and in the last third
    :param problems: what is not as it must be
    """

    seed: int
    minutes: float
    figures: Mapping[str, int]
    faults: Mapping[str, int]
    growths: tuple[Growth, ...]
    waits: tuple[float, float]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing grew that may not, and all is accounted for."""
        return not self.problems and all(growth.holds is not False for growth in self.growths)


def cells(growth: Growth) -> tuple[str, ...]:
    """Return a growth under :data:`HEADINGS`."""
    scale, unit = (1e6, " MB") if growth.what == "memory" else (1, "")
    values = [f"{value / scale:,.1f}{unit}" for value in (growth.first, growth.last)]
    slope = f"{growth.slope / scale:+,.1f}{unit}"
    allowed = "" if growth.holds is None else f"{growth.allowed / scale:,.1f}{unit}"
    holds = {None: "not judged", True: "yes", False: "NO"}[growth.holds]
    return growth.role, growth.what, *values, slope, allowed, holds


def table(report: Report) -> Table:
    """Return the growths for a terminal."""
    made = Table(*HEADINGS)
    for growth in report.growths:
        made.add_row(*cells(growth), style="red" if growth.holds is False else "")
    return made


def lines(report: Report) -> list[str]:
    """Return the rest, a line each."""
    counted = ", ".join(f"{number:,} {name}" for name, number in report.figures.items())
    struck = "; ".join(f"{kind}: {number:,}" for kind, number in sorted(report.faults.items()) if number)
    return [
        f"{report.minutes:g} minutes, seed {report.seed}: {counted}.",
        f"Waiting in the triggerer: {report.waits[0]:g} in the first third, {report.waits[1]:g} in the last.",
        f"Faults: {struck}.",
        *(f"Problem: {' '.join(text.split())}" for text in report.problems),
        "Passed." if report.passed else "NOT passed.",
    ]


def write_json(report: Report) -> Path:
    """Write all into a file, and return it."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"machine": machine(), "passed": report.passed, **asdict(report)}
    FILE.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return FILE


def write_page(report: Report) -> Path:
    """Write all into the documentation's page, and return it."""
    known = machine()
    commit, cores = known.pop("commit"), known.pop("cores")
    versions = ", ".join(f"{name} {value}" for name, value in known.items())
    told = [
        "",
        f"Measured at commit `{commit}` on a machine with {cores} cores: {versions}.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"|---|---|{'---:|' * 4}---|",
        *(f"| {' | '.join(cells(growth))} |" for growth in report.growths),
        "",
        *(f"- {line}" for line in lines(report)),
        "",
    ]
    text = "\n".join(told) + "\n"
    PAGE.write_text(_PLACE.sub(lambda place: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return PAGE
