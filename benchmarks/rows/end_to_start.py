"""From the vendor's end of a run to the next task's start: our deferred sensor, and Airflow's for HTTP."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import mean

import requests

from benchmarks.bench import Bench
from benchmarks.peers.work import WORKS
from benchmarks.report import Row
from dev.ports import LOOPBACK

#: Runs of each round, and seconds between two starts.
RUNS, APART = 6, 6.0
#: Seconds from a run's start to its end: the shortest, and how much the longest takes more. A sensor that
#: looks each minute is then as likely to look soon after an end as late.
SHORTEST, SPREAD = 100.0, 60.0
#: How late the next task may start: a part of the run's length, or some seconds, whichever is longer.
PART, LEAST = 0.1, 5.0
MYBPM = WORKS["mybpm"]
PEER = "HttpSensor, deferred"


@dataclass(frozen=True)
class Started:
    """How many seconds after a run's end the next task started, and how long the run took."""

    late: float
    length: float

    @property
    def share(self) -> float:
        """Part of the time that may pass."""
        return self.late / max(PART * self.length, LEAST)


def end_to_start(bench: Bench) -> list[Row]:
    """Let runs end while a sensor waits for each, twice with ours: it learns from the first round."""
    customer = _Customers(f"{bench.sandbox.url}/mybpm")
    with _doors() as doors:
        where = {"conn_type": "http", "host": LOOPBACK, "port": doors.server_port}
        bench.airflow.add_connection("bench_ends", where)
        bench.say(f"{RUNS} runs with HttpSensor")
        peer = _round(bench, "bench_end_http", doors.close_one, doors.open_one)
    bench.say(f"{RUNS} runs with our sensor")
    first = _round(bench, "bench_end_ours", customer.create, customer.end)
    bench.say(f"{RUNS} more, after what it has learnt")
    learnt = _round(bench, "bench_end_ours", customer.create, customer.end)
    how = f"runs of {SHORTEST:g} to {SHORTEST + SPREAD:g} s, a deferred MyBPM sensor on a real Airflow"
    rows: list[Row] = []
    for when, ours, most in (("before it has learnt", first, None), ("after", learnt, 100)):
        rows += [
            Row(
                what=f"from the end to the next task's start, mean of {RUNS}: {how}, {when}",
                value=mean(one.late for one in ours),
                unit="s",
                peer=PEER,
                peer_value=mean(one.late for one in peer),
                most=1,
            ),
            Row(
                what=f"the latest, as part of a tenth of the run's length or of 5 s: {how}, {when}",
                value=100 * max(one.share for one in ours),
                unit="%",
                most=most,
            ),
        ]
    return rows


def _round(
    bench: Bench, dag_id: str, begin: Callable[[], str], end: Callable[[str], object]
) -> list[Started]:
    """
    Start some runs, end each in time, and return when each one's next task started.

    :param begin: begins something, and returns its id
    :param end: ends it
    """
    bench.airflow.wait_for_dag(dag_id)
    begun: list[tuple[str, str, float]] = []
    ended: list[tuple[float, float]] = []
    start = time.monotonic()
    for number in range(RUNS):
        _sleep_until(start + number * APART)
        at = time.monotonic()
        name = begin()
        begun.append((name, bench.start_dag(dag_id, id=name), at))
    for number, (name, _, at) in enumerate(begun):
        length = SHORTEST + SPREAD * (number + random.random()) / RUNS
        _sleep_until(at + length)
        ended.append((time.time(), length))
        end(name)
    return [
        Started(_started(bench, dag_id, run_id) - moment, length)
        for (_, run_id, _), (moment, length) in zip(begun, ended, strict=True)
    ]


def _started(bench: Bench, dag_id: str, run_id: str) -> float:
    """Return when the task behind the sensor has started."""
    if (state := bench.airflow.wait_for_run(dag_id, run_id, timeout=300)) != "success":
        raise RuntimeError(f"run {run_id} of {dag_id} is {state}")
    [after] = [one for one in bench.airflow.task_instances(dag_id, run_id) if one.task_id == "after"]
    return datetime.fromisoformat(after.start_date or "").timestamp()


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


class _Customers:
    """Instances of the sandbox's MyBPM, whose name says that they have ended."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, str] = {}

    def create(self) -> str:
        key = f"end-{time.time_ns()}"
        name = self._upsert(key, "open")
        self._keys[name] = key
        return name

    def end(self, name: str) -> None:
        self._upsert(self._keys[name], "ended")

    def _upsert(self, key: str, name: str) -> str:
        body = {"boCode": "CUSTOMER", "fieldValues": {"IIN": key, "NAME": name}}
        answer = requests.post(f"{self._url}{MYBPM.path}", json=body, headers=MYBPM.headers, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["boiId"])


class _Doors(ThreadingHTTPServer):
    """Answers 404 about what has not ended, which is all that HttpSensor can wait for when it is deferred."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Door)
        self.opened: set[str] = set()

    def close_one(self) -> str:
        return f"door-{time.time_ns()}"

    def open_one(self, name: str) -> None:
        self.opened.add(name)


class _Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Doors)
        is_open = self.path.strip("/") in self.server.opened
        self.send_response(HTTPStatus.OK if is_open else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def _doors() -> Iterator[_Doors]:
    with _Doors() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
