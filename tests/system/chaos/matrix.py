"""All deployments of the matrix, in the order in which they run."""

from __future__ import annotations

from typing import Any

from tests.system.chaos.bulk_cells import RUNS, SIBLINGS, BackfillCell, DagTestCell
from tests.system.chaos.deployment import FOLDER, Deployment, Lane
from tests.system.chaos.faults import FAULTS, LOST_ANSWER, RequestFault, every
from tests.system.chaos.lifecycle import deployments as lifecycle
from tests.system.chaos.request_cells import RequestCell
from tests.system.chaos.tables import deployments as tables
from tests.system.chaos.variants import MANY, VARIANTS
from tests.system.chaos.vendor import Mode, Variant

#: What the control starts without this package; see ``dags/http_control.py``.
CONTROL = VARIANTS["robusta"]


def deployments(*, short: bool) -> list[Deployment]:
    """
    The matrix.

    :param short: a few of the cells, with a few submissions each
    """
    found = [requests(short=short)] if short else [requests(short=short), backfills(), *tables.deployments()]
    return [*found, *lifecycle.deployments(short=short)]


def requests(*, short: bool) -> Deployment:
    """The faults of a request: a lane for each variant and mode, and the control."""
    lanes = [
        Lane(name=variant.dag_id(mode), mount=variant.mount, cells=_cells(variant, mode, short=short))
        for variant in VARIANTS.values()
        for mode in variant.modes
    ]
    lanes.append(Lane(name="http_control", mount=CONTROL.mount, conn_type="http", cells=[_control()]))
    lanes += tables.short_lanes() if short else []
    return Deployment(name="requests", dags=FOLDER / "dags", lanes=[lane for lane in lanes if lane.cells])


def _cells(variant: Variant, mode: Mode, *, short: bool) -> list[RequestCell]:
    """The longest first, so that no lane is left with them when the others are done."""
    if short:
        return [_cell(variant, mode, LOST_ANSWER)] if mode == variant.waits_in[0] else []
    many = _many(variant, mode) if variant.name in MANY else []
    # What strikes the request strikes it before there is a wait.
    faults = FAULTS if mode in variant.waits_in else (LOST_ANSWER,)
    return [*many, *(_cell(variant, mode, how) for how in faults)]


def _cell(variant: Variant, mode: Mode, how: RequestFault) -> RequestCell:
    return RequestCell(
        fault=how.title,
        vendor=variant.title,
        mode=mode,
        variant=variant,
        dag_id=variant.dag_id(mode),
        how=how,
    )


def _many(variant: Variant, mode: Mode) -> list[RequestCell]:
    """The cells of many, in each mode in which it waits."""
    siblings = every(2, "50 mapped siblings")
    common = _on(variant, mode, scenario="many", size=SIBLINGS)
    crowds = [
        RequestCell(fault=siblings.title, how=siblings, every=2, **common),
        RequestCell(fault="mapped task of 50", how=None, **common),
    ]
    return [*(crowds if mode in variant.waits_in else []), *(_tested(variant) if mode == "no-wait" else [])]


def _tested(variant: Variant) -> list[RequestCell]:
    """
    ``dag.test()`` in every mode, for the lane of what does not wait, which is done long before the others.

    It runs one task after the other, and a deferral takes ten seconds at the least.
    """
    third = every(3, "dag.test()")
    return [
        DagTestCell(fault=third.title, how=third, every=3, **_on(variant, mode, scenario="alone"))
        for mode in variant.modes
    ]


def backfills() -> Deployment:
    """
    Backfills: a lane for each mode, in which one vendor comes after the other; and those against a plan.
    """
    modes: list[Mode] = ["sync", "deferrable"]
    lanes = [*map(_backfills, modes), *tables.planned_lanes()]
    return Deployment(name="backfills", dags=FOLDER / "dags", lanes=lanes)


def _backfills(mode: Mode) -> Lane:
    """Those that wait in a mode; with those in workers goes what does not wait."""
    chosen = [
        (variant, one)
        for variant in map(VARIANTS.__getitem__, MANY)
        for one in variant.waits_in
        if one == mode or (one == "no-wait" and mode == "sync")
    ]
    return Lane(
        name=f"backfills_{mode}",
        mount=chosen[0][0].mount,
        cells=[_backfill(variant, one) for variant, one in chosen],
        others={variant.dag_id(one): variant.mount for variant, one in chosen},
    )


def _backfill(variant: Variant, mode: Mode) -> BackfillCell:
    runs = every(3, f"backfill of {RUNS} runs")
    return BackfillCell(
        fault=runs.title, how=runs, every=3, **_on(variant, mode, scenario="backfill", size=RUNS)
    )


def _on(variant: Variant, mode: Mode, *, scenario: str, **more: Any) -> dict[str, Any]:
    """What a cell has that runs the scenario's DAG of a variant and mode."""
    dag_id = f"{variant.dag_id(mode)}_{scenario}"
    return {"vendor": variant.title, "mode": mode, "variant": variant, "dag_id": dag_id, **more}


def _control() -> RequestCell:
    return RequestCell(
        fault=LOST_ANSWER.title,
        vendor="Robusta start by HttpOperator",
        mode="sync",
        control=True,
        variant=CONTROL,
        dag_id="http_control",
        how=LOST_ANSWER,
    )
