"""What the soak runs on: a real Airflow, and four sandboxes, each behind a proxy that can cut and drip."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_workflows.core.connection.cache import forget
from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES
from dev.postgres import postgres
from dev.sandbox_process import RunningSandbox, running_sandbox
from tests.system.chaos.airflow_reader import AirflowReader
from tests.system.chaos.cell_context import CellContext
from tests.system.chaos.deployment import Lane
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.runner import SETTINGS
from tests.system.chaos.tables.settings import TIMEOUT
from tests.system.chaos.variants import MOVES, STARTS, TABLES, VENDORS, processes
from tests.system.chaos.vendor import Variant
from tests.system.soak.plan import table_of, wait_of

HOME = AIRFLOW_HOMES / "soak"
OWN_SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": "12",
    # A feed begins when its DAG's file is read; paused then, it would wait for the next reading.
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
}
#: Tags of all submissions of a soak begin so.
PREFIX = "soak-"


@dataclass(frozen=True)
class Side:
    """
    One sandbox and its proxy.

    :param lane: with the connections that lead there
    :param sandbox: the process
    :param variants: what tasks submit there
    """

    lane: ProxiedLane
    sandbox: RunningSandbox
    variants: tuple[Variant, ...]


@dataclass(frozen=True)
class Site:
    """
    What runs.

    :param instance: the Airflow
    :param reader: what it has written down
    :param keyed: where all that tasks start can be found again: a run without a key beside it, which might be
        any task's, would spoil that
    :param plain: where tasks start what cannot always be found; nothing else is in these two
    :param moves: where the soak makes what tasks move
    :param waits: where it makes what sensors and feeds watch: a person there must not end what is to be moved
    """

    instance: AirflowInstance
    reader: AirflowReader
    keyed: Side
    plain: Side
    moves: Side
    waits: Side

    @property
    def sides(self) -> tuple[Side, ...]:
        return self.keyed, self.plain, self.moves, self.waits

    def side(self, variant: Variant) -> Side:
        """Where a variant is submitted."""
        return next(side for side in self.sides if variant in side.variants)

    def context(self, conn_id: str, mount: str, side: Side) -> CellContext:
        """What a run through a connection works with."""
        lane = Lane(name=conn_id, mount=mount, cells=())
        return CellContext(self.instance, lane, side.sandbox, self.reader, 0, {})


def _lanes() -> Iterator[tuple[ProxiedLane, tuple[Variant, ...]]]:
    keyed = tuple(variant for variant in STARTS if variant.found == "always")
    plain = tuple(variant for variant in STARTS if variant not in keyed)
    for name, variants in (("keyed", keyed), ("plain", plain), ("moves", MOVES)):
        others = {f"soak_{variant.name}": variant.mount for variant in variants}
        others |= {table_of(variant): variant.mount for variant in variants if variant in TABLES}
        yield _lane(f"soak_side_{name}", others), variants
    yield _lane("soak_side_waits", {wait_of(name): vendor.mount for name, vendor in VENDORS.items()}), ()


def _lane(name: str, others: Mapping[str, str]) -> ProxiedLane:
    mount = next(iter(others.values()))
    return ProxiedLane(name=name, mount=mount, cells=(), extra={"timeout": TIMEOUT}, others=others)


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """
    Run all for as long as the context lasts.

    :raises AirflowError: if Airflow does not start
    :raises PostgresError: if its database does not start
    :raises SandboxError: if a sandbox does not start
    """
    with contextlib.ExitStack() as stack:
        folder = AIRFLOW_HOMES / "soak-sandboxes"
        folder.mkdir(parents=True, exist_ok=True)
        declaration = folder / "processes.toml"
        declaration.write_text(processes())
        sides = [
            Side(
                lane,
                stack.enter_context(running_sandbox(folder / lane.name, processes=declaration)),
                variants,
            )
            for lane, variants in _lanes()
        ]
        connections = {
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields)
            for side in sides
            for name, fields in side.lane.connections(side.sandbox.url).items()
        }
        os.environ.update(connections)
        forget()
        environment = {**SETTINGS, **OWN_SETTINGS, **connections}
        database = stack.enter_context(postgres(AIRFLOW_HOMES / "soak-database"))
        dags = Path(__file__).parent / "dags"
        instance = AirflowInstance(HOME, dags_folder=dags, environment=environment, database=database)
        stack.enter_context(instance)
        instance.wait_healthy()
        reader = stack.enter_context(AirflowReader(HOME, database))
        yield Site(instance, reader, *sides)
