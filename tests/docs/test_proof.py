"""The table of what was proven has the numbers of cells that the matrix has now."""

from __future__ import annotations

import re
from collections import Counter

from tests.docs.pages import DOCS, sections
from tests.system.chaos.cell import Cell
from tests.system.chaos.matrix import deployments

#: The rows of the table, by the beginning of each: what the faults in it are known by. The first that fits
#: has the cell: answers are lost among siblings, too, and requests before a task may send again.
GROUPS: dict[str, tuple[str, ...]] = {
    "questions": ("asked:",),
    "tables": ("table:", "against a plan"),
    "siblings": ("siblings", "mapped task", "dag.test()", "backfill"),
    "workers, triggerer and scheduler killed": ("killed",),
    "vendors away": ("vendor down", "vendor restarted"),
    "Clears": ("cleared", "on_lost_answer=resubmit"),
    "sensors": ("run ends",),
    "answers and requests": ("answer lost", "request lost", "effect 20 s after", "throttled"),
}
_CELLS = re.compile(r"\((\d+) cells\)")


def group_of(cell: Cell) -> str:
    found = (group for group, words in GROUPS.items() if any(word in cell.fault for word in words))
    group = next(found, None)
    assert group, f"{cell.title}: GROUPS has no word of this fault, so docs/proof.md has no row for it"
    return group


def test_every_row_names_as_many_cells_as_the_matrix_has() -> None:
    cells = [
        cell for deployment in deployments(short=False) for lane in deployment.lanes for cell in lane.cells
    ]
    counted = Counter(group_of(cell) for cell in cells if not cell.control)
    told: dict[str, int] = {}
    for row in proof():
        if number := _CELLS.search(row):
            told[next((group for group in GROUPS if row.startswith(group)), row)] = int(number[1])
    assert told == counted, "the table in docs/proof.md is older than the matrix"


def test_every_control_has_a_row() -> None:
    cells = [
        cell for deployment in deployments(short=False) for lane in deployment.lanes for cell in lane.cells
    ]
    assert sum(row.startswith("control") for row in proof()) == sum(cell.control for cell in cells)


def proof() -> list[str]:
    """Return the titles of the rows."""
    (section,) = (one for one in sections(DOCS / "proof.md") if one.title == "Faults on a real Airflow")
    return [row[0] for row in section.rows if _CELLS.search(row[0]) or row[0].startswith("control")]
