"""A real Airflow, started and stopped in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dev.airflow_home import AirflowError
from dev.airflow_instance import COMPONENTS, AirflowInstance
from dev.layout import ROOT
from dev.process import INTERRUPTED

pytestmark = [
    pytest.mark.system,
    pytest.mark.own_airflow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in Linux's /proc"),
]

#: Seconds for what an idle machine has done in a tenth of it.
PATIENCE = 600
#: Seconds without heartbeats after which Airflow takes a task for dead.
SILENCE = 60

DAG = """
from __future__ import annotations

import time
from datetime import datetime, timedelta

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import Connection, dag, task


@dag(schedule=None)
def throwaway():
    @task
    def number(value, ti=None):
        ti.xcom_push(key="remote", value={"vendor": "none", "id": str(value)})
        return value

    @task
    def host():
        return Connection.get("somewhere").host

    moment = "{{ macros.datetime.now(macros.dateutil.tz.UTC) + macros.timedelta(seconds=12) }}"
    number.expand(value=[1, 2]) >> DateTimeSensorAsync(task_id="wait", target_time=moment) >> host()


throwaway()


@dag(schedule=None)
def dawdling():
    @task(retries=1, retry_delay=timedelta(0))
    def dawdle(number, task_state_store=None, ti=None):
        if ti.try_number == 1:
            task_state_store.set("noted", {"number": number})
            time.sleep(600)
        return task_state_store.get("noted")

    dawdle.expand(number=[0, 1])


dawdling()
"""

STARTER = """
import sys
from pathlib import Path
from dev.airflow_instance import AirflowInstance
from dev.process import interruptible
home, dags = map(Path, sys.argv[1:])
with interruptible(), AirflowInstance(home, dags_folder=dags) as airflow:
    print("started", flush=True)
    airflow.wait_healthy()
    print("healthy", flush=True)
    airflow.wait_until(lambda: None, timeout=600, what="the end")
