"""
The lifecycle part of the matrix: which cells run in which Airflow.

Three kinds of deployment. *lives*: a lane for each variant and mode, on which a run is led through each of
the lane's faults; every submission goes its own way, so that few workers serve many. A vendor whose operators
do not wait has lanes for a sensor that does, which is led through what strikes a wait. *components*: the
triggerer and the scheduler are killed while the tasks of all lanes wait. *quick*: sensors whose target ends
at once, with Airflow's own and with a long heartbeat interval.

A worker is killed with SIGKILL at the process that runs the task. LocalExecutor's worker supervises it from
the process above. Where that one survives, it tells Airflow of the death and the retry comes within seconds;
where it dies as well, the scheduler misses heartbeats until ``[scheduler] task_instance_heartbeat_timeout``
has passed. Both happen: a process that runs out of memory is the one, a machine that loses power the other.
So every second task loses its supervisor, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.system.chaos.cell import Cell
from tests.system.chaos.deployment import Deployment, Lane
from tests.system.chaos.lifecycle.base import TIMEOUT
from tests.system.chaos.lifecycle.clears import ALIVE, ClearedAfterFailure, ClearedAfterSuccess, ClearedAlive
from tests.system.chaos.lifecycle.components import KILLED, PARTS, TRIGGERER_KILLED, ComponentsKilled
from tests.system.chaos.lifecycle.dag_files import DAGS, write_files
from tests.system.chaos.lifecycle.doubts import ID_FROM_PERSON, OPTED_IN, IdFromPerson, OptedIn
from tests.system.chaos.lifecycle.kills import (
    BEFORE_STORED,
    WHILE_WAITING,
    WHILE_WATCHING,
    KilledBeforeStored,
    KilledWhileWaiting,
    RecordSwitchedOff,
)
from tests.system.chaos.lifecycle.outages import (
    DOWN,
    FORGOTTEN,
    RESTARTED,
    LoginForgotten,
    VendorDown,
)
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.lifecycle.questions import (
    AnsweredAtOnce,
    AskedCell,
    ClearedWhileAsked,
    FailedWhileAsked,
    ItIsNotThere,
    ItIsThere,
    MovedByHand,
    SchedulerKilledWhileAsked,
)
from tests.system.chaos.lifecycle.sensor_cells import QuickEnds
from tests.system.chaos.lifecycle.sensor_targets import lane_of
from tests.system.chaos.variants import BY_MOUNT, MOVES, SENSORS, STARTS, VENDORS, WAITING
from tests.system.chaos.vendor import Mode, Variant

CellsOf = Callable[[Variant, Mode], Iterator[Cell]]
#: Of those that wait, those whose vendors know runs that end badly.
FAILING = tuple(variant for variant in WAITING if variant.how and variant.how.failing is not None)
SETTINGS: Mapping[str, str] = {
    "AIRFLOW__CORE__PARALLELISM": "64",
    # Small bites: only at the end of its round does the scheduler hear which tasks have ended or deferred.
    # With 20 runs and 64 tasks a round it heard so late that it failed tasks which had resumed meanwhile.
    "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "4",
    "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "4",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
}
#: A dead worker is missed after this time instead of five minutes. Not sooner: when dozens of tasks start at
#: once on two cores, each takes a quarter of a minute to read its DAG file, and the heartbeats of the living
#: are late, too. After 25 s some of them were taken for dead.
MISSED: Mapping[str, str] = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
#: A dead triggerer's triggers are taken over after this time.
TRIGGERS_TAKEN_OVER: Mapping[str, str] = {"AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15"}
#: A dead scheduler's tasks are taken over after these times. Not sooner: a round in which it hands out dozens
#: of tasks took 26 s. After 15 s it took itself for dead and reset 59 living tasks; the errors that their
#: workers then reported filled LocalExecutor's pipe, and it stood still for good (Airflow 3.3.2).
TASKS_TAKEN_OVER: Mapping[str, str] = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "60",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
}
#: As many tasks at once as two cores start without keeping the scheduler from its work. With 64 it heard more
#: than half a minute late that a sensor's process had ended, and failed 20 of 400 for what they were by then.
AT_ONCE: Mapping[str, str] = {"AIRFLOW__CORE__PARALLELISM": "12"}
HEARTBEATS = {"": {}, ", min_heartbeat_interval=15": {"AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "15"}}


def deployments(*, short: bool) -> list[Deployment]:
    """
    The lifecycle part of the matrix.

    :param short: a few of the cells
    """
    if short:
        return [_lives(_short_cells)]
    return [_lives(_cells), _components(), *_quick(), *_questions()]


def _lives(cells_of: CellsOf) -> Deployment:
    lanes = [
        lane
        for variant in (*STARTS, *SENSORS)
        for mode in variant.waits_in
        if (lane := _lane(variant, mode, cells_of)).cells
    ]
    return Deployment(
        name="lives",
        dags=DAGS,
        prepare=write_files,
        lanes=lanes,
        environment={**SETTINGS, **MISSED, **TRIGGERS_TAKEN_OVER},
    )


def _lane(variant: Variant, mode: Mode, cells_of: CellsOf) -> ProxiedLane:
    return ProxiedLane(
        name=variant.dag_id(mode),
        mount=variant.mount,
        cells=list(cells_of(variant, mode)),
        extra={"timeout": TIMEOUT},
    )


def _cells(variant: Variant, mode: Mode) -> Iterator[Cell]:
    if not variant.watches:
        yield KilledBeforeStored.on(variant, mode, fault=BEFORE_STORED)
    if variant in WAITING:
        while_waiting = WHILE_WATCHING if variant.watches else WHILE_WAITING
        yield KilledWhileWaiting.on(variant, mode, fault=while_waiting)
        yield VendorDown.on(variant, mode, fault=DOWN)
        has_login = BY_MOUNT[variant.mount].login is not None
        yield LoginForgotten.on(variant, mode, fault=FORGOTTEN if has_login else RESTARTED)
        yield ClearedAlive.on(variant, mode, fault=ALIVE[mode])
    if mode == "no-wait":
        yield ClearedAfterSuccess.on(variant, mode, fault="cleared after success")
    if variant in FAILING:
        for word, scenario in (("fail", "failing"), ("rerun", "rerunning")):
            yield ClearedAfterFailure.on(
                variant,
                mode,
                fault=f"cleared after failure, on_failed_run={word}",
                scenario=scenario,
                reruns=word == "rerun",
            )
    if variant.found != "always":
        yield IdFromPerson.on(variant, mode, fault=ID_FROM_PERSON)
        yield OptedIn.on(variant, mode, fault=OPTED_IN)
    if (variant.name, mode) == ("robusta", "sync"):
        yield RecordSwitchedOff.on(variant, mode, fault=f"{BEFORE_STORED}, record switched off")


def _short_cells(variant: Variant, mode: Mode) -> Iterator[Cell]:
    if (variant.name, mode) == ("omflow_keyed", "sync"):
        yield KilledBeforeStored.on(variant, mode, fault=BEFORE_STORED)
    if (variant.name, mode) == ("robusta", "sync"):
        yield RecordSwitchedOff.on(variant, mode, fault=f"{BEFORE_STORED}, record switched off")
    if (variant.name, mode) == ("kiban_keyed", "deferrable"):
        yield ClearedAlive.on(variant, mode, fault=ALIVE[mode])
    if (variant.name, mode) == ("omflow_keyed", "deferrable"):
        # The other lanes' waits may be struck as well, and must not mind.
        yield ComponentsKilled.on(variant, mode, fault=TRIGGERER_KILLED, parts=["triggerer"])


def _components() -> Deployment:
    lanes = [
        Lane(
            name=variant.dag_id(mode),
            mount=variant.mount,
            cells=[ComponentsKilled.on(variant, mode, fault=KILLED[mode], parts=PARTS[mode])],
        )
        for variant in WAITING
        for mode in variant.waits_in
    ]
    environment = {**SETTINGS, **MISSED, **TRIGGERS_TAKEN_OVER, **TASKS_TAKEN_OVER}
    return Deployment(
        name="components",
        dags=DAGS,
        prepare=write_files,
        lanes=lanes,
        environment=environment,
    )


def _quick() -> list[Deployment]:
    return [
        Deployment(
            name=f"quick-{number}",
            dags=DAGS,
            prepare=write_files,
            lanes=[_watching_lane(vendor, suffix) for vendor in VENDORS],
            environment={**SETTINGS, **AT_ONCE, **environment},
        )
        for number, (suffix, environment) in enumerate(HEARTBEATS.items(), 1)
    ]


def _questions() -> list[Deployment]:
    """Return what a person is asked: all doubts; apart, moves, and what meets a scheduler's end."""
    lanes = [
        Lane(name=variant.dag_id(mode), mount=variant.mount, cells=list(_asked(variant, mode)))
        for variant in STARTS
        if variant.found != "always"
        for mode in variant.waits_in
    ]
    moves = [
        Lane(
            name=variant.dag_id(mode),
            mount=variant.mount,
            cells=[MovedByHand.on(variant, mode, fault=MovedByHand.fault)],
        )
        for variant in MOVES
        if variant.shows_author
        for mode in variant.waits_in
    ]
    first = next(variant for variant in STARTS if variant.found == "never")
    mode = first.waits_in[0]
    killed = SchedulerKilledWhileAsked.on(first, mode, fault=SchedulerKilledWhileAsked.fault)
    return [
        Deployment(
            name=name, dags=DAGS, prepare=write_files, lanes=lanes, environment={**SETTINGS, **environment}
        )
        for name, lanes, environment in (
            ("questions", lanes, MISSED),
            ("question-moves", moves, MISSED),
            (
                "question-killed",
                [Lane(name=first.dag_id(mode), mount=first.mount, cells=[killed])],
                {**MISSED, **TASKS_TAKEN_OVER},
            ),
        )
    ]


def _asked(variant: Variant, mode: Mode) -> Iterator[Cell]:
    kinds: tuple[type[AskedCell], ...] = (ItIsThere, ItIsNotThere)
    if mode == variant.waits_in[0]:
        kinds += (AnsweredAtOnce, ClearedWhileAsked, FailedWhileAsked)
    for kind in kinds:
        yield kind.on(variant, mode, fault=kind.fault)


def _watching_lane(vendor: str, suffix: str) -> Lane:
    cells = [
        QuickEnds(
            fault=f"run ends 0-3 s after the sensor was handed over{suffix}",
            vendor=VENDORS[vendor].watcher.title,
            mode=place,
            of=vendor,
            place=place,
        )
        for place in ("deferrable", "reschedule")
    ]
    return Lane(name=lane_of(vendor), mount=VENDORS[vendor].mount, cells=cells)
