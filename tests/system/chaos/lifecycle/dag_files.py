"""The DAGs of the lifecycle cells: one task that submits many times, in as many scenarios as a lane needs."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator

from dev.layout import AIRFLOW_HOMES
from tests.system.chaos.lifecycle.without_record import without_record
from tests.system.chaos.operators import MODES, SETTLE, class_at, give_way, is_wanted, submitter
from tests.system.chaos.variants import MOVES, SENSORS, STARTS, VARIANTS, VENDORS
from tests.system.chaos.vendor import Mode, Submitter, Variant

#: Where the files are written that Airflow reads.
DAGS = AIRFLOW_HOMES / "chaos" / "lifecycle-dags"
SIZE = int(os.environ.get("CHAOS_SIZE", "20"))
#: A kill, a restart or a retry each takes an attempt; what they would send twice shall show at once.
RETRIES = 12
LOOKS: Mapping[str, Any] = {"poke_interval": 5, "timeout": 900}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """
    One way in which a lane's submissions can go.

    :param name: behind the lane's in DAG ids
    :param fails: what is started ends badly at the vendor
    :param forgets: the record is switched off
    :param retries: of the task
    :param arguments: of the operator, beside the usual
    """

    name: str
    fails: bool = False
    forgets: bool = False
    retries: int = RETRIES
    arguments: Mapping[str, Any] = field(default_factory=dict)


#: ``patient`` looks in the worker for long enough to be killed there.
SCENARIOS = (
    Scenario(name="patient", arguments={"prepoll": 20}),
    Scenario(name="prompt"),
    Scenario(name="failing", fails=True, retries=1),
    Scenario(
        name="rerunning",
        fails=True,
        retries=1,
        arguments={"on_failed_run": "rerun", "failed_statuses": ["ERROR"]},
    ),
    Scenario(name="insisting", arguments={"on_lost_answer": "resubmit"}),
    Scenario(name="asking", arguments={"on_lost_answer": "ask"}),
    # Looks again so late that even on a busy machine somebody has made the move by hand before that.
    Scenario(name="asking_late", arguments={"on_lost_answer": "ask", "settle": 120}),
    Scenario(name="without_record", forgets=True, retries=1),
)


_FILE = '''\
"""Airflow's DAGs of {name!r}. A file for each, since a task reads its whole file."""

from __future__ import annotations

from tests.system.chaos.lifecycle.dag_files import {make}

