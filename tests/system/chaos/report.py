"""The matrix as a table: on the terminal, and as Markdown in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tests.system.chaos.cell import CellResult
from tests.system.chaos.tally import DEFINITIONS

HEADINGS = (
    "Fault",
    "Operator",
    "Mode",
    "Submissions",
    "Faults confirmed",
    "Effects",
    "Duplicates",
    "Lost",
    "Resubmissions",
    "Silent",
    "Succeeded",
    "In doubt",
    "Seconds",
    "Verdict",
)
#: Columns of words; the others are figures.
WORDS = {"Fault", "Operator", "Mode", "Verdict"}


def cells_of(result: CellResult) -> list[str]:
    """The texts of a row, by :data:`HEADINGS`."""
    figures = result.tally
    counted = (
        [""] * 8
        if figures is None
        else [
            str(figures.submissions),
            f"{result.confirmed} of {result.ordered}" if result.ordered else "-",
            str(figures.effects),
            str(figures.duplicates),
            str(figures.lost),
            str(figures.resubmissions),
            str(figures.silent),
            str(figures.succeeded),
            str(figures.doubting),
        ]
    )
    if figures is None:
        counted.append("")
    return [result.fault, result.vendor, result.mode, *counted, f"{result.seconds:.0f}", verdict(result)]


def verdict(result: CellResult) -> str:
    """One word if all is well, else why not."""
    if result.passed:
        return "shows duplicates" if result.control else "ok"
    return "; ".join(result.complaints)


def ordered(results: Sequence[CellResult]) -> list[CellResult]:
    """Rows by fault, in the order in which faults first came; controls last."""
    faults = list(dict.fromkeys(result.fault for result in results))
    return sorted(
        results,
        key=lambda result: (result.control, faults.index(result.fault), result.vendor, result.mode),
    )


def table(results: Sequence[CellResult]) -> Table:
    """The matrix for the terminal."""
    made = Table(title="Chaos matrix", title_justify="left")
    for heading in HEADINGS:
        made.add_column(
            heading, justify="left" if heading in WORDS else "right", overflow="fold", no_wrap=False
        )
    for result in ordered(results):
        style = "red" if not result.passed else "yellow" if result.control else ""
        made.add_row(*(Text(text, style=style) for text in cells_of(result)))
    return made


def summary(results: Sequence[CellResult]) -> list[str]:
    """What the matrix comes to, a line each."""
    proper = [result for result in results if not result.control and result.tally is not None]
    counted = [result.tally for result in proper if result.tally is not None]
    controls = [result for result in results if result.control]
    lines = [
        f"{sum(tally.submissions for tally in counted)} submissions in {len(proper)} cells: "
        f"{sum(tally.duplicates for tally in counted)} duplicates, "
        f"{sum(tally.lost for tally in counted)} lost, "
        f"{sum(tally.silent for tally in counted)} silent resubmissions; "
        f"{sum(result.confirmed for result in proper)} faults confirmed."
    ]
    for result in controls:
        shown = result.tally.duplicates if result.tally else 0
        lines.append(f"Control “{result.vendor}”, {result.fault}: {shown} duplicates.")
    failed = [result for result in results if not result.passed]
    lines.append(
        "Every row is as it must be." if not failed else f"{len(failed)} rows are not as they must be."
    )
    return lines


def definitions() -> list[str]:
    """What the headings mean, a line each."""
    return [f"{word}: {meaning}." for word, meaning in DEFINITIONS]


def write_markdown(results: Sequence[CellResult], path: Path) -> None:
    """
    Write the matrix to a file.

    :param results: its rows
    :param path: the file
    """
    lines = [
        "# Chaos matrix",
        "",
        *summary(results),
        "",
        _line(HEADINGS),
        _line("---" if heading in WORDS else "---:" for heading in HEADINGS),
        *(_line(cells_of(result)) for result in ordered(results)),
        "",
        *(f"- **{word}**: {meaning}." for word, meaning in DEFINITIONS),
        "",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def _line(cells: object) -> str:
    assert not isinstance(cells, str)
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"  # type: ignore[attr-defined]
