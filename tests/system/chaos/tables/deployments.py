"""
The tables of the matrix: which cells run in which Airflow.

Three deployments. *tables*: a lane for each variant that a vendor's operator for many records submits, on
which a table is led through each fault. *tables-api*: the API server is killed while the tasks of all lanes
are in the middle of theirs. *tables-asked*: a person is asked about all records in doubt at once, where the
vendor cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_workflows.core.tasks.question import NOT_THERE, THERE
from tests.system.chaos.cell import Cell
from tests.system.chaos.deployment import FOLDER, Deployment, Lane
from tests.system.chaos.faults import LOST_ANSWER, LOST_REQUEST
from tests.system.chaos.lifecycle.deployments import MISSED
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.tables.cells import (
    ApiServerAway,
    AskedAboutAll,
    Cleared,
    Killed,
    RequestsStruck,
    VendorAway,
)
from tests.system.chaos.tables.planned import RUNS, PlannedBackfill
from tests.system.chaos.tables.settings import ASKING, TIMEOUT
from tests.system.chaos.variants import TABLES, VENDORS
from tests.system.chaos.vendor import Variant

KILLED = "worker killed with requests under way"
#: What the short form has of these: a fault for each of two variants.
SHORT = {"mybpm_unique": "answer lost", "omflow_keyed": "killed"}


def deployments() -> list[Deployment]:
    """The deployments of the whole matrix."""
    return [
        _deployment("tables", [_lane(variant, list(_cells(variant))) for variant in TABLES]),
        _deployment(
            "tables-api",
            [
                _lane(variant, [ApiServerAway.on(variant, fault="API server killed, away 20 s")])
                for variant in TABLES
            ],
        ),
        _deployment(
            "tables-asked",
            [
                _lane(variant, list(_asked(variant)), suffix=ASKING)
                for variant in TABLES
                if variant.found == "never"
            ],
        ),
    ]


def short_lanes() -> list[Lane]:
    """The lanes of the short matrix, for an Airflow that it has anyway."""
    lanes = [_lane(variant, list(_short_cells(variant))) for variant in TABLES]
    return [lane for lane in lanes if lane.cells]


def planned_lanes() -> list[Lane]:
    """A backfill for each vendor that sells plans."""
    return [
        Lane(
            name=f"{vendor.first.name}_planned",
            mount=vendor.mount,
            extra={**vendor.plan[0], "timeout": TIMEOUT},
            cells=[_planned(vendor.first, vendor.plan[1])],
        )
        for vendor in VENDORS.values()
        if vendor.plan is not None
    ]


def _planned(variant: Variant, rate: float) -> PlannedBackfill:
    fault = f"backfill of {RUNS} runs against a plan of {rate:g} requests a second"
    return PlannedBackfill(fault=fault, vendor=variant.title, variant=variant, rate=rate)


def _deployment(name: str, lanes: Sequence[Lane]) -> Deployment:
    return Deployment(name=name, dags=FOLDER / "dags", lanes=lanes, environment=MISSED)


def _lane(variant: Variant, cells: Sequence[Cell], *, suffix: str = "") -> ProxiedLane:
    return ProxiedLane(
        name=f"{variant.name}_table{suffix}", mount=variant.mount, cells=cells, extra={"timeout": TIMEOUT}
    )


def _cells(variant: Variant) -> Iterator[Cell]:
    yield RequestsStruck.on(variant, fault=f"every third {LOST_ANSWER.title}", how=LOST_ANSWER)
    yield RequestsStruck.on(variant, fault=f"every third {LOST_REQUEST.title}", how=LOST_REQUEST)
    yield Killed.on(variant, fault=f"{KILLED}, later with its supervisor")
    yield Cleared.on(variant, fault="cleared with requests under way, then after the end")
    yield VendorAway.on(variant, fault="vendor away with requests under way: refused 20 s, then 8 times 503")


def _asked(variant: Variant) -> Iterator[Cell]:
    for what, how, option in (
        ("answers lost, then asked about all: they are there", LOST_ANSWER, THERE),
        ("requests lost, then asked about all: they are not there", LOST_REQUEST, NOT_THERE),
    ):
        yield AskedAboutAll.on(variant, fault=what, how=how, option=option)


def _short_cells(variant: Variant) -> Iterator[Cell]:
    if SHORT.get(variant.name) == "answer lost":
        yield RequestsStruck.on(variant, fault=f"every third {LOST_ANSWER.title}", how=LOST_ANSWER)
    if SHORT.get(variant.name) == "killed":
        # The machine lives: a supervisor that dies too is missed only after minutes here.
        yield Killed.on(variant, fault=KILLED, kills=(False,))
