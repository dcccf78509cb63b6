"""Which cells there are: each fault for every vendor it applies to, in each mode in which that can wait."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_provider_workflows.provider import FORMS
from tests.system.chaos.cell import Cell
from tests.system.chaos.deployment import Deployment
from tests.system.chaos.matrix import deployments
from tests.system.chaos.variants import VARIANTS, VENDORS

#: At each vendor something waits: an operator, or else a sensor.
WAITING = len(FORMS)
WAITING_OPERATORS = sum(vendor.first.waits for vendor in VENDORS.values())


def cells(found: list[Deployment]) -> list[Cell]:
    return [cell for deployment in found for lane in deployment.lanes for cell in lane.cells]


def modes(fault: str) -> Counter[str]:
    """How many cells a fault has in each mode."""
    return Counter(cell.mode for cell in cells(deployments(short=False)) if fault in cell.fault)


@pytest.mark.parametrize("fault", ["50 mapped siblings", "mapped task of 50", "backfill of 30 runs"])
def test_many_wait_in_both_modes_where_they_can(fault: str) -> None:
    others = len(FORMS) - WAITING_OPERATORS
    assert modes(fault) == {"sync": WAITING_OPERATORS, "deferrable": WAITING_OPERATORS, "no-wait": others}


def test_one_process_waits_in_both_modes_or_not_at_all() -> None:
    waits = {"sync": WAITING_OPERATORS, "deferrable": WAITING_OPERATORS}
    assert modes("dag.test()") == {**waits, "no-wait": len(FORMS)}


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
    titles = Counter(cell.title for cell in cells(deployments(short=short)))
    assert set(titles.values()) == {1}


@pytest.mark.parametrize("short", [False, True])
def test_every_deployment_has_each_connection_once(short: bool) -> None:
    for deployment in deployments(short=short):
        names = [name for lane in deployment.lanes for name in (lane.name, *lane.others)]
        assert len(names) == len(set(names))


def test_the_short_form_stays_short() -> None:
    # A lost answer for each way to submit, and for the control; two of the tables; four lifecycle cells.
    assert len(cells(deployments(short=True))) == len(VARIANTS) + 1 + 2 + 4


def test_the_vendors_are_those_that_are_told_to_airflow_and_most_wait() -> None:
    assert list(VENDORS) == [form.conn_type for form in FORMS]
    assert WAITING_OPERATORS >= 4
