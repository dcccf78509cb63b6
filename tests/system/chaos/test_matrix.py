"""Which cells there are: each fault for every vendor it applies to, in each mode in which that can wait."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.system.chaos.cell import Cell
from tests.system.chaos.matrix import scenes
from tests.system.chaos.scene import Scene

#: Of all vendors, MyBPM's operators do not wait; its sensors do.
WAITING_OPERATORS, WAITING = 4, 5


def cells(found: list[Scene]) -> list[Cell]:
    return [cell for scene in found for lane in scene.lanes for cell in lane.cells]


def modes(fault: str) -> Counter[str]:
    """How many cells a fault has in each mode."""
    return Counter(cell.mode for cell in cells(scenes(short=False)) if fault in cell.fault)


@pytest.mark.parametrize("fault", ["50 mapped siblings", "mapped task of 50", "backfill of 30 runs"])
def test_many_wait_in_both_modes_where_they_can(fault: str) -> None:
    assert modes(fault) == {"sync": WAITING_OPERATORS, "deferrable": WAITING_OPERATORS, "no-wait": 1}


def test_one_process_waits_in_both_modes_or_not_at_all() -> None:
    assert modes("dag.test()") == {"sync": WAITING_OPERATORS, "deferrable": WAITING_OPERATORS, "no-wait": 5}


@pytest.mark.parametrize(
    "fault",
    [
        "vendor down while waiting",
        "vendor restarted",
        "cleared while",
        "killed and restarted while all wait",
        "and again",
    ],
)
def test_what_strikes_a_wait_strikes_it_at_every_vendor_in_both_modes(fault: str) -> None:
    assert modes(fault) == {"sync": WAITING, "deferrable": WAITING}


@pytest.mark.parametrize("short", [False, True])
def test_no_two_cells_have_one_title(short: bool) -> None:
    titles = Counter(cell.title for cell in cells(scenes(short=short)))
    assert set(titles.values()) == {1}


@pytest.mark.parametrize("short", [False, True])
def test_every_scene_has_each_connection_once(short: bool) -> None:
    for scene in scenes(short=short):
        names = [name for lane in scene.lanes for name in (lane.name, *lane.others)]
        assert len(names) == len(set(names))


def test_the_short_form_stays_short() -> None:
    assert len(cells(scenes(short=True))) == 16
