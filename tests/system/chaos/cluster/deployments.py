"""Which cells run on the Airflow of several machines, in which order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dev.airflow_cluster import AirflowCluster, Machine
from dev.layout import AIRFLOW_HOMES
from dev.ports import LOOPBACK
from dev.redis_server import RedisServer
from tests.system.chaos.cell import Cell
from tests.system.chaos.cluster.cells import (
    REMOTE,
    CutOff,
    CutOffBeforeSending,
    DatabaseCrashed,
    DeliveredAgain,
    RedisRestarted,
    SharedPlan,
    TableWorkerKilled,
    TriggererKilled,
    VendorFrozen,
    WorkerKilled,
)
from tests.system.chaos.cluster.network import SERVICES, Network
from tests.system.chaos.deployment import FOLDER, Deployment
from tests.system.chaos.lifecycle.dag_files import write_files
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.lifecycle.tcp_proxy import TcpProxy
from tests.system.chaos.tables import settings as tables
from tests.system.chaos.tables.planned import RUNS
from tests.system.chaos.variants import VARIANTS, VENDORS
from tests.system.chaos.vendor import Mode, Variant

DAGS = AIRFLOW_HOMES / "chaos" / "cluster-dags"
#: What can be found again when its answer is lost, twice, and what cannot.
FOUND, FOUND_TOO, NEVER_FOUND = (VARIANTS[name] for name in ("omflow_keyed", "kiban_keyed", "robusta"))
#: Seconds after which a request is given up: longer than an answer is held, shorter than a vendor is away.
TIMEOUT = 27.0
SETTINGS: Mapping[str, str] = {
    # A worker that dies is missed after this time instead of five minutes, so that a run takes minutes.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    # A task that waits in a queue that is lost is sent again after half a minute instead of ten.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "60",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "15",
}


def write_dags() -> None:
    """Write the DAG files: those of the lifecycle cells, and those of tables."""
    write_files(DAGS, variants=[FOUND, FOUND_TOO, NEVER_FOUND], vendors=())
    shutil.copy(FOLDER / "dags" / "tables.py", DAGS / "tables.py")


def airflow(home: Path, *, redis: RedisServer, network: Network | None, **how: Any) -> AirflowCluster:
    """Return the cluster of a deployment; one of its workers is alone in its network, if there is one."""
    made = AirflowCluster(home, redis=redis, **how)
    if network is not None:
        way = TcpProxy(made.url, host=network.addresses["API server"])
        made.place(REMOTE, Machine(command=network.command, api_server=way.url))
    return made


def deployment(redis: RedisServer, network: Network | None, *, short: bool) -> Deployment:
    """
    The cells.

    :param redis: the broker
    :param network: of one of the workers; None if it has none of its own
    :param short: two cells
    """
    vendor = network.addresses["vendor"] if network else LOOPBACK
    worker_killed = "worker killed while its tasks send"
    lanes = [
        _lane(FOUND, "sync", vendor, [WorkerKilled.on(FOUND, "sync", fault=worker_killed)]),
        _lane(
            FOUND,
            "deferrable",
            vendor,
            [TriggererKilled.on(FOUND, "deferrable", fault="triggerer killed while all wait")],
        ),
    ]
    if not short:
        lanes += [
            _planned(vendor),
            _table(vendor),
            _lane(NEVER_FOUND, "sync", vendor, [WorkerKilled.on(NEVER_FOUND, "sync", fault=worker_killed)]),
            _lane(FOUND_TOO, "sync", vendor, list(_between(redis, network))),
        ]
    return Deployment(
        name="cluster",
        dags=DAGS,
        lanes=lanes,
        environment=SETTINGS,
        prepare=write_dags,
        airflow=partial(airflow, redis=redis, network=network),
        in_turn=True,
    )


def _lane(variant: Variant, mode: Mode, host: str, cells: Sequence[Cell]) -> ProxiedLane:
    return ProxiedLane(
        name=variant.dag_id(mode), mount=variant.mount, host=host, extra={"timeout": TIMEOUT}, cells=cells
    )


def _planned(host: str) -> ProxiedLane:
    vendor = next(vendor for vendor in VENDORS.values() if vendor.plan is not None)
    assert vendor.plan is not None
    extra, rate = vendor.plan
    variant = vendor.first
    fault = f"backfill of {RUNS} runs on both workers, a plan of {rate:g} requests a second"
    return ProxiedLane(
        name=f"{variant.name}_planned",
        mount=variant.mount,
        host=host,
        extra={**extra, "timeout": tables.TIMEOUT},
        cells=[SharedPlan(fault=fault, vendor=variant.title, variant=variant, rate=rate)],
    )


def _table(host: str) -> ProxiedLane:
    cells = [
        TableWorkerKilled.on(FOUND, fault="its worker killed, goes on on the other", own=True),
        TableWorkerKilled.on(FOUND, fault="the other worker killed", own=False),
    ]
    return ProxiedLane(
        name=f"{FOUND.name}_table",
        mount=FOUND.mount,
        host=host,
        extra={"timeout": tables.TIMEOUT},
        cells=cells,
    )


def _between(redis: RedisServer, network: Network | None) -> Iterator[Cell]:
    """What strikes what stands between the machines."""
    yield RedisRestarted.on(FOUND_TOO, "sync", fault="Redis killed, away 15 s, comes back empty", redis=redis)
    yield DatabaseCrashed.on(FOUND_TOO, "sync", fault="database crashed while tasks send, away 10 s")
    yield DeliveredAgain.on(FOUND_TOO, "sync", fault="each message delivered again while its task waits")
    yield VendorFrozen.on(FOUND_TOO, "sync", fault="vendor silent for 30 s while tasks send", seconds=30.0)
    if network is None:
        return
    yield CutOffBeforeSending.on(
        FOUND_TOO,
        "sync",
        fault="worker without network before its tasks send, then without API server",
        network=network,
        seconds=(50.0, 20.0),
    )
    for services, silent, seconds in (
        (["API server"], False, 60.0),
        (["API server"], True, 60.0),
        (["vendor"], False, 30.0),
        (["vendor"], True, 30.0),
        (SERVICES, True, 60.0),
    ):
        what = services[0] if len(services) == 1 else "network"
        how = "packets vanish" if silent else "refused"
        yield CutOff.on(
            FOUND_TOO,
            "sync",
            fault=f"worker without {what} for {seconds:.0f} s while its tasks send: {how}",
            network=network,
            services=services,
            silent=silent,
            seconds=seconds,
        )
