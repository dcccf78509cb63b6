"""Which cells the Airflow of several machines has, with a network that can be cut, and without."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cluster.cells import CutOff, CutOffBeforeSending
from tests.system.chaos.cluster.deployments import deployment
from tests.system.chaos.cluster.network import SERVICES, Network
from tests.system.chaos.cluster.results import markdown
from tests.system.chaos.tally import Tally

REDIS: Any = SimpleNamespace(url="redis://127.0.0.1:6379/0")
NETWORK = Network(
    1, "198.18.0.100", {service: f"198.18.0.{last}" for last, service in enumerate(SERVICES, 1)}
)


def cells(network: Network | None, *, short: bool = False) -> list[Cell]:
    return [cell for lane in deployment(REDIS, network, short=short).lanes for cell in lane.cells]


@pytest.mark.parametrize("network", [NETWORK, None])
def test_no_two_cells_have_one_title_and_no_two_lanes_one_connection(network: Network | None) -> None:
    assert set(Counter(cell.title for cell in cells(network)).values()) == {1}
    lanes = [lane.name for lane in deployment(REDIS, network, short=False).lanes]
    assert len(lanes) == len(set(lanes))


def test_each_service_is_cut_off_loudly_and_in_silence() -> None:
    cut = {(tuple(cell.services), cell.silent) for cell in cells(NETWORK) if isinstance(cell, CutOff)}
    each = {((service,), silent) for service in ("API server", "vendor") for silent in (True, False)}
    assert cut == {*each, (SERVICES, True)}


def test_without_a_network_only_what_cuts_it_is_left_out() -> None:
    left = {cell.title for cell in cells(NETWORK)} - {cell.title for cell in cells(None)}
    assert left == {cell.title for cell in cells(NETWORK) if isinstance(cell, CutOff | CutOffBeforeSending)}


def test_the_short_form_is_part_of_the_whole() -> None:
    short = {cell.title for cell in cells(None, short=True)}
    assert len(short) == 2
    assert short <= {cell.title for cell in cells(None)}


def test_a_table_says_what_is_not_as_it_must_be() -> None:
    tally = Tally(
        submissions=12,
        effects=13,
        duplicates=1,
        lost=0,
        resubmissions=2,
        silent=0,
        succeeded=12,
        doubting=0,
        strangers=0,
    )
    result = CellResult(
        fault="worker killed",
        vendor="one",
        mode="sync",
        tally=tally,
        ordered=7,
        confirmed=7,
        seconds=83.6,
        note="7 tasks",
    )
    told = {
        "run": {"commit": "abc", "cores": 2, "seconds": 120, "python": "3", "airflow": "4", "celery": "5"},
        "rows": [{**asdict(result), "verdict": "1 duplicates"}],
    }
    assert markdown(told).splitlines()[-2] == (
        "| worker killed; 7 tasks; **1 duplicates** | one, sync | 12 | 7 | 1 | 0 | 2 | 0 | 84 |"
    )
