"""What came of a run: as JSON, and in the documentation."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.report import machine
from dev.layout import CACHE, ROOT
from tests.system.chaos.cell import CellResult
from tests.system.chaos.report import verdict

FOLDER = CACHE / "cluster"
FILE = FOLDER / "results.json"
PAGE = ROOT / "docs" / "more-than-one-machine.md"
HEADINGS = ("what happens", "to", "submissions", "struck", "duplicates", "lost", "again", "in doubt", "s")
_PLACE = re.compile(r"(?<=<!-- cluster -->\n).*?(?=<!-- end of cluster -->)", re.DOTALL)


def write_json(results: Sequence[CellResult], seconds: float) -> None:
    """
    Write the rows of a run.

    :param results: its rows
    :param seconds: how long it took, with its start
    """
    known = {**machine(), "celery": importlib.metadata.version("celery"), "seconds": round(seconds)}
    rows = [{**asdict(result), "verdict": verdict(result)} for result in results]
    FOLDER.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps({"run": known, "rows": rows}, indent=2) + "\n", encoding="utf-8")


def write_page() -> Path:
    """Write the rows of the last run into the documentation's page, and return it."""
    shown = markdown(json.loads(FILE.read_text(encoding="utf-8")))
    PAGE.write_text(_PLACE.sub(lambda place: shown, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return PAGE


def markdown(told: dict[str, Any]) -> str:
    """Return a run as a table."""
    run = dict(told["run"])
    commit, cores, seconds = run.pop("commit"), run.pop("cores"), run.pop("seconds")
    versions = ", ".join(f"{name} {run[name]}" for name in ("python", "airflow", "celery"))
    lines = [
        "",
        f"Run at commit `{commit}` with {cores} cores, in {seconds / 60:.0f} minutes: {versions}.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *(f"| {' | '.join(_cells(row))} |" for row in told["rows"]),
    ]
    return "\n".join(lines) + "\n\n"


def _cells(row: dict[str, Any]) -> list[str]:
    tally = row["tally"] or {}
    figures = ("submissions", "duplicates", "lost", "resubmissions", "doubting")
    submissions, *others = (str(tally.get(name, "")) for name in figures)
    notes = [row["note"], "" if row["verdict"] == "ok" else f"**{row['verdict']}**"]
    what = "; ".join(filter(None, [row["fault"], *notes])).replace("|", "\\|")
    struck = str(row["confirmed"]) if row["ordered"] else "-"
    return [what, f"{row['vendor']}, {row['mode']}", submissions, struck, *others, f"{row['seconds']:.0f}"]