"""


def processes_of(home: Path) -> list[int]:
    """Process ids of all that belongs to the Airflow in a home folder."""
    mark = f"AIRFLOW_HOME={home}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def assert_there(home: Path) -> None:
    """All components are there; one that is being started at this very moment has no environment yet."""
    deadline = time.monotonic() + 60
    while len(found := processes_of(home)) < len(COMPONENTS):
        assert time.monotonic() < deadline, f"only these run: {found}"
        time.sleep(0.1)


def assert_gone(home: Path) -> None:
    """Nothing is left; a process that is being torn down at this very moment gets the time for it."""
    deadline = time.monotonic() + 60
    while processes_of(home):
        assert time.monotonic() < deadline, f"still running: {processes_of(home)}"
        time.sleep(0.1)


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "throwaway.py").write_text(DAG)
    return folder


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowInstance]:
    home = tmp_path_factory.mktemp("airflow") / "home"
    dags = tmp_path_factory.mktemp("dags")
    (dags / "throwaway.py").write_text(DAG)
    connections = {"somewhere": {"conn_type": "http", "host": "here"}}
    settings = {
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(SILENCE),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    }
    with AirflowInstance(home, dags_folder=dags, connections=connections, environment=settings) as instance:
        instance.wait_healthy()
        yield instance
    assert processes_of(home) == []


def test_a_run_and_what_can_be_asked_about_it(airflow: AirflowInstance) -> None:
    airflow.wait_for_dag("throwaway")
    airflow.unpause("throwaway")
    run = airflow.trigger("throwaway", run_id="one_run+more")

    def wait_is_deferred() -> bool | None:
        states = {task.label: task.state for task in airflow.task_instances("throwaway", run)}
        return states.get("wait") == "deferred" or None

    airflow.wait_until(wait_is_deferred, timeout=PATIENCE, what="the deferral")
    for component in ("triggerer", "scheduler"):
        airflow.kill(component)
        airflow.restart(component)

    assert airflow.wait_for_run("throwaway", run, timeout=PATIENCE) == "success"
    labels = {task.label: task.state for task in airflow.task_instances("throwaway", run)}
    assert labels == dict.fromkeys(["number[0]", "number[1]", "wait", "host"], "success")
    assert airflow.xcom("throwaway", run, "number", "remote", 1) == {"vendor": "none", "id": "2"}
    assert airflow.xcom("throwaway", run, "number", "remote", 7) is None
    assert airflow.xcom("throwaway", run, "host") == "here"
    assert "task_id=wait" in airflow.logs("throwaway", run, "wait")

    airflow.clear("throwaway", run, [("number", 1)])
    assert airflow.wait_for_run("throwaway", run, states=["success"], timeout=PATIENCE) == "success"
    tries = {task.label: task.try_number for task in airflow.task_instances("throwaway", run)}
    assert (tries["number[0]"], tries["number[1]"]) == (1, 2)

    airflow.set_state("throwaway", run, "host", "failed")
    labels = {task.label: task.state for task in airflow.task_instances("throwaway", run)}
    assert labels["host"] == "failed"


def test_killed_tasks_are_retried_and_find_what_they_had_noted(airflow: AirflowInstance) -> None:
    airflow.wait_for_dag("dawdling")
    airflow.unpause("dawdling")
    run = airflow.trigger("dawdling")

    def noted() -> bool | None:
        tasks = [task for task in airflow.task_instances("dawdling", run) if task.map_index >= 0]
        states = [airflow.state("dawdling", run, "dawdle", map_index=task.map_index) for task in tasks]
        return (len(states) == 2 and all(states)) or None

    airflow.wait_until(noted, timeout=PATIENCE, what="two tasks to note something")
    for index in (0, 1):
        assert airflow.state("dawdling", run, "dawdle", map_index=index) == {"noted": {"number": index}}
        airflow.put_state("dawdling", run, "dawdle", "noted", {"by": "hand"}, map_index=index)
    tasks = {task.map_index: task for task in airflow.task_instances("dawdling", run)}
    airflow.kill_task(tasks[0], with_supervisor=False)
    airflow.kill_task(tasks[1], with_supervisor=True)

    def death(index: int) -> datetime:
        path = f"/dags/dawdling/dagRuns/{run}/taskInstances/dawdle/{index}/tries"
        first = min(airflow.call("GET", path)["task_instances"], key=lambda one: one["try_number"])
        return datetime.fromisoformat(first["end_date"])

    assert airflow.wait_for_run("dawdling", run, timeout=PATIENCE) == "success"
    # The supervisor that was spared reports the death; the other's is noticed by its missing heartbeats.
    assert (death(1) - death(0)).total_seconds() > SILENCE / 2
    for task in airflow.task_instances("dawdling", run):
        assert task.try_number == 2
        assert airflow.xcom("dawdling", run, "dawdle", map_index=task.map_index) == {"by": "hand"}
        with pytest.raises(AirflowError, match="no process runs dawdle"):
            airflow.kill_task(tasks[task.map_index])
        airflow.delete_state("dawdling", run, "dawdle", "noted", map_index=task.map_index)
        airflow.delete_state("dawdling", run, "dawdle", "noted", map_index=task.map_index)
        assert airflow.state("dawdling", run, "dawdle", map_index=task.map_index) == {}


def test_a_broken_dag_file_is_reported_at_once(airflow: AirflowInstance) -> None:
    broken = airflow.dags_folder / "broken.py"
    broken.write_text("from airflow.sdk import dag\nraise ValueError('planted')\n")
    with pytest.raises(AirflowError, match=r"(?s)broken\.py cannot be imported.*planted"):
        airflow.wait_for_dag("never")
    broken.unlink()


def test_death_of_a_component_ends_the_waiting(airflow: AirflowInstance) -> None:
    scheduler = next(
        pid
        for pid in processes_of(airflow.home)
        if b"airflow\0scheduler" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and b"keeper" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(scheduler, signal.SIGKILL)
    with pytest.raises(AirflowError, match=r"scheduler ended with code 137"):
        airflow.wait_until(lambda: None, timeout=PATIENCE, what="nothing")
    airflow.restart("scheduler")
    airflow.check_alive()


def end_starter(home: Path, dags: Path, *, moment: str, number: signal.Signals) -> None:
    """Start an Airflow from a process of its own, and end that at a moment with a signal."""
    program = [sys.executable, "-c", STARTER, str(home), str(dags)]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        try:
            assert starter.stdout
            while starter.stdout.readline().strip() != moment:
                assert starter.poll() is None
            assert_there(home)
            starter.send_signal(number)
            expected = -signal.SIGKILL if number == signal.SIGKILL else INTERRUPTED
            assert starter.wait(PATIENCE) == expected
        finally:
            starter.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_process_that_started_it(
    tmp_path: Path, dags: Path, number: signal.Signals
) -> None:
    end_starter(tmp_path / "home", dags, moment="started", number=number)
    assert_gone(tmp_path / "home")


def test_one_that_dies_beside_another_leaves_nothing_and_the_other_alone(
    airflow: AirflowInstance, tmp_path: Path, dags: Path
) -> None:
    end_starter(tmp_path / "other", dags, moment="healthy", number=signal.SIGKILL)
    assert_gone(tmp_path / "other")
    airflow.check_alive()
    airflow.wait_for_dag("throwaway")
