"""Where lanes meet."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from dev.airflow_home import AirflowError
from tests.system.chaos.lifecycle import gate
from tests.system.chaos.lifecycle.gate import Blow, Gate


class Airflow:
    """Notes what is killed and restarted."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def kill(self, component: str) -> None:
        self.events.append(f"kill {component}")

    def restart(self, component: str) -> None:
        self.events.append(f"restart {component}")


def test_a_full_gate_lets_the_next_in_once_one_has_left() -> None:
    room, left = Gate(40), threading.Event()

    def second() -> bool:
        with room.room(30):
            return left.is_set()

    with ThreadPoolExecutor() as pool:
        with room.room(20):
            entered = pool.submit(second)
            with room.room(20):
                pass  # what fits is not held up by one that waits
            left.set()
        assert entered.result(10)


def test_a_gate_that_stays_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.05)
    room = Gate(1)
    with room.room(1), pytest.raises(AirflowError, match="another lane"), room.room(1):
        pass


def test_a_blow_strikes_once_when_all_are_ready() -> None:
    airflow, blow = Airflow(), Blow("scheduler")
    everybody_takes_part = threading.Barrier(3)

    def lane(number: int) -> None:
        with blow.taking_part():
            everybody_takes_part.wait(10)
            blow.strike(cast(Any, airflow))

    with ThreadPoolExecutor() as pool:
        list(pool.map(lane, range(3)))
    assert airflow.events == ["kill scheduler", "restart scheduler"]


def test_a_blow_does_not_wait_for_a_lane_that_gave_up() -> None:
    airflow, blow = Airflow(), Blow("scheduler")
    ready = threading.Event()

    def lane() -> None:
        with blow.taking_part():
            ready.set()
            blow.strike(cast(Any, airflow))

    with ThreadPoolExecutor() as pool:
        with blow.taking_part():
            struck = pool.submit(lane)
            ready.wait(10)
            assert airflow.events == []
        struck.result(10)
    assert airflow.events == ["kill scheduler", "restart scheduler"]


def test_a_blow_strikes_again_for_those_who_come_later() -> None:
    airflow, blow = Airflow(), Blow("triggerer")
    for _ in range(2):
        with blow.taking_part():
            blow.strike(cast(Any, airflow))
    assert airflow.events == ["kill triggerer", "restart triggerer"] * 2
