"""All scenes of the matrix, in the order in which they run."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from tests.system.chaos.faults import FAULTS, LOST_ANSWER, RequestFault, every
from tests.system.chaos.many import RUNS, SIBLINGS, BackfillCell, DagTestCell
from tests.system.chaos.request_cells import RequestCell
from tests.system.chaos.scene import FOLDER, Lane, Scene
from tests.system.chaos.variants import MANY, ROBUSTA, VARIANTS, Mode, Variant

LIFECYCLE = "tests.system.chaos.lifecycle"


def scenes(*, short: bool) -> list[Scene]:
    """
    The matrix.

    :param short: a few of the cells, with a few submissions each
    """
    found = [requests(short=short)] if short else [requests(short=short), backfills()]
    if importlib.util.find_spec(LIFECYCLE) is not None:
        module = importlib.import_module(LIFECYCLE)
        if hasattr(module, "scenes"):
            found += module.scenes(short=short)
    return found


def requests(*, short: bool) -> Scene:
    """The faults of a request: a lane for each variant and mode, and the control."""
    lanes = [
        Lane(name=variant.dag_id(mode), mount=variant.mount, cells=_cells(variant, mode, short=short))
        for variant in VARIANTS.values()
        for mode in variant.modes
    ]
    lanes.append(Lane(name="http_control", mount=ROBUSTA, conn_type="http", cells=[_control()]))
    return Scene(name="requests", dags=FOLDER / "dags", lanes=[lane for lane in lanes if lane.cells])


def _cells(variant: Variant, mode: Mode, *, short: bool) -> list[RequestCell]:
    """The longest first, so that no lane is left with them when the others are done."""
    waits = len(variant.modes) > 1
    if short:
        return [_cell(variant, mode, LOST_ANSWER)] if mode == "sync" or not waits else []
    many = _many(variant, mode) if variant.name in MANY else []
    # What strikes the request strikes it before there is a wait.
    faults = (LOST_ANSWER,) if mode == "no-wait" and waits else FAULTS
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
    """The cells of many that a mode has; where there is but one, it has them all."""
    lane = variant.dag_id(mode)
    common: Any = {"vendor": variant.title, "mode": mode, "variant": variant}
    siblings, tested = every(2, "50 mapped siblings"), every(3, "dag.test()")
    cells: dict[Mode, list[RequestCell]] = {
        "deferrable": [
            RequestCell(
                fault=siblings.title, dag_id=f"{lane}_many", how=siblings, every=2, size=SIBLINGS, **common
            ),
        ],
        "sync": [
            RequestCell(fault="mapped task of 50", dag_id=f"{lane}_many", how=None, size=SIBLINGS, **common)
        ],
        "no-wait": [DagTestCell(fault=tested.title, dag_id=lane, how=tested, every=3, **common)],
    }
    return cells[mode] if len(variant.modes) > 1 else [cell for group in cells.values() for cell in group]


def backfills() -> Scene:
    """A backfill for each vendor, one after the other; see :class:`BackfillCell`."""
    runs = every(3, f"backfill of {RUNS} runs")
    chosen = [(VARIANTS[name], _waiting(VARIANTS[name])) for name in MANY]
    cells = [
        BackfillCell(
            fault=runs.title,
            vendor=variant.title,
            mode=mode,
            variant=variant,
            dag_id=f"{variant.dag_id(mode)}_backfill",
            how=runs,
            every=3,
            size=RUNS,
        )
        for variant, mode in chosen
    ]
    others = {variant.dag_id(mode): variant.mount for variant, mode in chosen}
    lane = Lane(name="backfills", mount=chosen[0][0].mount, cells=cells, others=others)
    return Scene(name="backfills", dags=FOLDER / "dags", lanes=[lane])


def _waiting(variant: Variant) -> Mode:
    return "deferrable" if "deferrable" in variant.modes else variant.modes[0]


def _control() -> RequestCell:
    return RequestCell(
        fault=LOST_ANSWER.title,
        vendor="Robusta start by HttpOperator",
        mode="sync",
        control=True,
        variant=VARIANTS["robusta"],
        dag_id="http_control",
        how=LOST_ANSWER,
    )
