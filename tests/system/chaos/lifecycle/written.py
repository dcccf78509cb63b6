"""The DAGs of the lifecycle cells: one task that submits many times, in as many plots as a lane needs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator

from tests.system.chaos.lifecycle.forgetful import forgetful
from tests.system.chaos.operators import (
    KIBAN_PATIENT,
    MODES,
    SETTLE,
    SUBMITTERS,
    Submitter,
    class_at,
    give_way,
    is_wanted,
)
from tests.system.chaos.variants import SENSORS, VARIANTS, Mode

SIZE = int(os.environ.get("CHAOS_SIZE", "20"))
KIBAN_FAILING = "64b5f0c2a1d3e4f5a6b7c904"
#: A kill, a restart or a retry each takes an attempt; what they would send twice shall show at once.
RETRIES = 12
LOOKS: Mapping[str, Any] = {"poke_interval": 5, "timeout": 900}


@dataclass(frozen=True, kw_only=True)
class Plot:
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
PLOTS = (
    Plot(name="patient", arguments={"prepoll": 20}),
    Plot(name="prompt"),
    Plot(name="failing", fails=True, retries=1),
    Plot(
        name="rerunning",
        fails=True,
        retries=1,
        arguments={"on_failed_run": "rerun", "failed_statuses": ["ERROR"]},
    ),
    Plot(name="insisting", arguments={"on_lost_answer": "resubmit"}),
    Plot(name="forgetful", forgets=True, retries=1),
)
_FAILING: Mapping[str, Mapping[str, Any]] = {
    "omflow": {"api_path": "failing"},
    "robusta": {"process_name": "FailingBot"},
    "kiban": {"workfloo_id": KIBAN_FAILING},
}
_PATIENT: Mapping[str, Mapping[str, Any]] = {
    "omflow": {"api_path": "patient"},
    "robusta": {"process_name": "LongBot"},
    "kiban": {"workfloo_id": KIBAN_PATIENT},
}


def dag_id(lane: str, plot: str) -> str:
    return f"{lane}_{plot}"


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
        _dag(variant, mode, plot)
        for mode in modes
        for plot in PLOTS
        if is_wanted(dag_id(VARIANTS[variant].dag_id(mode), plot.name))
        and (not plot.fails or (variant.partition("_")[0] in _FAILING and mode != "no-wait"))
    ]
    return {dag.dag_id: dag for dag in made}


def _dag(variant: str, mode: Mode, plot: Plot) -> DAG:
    lane = VARIANTS[variant].dag_id(mode)
    how = _submitter(variant, plot)
    again = {"retries": plot.retries, "retry_delay": timedelta(seconds=0.5)}
    with DAG(
        dag_id(lane, plot.name), schedule=None, catchup=False, default_args=again, max_active_tasks=256
    ) as dag:
        operator = forgetful(how.operator) if plot.forgets else how.operator
        usual = {"settle": SETTLE, **LOOKS, **MODES[mode], **how.fixed}
        wanted = {**usual, **plot.arguments}
        chosen = {name: value for name, value in wanted.items() if _takes(operator, name)}
        values = [how.value(f"{{{{ dag_run.conf['tag'] }}}}.{index}", index) for index in range(SIZE)]
        operator.partial(task_id="submit", **{how.conn: lane}, **chosen).expand(**{how.each: values})
    return dag


def _submitter(variant: str, plot: Plot) -> Submitter:
    how = SUBMITTERS[variant]
    vendor = variant.partition("_")[0]
    if vendor == "blizwork":
        return replace(how, value=lambda tag, index: "patient")
    process = (_FAILING if plot.fails else _PATIENT).get(vendor, {})
    return replace(how, fixed={**how.fixed, **process})


def _takes(operator: type[BaseOperator], name: str) -> bool:
    """Whether an operator has an argument of its own of this name; not all of them wait, for one."""
    own = operator.__mro__[: operator.__mro__.index(BaseOperator)]
    return any("__init__" in vars(cls) and name in inspect.signature(cls).parameters for cls in own)


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """
    A sensor on something that the cell has made.

    :param path: of its class, below the package
    :param conn: name of the argument for the connection id
    :param each: name of the argument that holds the remote id
    :param fixed: arguments that are the same for all
    """

    path: str
    conn: str
    each: str
    fixed: Mapping[str, Any] = field(default_factory=dict)


WATCHERS: Mapping[str, Watcher] = {
    "omflow": Watcher(
        path="omflow.sensors.OMFlowOrderSensor",
        conn="omflow_conn_id",
        each="data_no",
        fixed={"api_path": "patient"},
    ),
    "mybpm": Watcher(
        path="mybpm.sensors.MyBPMFieldSensor",
        conn="mybpm_conn_id",
        each="boi_id",
        fixed={"bo_code": "DECISION", "field": "ANSWER", "value": "yes"},
    ),
    "blizwork": Watcher(
        path="blizwork.sensors.BlizWorkCaseSensor",
        conn="blizwork_conn_id",
        each="case_number",
        fixed={"workflow_id": "patient"},
    ),
    "robusta": Watcher(path="robusta.sensors.RobustaStatusSensor", conn="robusta_conn_id", each="spid"),
    "kiban": Watcher(path="kiban.sensors.KibanWorkflooSensor", conn="kiban_conn_id", each="execution_id"),
}
PLACES: Mapping[str, Mapping[str, Any]] = {
    "deferrable": {"deferrable": True, "prepoll": 0},
    "reschedule": {"mode": "reschedule"},
    "sync": {"mode": "poke"},
}
#: No retries: a failure that a retry would hide is what is looked for.
QUICK = Plot(name="quick", retries=0)
#: Of the plots, those of a sensor that is led through what strikes a wait.
WATCHED = ("patient", "prompt")
#: Sensors that hold no worker come in twos: with five vendors, 200 of a kind.
FOLD: Mapping[str, int] = {"deferrable": 2, "reschedule": 2}


def watching_dags(vendor: str) -> dict[str, DAG]:
    """
    The DAGs of a vendor's sensors, by id; what they watch comes in the run's conf.

    One for each place where they wait while their target ends at once; and, if the sensor has lanes of its
    own, one for each of its modes and plots. In a task's process its own alone.

    :param vendor: such as ``omflow``
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
        _watching(vendor, mode, plot, dag_id(lane, plot.name), conn_id=lane)
        for mode, lane in lanes
        for plot in PLOTS
        if plot.name in WATCHED and is_wanted(dag_id(lane, plot.name))
    ]
    return {dag.dag_id: dag for dag in (*quick, *lives)}


def _watching(vendor: str, place: str, plot: Plot, name: str, *, conn_id: str) -> DAG:
    how = WATCHERS[vendor]
    again = {"retries": plot.retries, "retry_delay": timedelta(seconds=0.5)}
    with DAG(name, schedule=None, catchup=False, default_args=again, max_active_tasks=256) as dag:
        number = SIZE * (FOLD[place] if plot is QUICK else 1)
        targets = [f"{{{{ dag_run.conf['targets'][{index}] }}}}" for index in range(number)]
        given = {**LOOKS, **PLACES[place], **how.fixed, **plot.arguments}
        class_at(how.path).partial(task_id="submit", **{how.conn: conn_id}, **given).expand(
            **{how.each: targets}
        )
    return dag
