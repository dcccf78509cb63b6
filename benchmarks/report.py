"""What was measured: as a table, as JSON, and in the documentation."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from dev.layout import CACHE, ROOT

if TYPE_CHECKING:
    from rich.console import Console

RESULTS = CACHE / "bench"
FILE = RESULTS / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"
_PLACE = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- end of bench -->)", re.DOTALL)
HEADINGS = ("measured", "ours", "peer", "ratio", "wanted", "holds")


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One thing that was measured, perhaps beside a peer.

    :param what: what was measured, with what a reader must know to do it again
    :param unit: of both values
    :param peer: what the other value is of
    :param peer_value: in one run with ``value``
    :param least: what is wanted of the ratio of ``value`` to ``peer_value``, or of ``value`` if there is no
        peer: this, or more
    :param most: this, or less
    """

    what: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the peer's; None without a peer."""
        return None if self.peer_value is None else self.value / self.peer_value

    @property
    def holds(self) -> bool | None:
        """Whether it is as wanted; None if nothing is."""
        if self.least is None and self.most is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows, under :data:`HEADINGS`."""
        ratio, times = self.ratio, "" if self.ratio is None else "x"
        bounds = [("≥", self.least), ("≤", self.most)]
        wanted = " ".join(f"{sign} {short(bound)}{times}" for sign, bound in bounds if bound is not None)
        peer = "" if self.peer_value is None else f"{self.peer}: {short(self.peer_value)} {self.unit}"
        return (
            self.what,
            f"{short(self.value)} {self.unit}".strip(),
            peer,
            "" if ratio is None else f"{short(ratio)}x",
            wanted,
            {None: "", True: "yes", False: "NO"}[self.holds],
        )


def short(value: float) -> str:
    """Return a number with three digits, or all of an integer."""
    whole = value == int(value) or abs(value) >= 100
    return f"{value:,.0f}" if whole else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit or "unknown",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "airflow": importlib.metadata.version("apache-airflow-core"),
        "aiohttp": importlib.metadata.version("aiohttp"),
        "requests": importlib.metadata.version("requests"),
    }


def table(rows: Sequence[Row]) -> Table:
    """Return the rows for a terminal."""
    made = Table(*HEADINGS)
    for row in rows:
        made.add_row(*row.cells(), style="red" if row.holds is False else "")
    return made


def write_json(groups: Mapping[str, Sequence[Row]]) -> Path:
    """Write what was measured beside what other runs have measured, and return the file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    known = machine()
    told = {
        name: {
            "machine": known,
            "rows": [{**asdict(row), "ratio": row.ratio, "holds": row.holds} for row in rows],
        }
        for name, rows in groups.items()
    }
    FILE.write_text(json.dumps({**_earlier(), **told}, indent=2) + "\n", encoding="utf-8")
    return FILE


def _earlier() -> dict[str, Any]:
    try:
        earlier: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return earlier


def write_page(names: Sequence[str]) -> Path:
    """
    Write what the last run of each group has measured into the documentation's page, and return it.

    :param names: the groups, in order
    """
    told = _earlier()
    text = PAGE.read_text(encoding="utf-8")
    shown = markdown([told[name] for name in names if name in told])
    PAGE.write_text(_PLACE.sub(lambda place: shown, text), encoding="utf-8")
    return PAGE


def markdown(groups: Sequence[Mapping[str, Any]]) -> str:
    """Return groups as they stand in the file for a page, those of one commit and machine in one table."""
    lines: list[str] = []
    for known, together in itertools.groupby(groups, key=lambda group: dict(group["machine"])):
        commit, cores = known.pop("commit"), known.pop("cores")
        versions = ", ".join(f"{name} {value}" for name, value in known.items())
        lines += ["", f"Measured at commit `{commit}` on a machine with {cores} cores: {versions}.", ""]
        lines += [f"| {' | '.join(HEADINGS)} |", "|---|---|---|---|---|---|"]
        for row in (row for group in together for row in group["rows"]):
            given = {name: value for name, value in row.items() if name not in ("ratio", "holds")}
            lines.append(f"| {' | '.join(Row(**given).cells())} |")
    return "\n".join(lines) + "\n\n"


def show(groups: dict[str, list[Row]], console: Console) -> None:
    """Print what was measured, and each target that does not hold."""
    every = [row for rows in groups.values() for row in rows]
    console.print(table(every))
    targets = [row for row in every if row.holds is not None]
    console.print(f"{sum(bool(row.holds) for row in targets)} of {len(targets)} targets hold")