globals().update({make}({name!r}))
'''


def write_files(
    folder: Path = DAGS,
    *,
    variants: Iterable[Variant] = (*STARTS, *MOVES),
    vendors: Iterable[str] = tuple(VENDORS),
) -> None:
    """
    Write the files that Airflow reads: one for each way to start something, and for each sensor.

    :param folder: made anew
    :param variants: ways to start something
    :param vendors: connection types of those whose sensors are wanted
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for variant in variants:
        (folder / f"{variant.name}.py").write_text(_FILE.format(make="write_dags", name=variant.name))
    for vendor in vendors:
        (folder / f"{vendor}_watch.py").write_text(_FILE.format(make="watching_dags", name=vendor))


def dag_id(lane: str, scenario: str) -> str:
    return f"{lane}_{scenario}"


def write_dags(variant: str) -> dict[str, DAG]:
    """
    The DAGs of a variant's lanes, by id; in a task's process its own alone.

    :param variant: its name
    """
    give_way()
    modes = [
        mode for mode in VARIANTS[variant].modes if mode != "no-wait" or len(VARIANTS[variant].modes) == 1
    ]
    made = [
        _dag(variant, mode, scenario)
        for mode in modes
        for scenario in SCENARIOS
        if is_wanted(dag_id(VARIANTS[variant].dag_id(mode), scenario.name))
        and (not scenario.fails or (submitter(variant).failing is not None and mode != "no-wait"))
    ]
    return {dag.dag_id: dag for dag in made}


def _dag(variant: str, mode: Mode, scenario: Scenario) -> DAG:
    lane = VARIANTS[variant].dag_id(mode)
    how = _submitter(variant, scenario)
    again = {"retries": scenario.retries, "retry_delay": timedelta(seconds=0.5)}
    with DAG(
        dag_id(lane, scenario.name), schedule=None, catchup=False, default_args=again, max_active_tasks=256
    ) as dag:
        operator = without_record(class_at(how.path)) if scenario.forgets else class_at(how.path)
        usual = {"settle": SETTLE, **LOOKS, **MODES[mode], **how.fixed}
        wanted = {**usual, **scenario.arguments}
        chosen = {name: value for name, value in wanted.items() if _takes(operator, name)}
        values = [how.value(f"{{{{ dag_run.conf['tag'] }}}}.{index}", index) for index in range(SIZE)]
        operator.partial(task_id="submit", **{how.conn: lane}, **chosen).expand(**{how.each: values})
    return dag


def _submitter(variant: str, scenario: Scenario) -> Submitter:
    """How it is written in a scenario: with another process, which some name in the argument that differs."""
    how = submitter(variant)
    process = (how.failing if scenario.fails else how.patient) or {}
    if how.each in process:
        return replace(how, value=lambda tag, index: process[how.each])
    return replace(how, fixed={**how.fixed, **process})


def _takes(operator: type[BaseOperator], name: str) -> bool:
    """Whether an operator has an argument of its own of this name; not all of them wait, for one."""
    own = operator.__mro__[: operator.__mro__.index(BaseOperator)]
    return any("__init__" in vars(cls) and name in inspect.signature(cls).parameters for cls in own)


PLACES: Mapping[str, Mapping[str, Any]] = {
    "deferrable": {"deferrable": True, "prepoll": 0},
    "reschedule": {"mode": "reschedule"},
    "sync": {"mode": "poke"},
}
#: No retries: a failure that a retry would hide is what is looked for.
QUICK = Scenario(name="quick", retries=0)
#: Of the scenarios, those of a sensor that is led through what strikes a wait.
WATCHED = ("patient", "prompt")
#: Sensors that hold no worker come in twos: with five vendors, 200 of a kind.
FOLD: Mapping[str, int] = {"deferrable": 2, "reschedule": 2}


def watching_dags(vendor: str) -> dict[str, DAG]:
    """
    The DAGs of a vendor's sensors, by id; what they watch comes in the run's conf.

    One for each place where they wait while their target ends at once; and, if the sensor has lanes of its
    own, one for each of its modes and scenarios. In a task's process its own alone.

    :param vendor: its connection type
    """
    give_way()
    name = f"{vendor}_watch"
    quick = [
        _watching(vendor, place, QUICK, quick_id, conn_id=name)
        for place in FOLD
        if is_wanted(quick_id := f"{name}_{place}")
    ]
    lanes = [
        (mode, sensor.dag_id(mode)) for sensor in SENSORS if sensor.name == name for mode in sensor.modes
    ]
    lives = [
        _watching(vendor, mode, scenario, dag_id(lane, scenario.name), conn_id=lane)
        for mode, lane in lanes
        for scenario in SCENARIOS
        if scenario.name in WATCHED and is_wanted(dag_id(lane, scenario.name))
    ]
    return {dag.dag_id: dag for dag in (*quick, *lives)}


def _watching(vendor: str, place: str, scenario: Scenario, name: str, *, conn_id: str) -> DAG:
    how = VENDORS[vendor].watcher
    again = {"retries": scenario.retries, "retry_delay": timedelta(seconds=0.5)}
    with DAG(name, schedule=None, catchup=False, default_args=again, max_active_tasks=256) as dag:
        number = SIZE * (FOLD[place] if scenario is QUICK else 1)
        targets = [f"{{{{ dag_run.conf['targets'][{index}] }}}}" for index in range(number)]
        given = {**LOOKS, **PLACES[place], **how.fixed, **scenario.arguments}
        class_at(how.path).partial(task_id="submit", **{how.conn: conn_id}, **given).expand(
            **{how.each: targets}
        )
    return dag
