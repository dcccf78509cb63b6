"""Lanes share worker slots and restarts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from dev.airflow_home import AirflowError
from tests.system.chaos.lifecycle import coordination
from tests.system.chaos.lifecycle.coordination import SharedRestart, WorkerSlots


class Airflow:
    """Notes what is killed and restarted."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def kill(self, component: str) -> None:
        self.events.append(f"kill {component}")

    def restart(self, component: str) -> None:
        self.events.append(f"restart {component}")


def test_a_reservation_waits_until_slots_are_free() -> None:
    slots, left = WorkerSlots(40), threading.Event()

    def second() -> bool:
        with slots.reserve(30):
            return left.is_set()

    with ThreadPoolExecutor() as pool:
        with slots.reserve(20):
            entered = pool.submit(second)
            with slots.reserve(20):
                pass  # what fits is not held up by one that waits
            left.set()
        assert entered.result(10)


def test_slots_that_stay_taken_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordination, "PATIENCE", 0.05)
    slots = WorkerSlots(1)
    with slots.reserve(1), pytest.raises(AirflowError, match="another lane"), slots.reserve(1):
        pass


def test_the_component_is_restarted_once_when_all_are_ready() -> None:
    airflow, restart = Airflow(), SharedRestart("scheduler")
    everybody_takes_part = threading.Barrier(3)

    def lane(number: int) -> None:
        with restart.taking_part():
            everybody_takes_part.wait(10)
            restart.restart(cast("Any", airflow))

    with ThreadPoolExecutor() as pool:
        list(pool.map(lane, range(3)))
    assert airflow.events == ["kill scheduler", "restart scheduler"]


def test_a_restart_does_not_wait_for_a_lane_that_gave_up() -> None:
    airflow, restart = Airflow(), SharedRestart("scheduler")
    ready = threading.Event()

    def lane() -> None:
        with restart.taking_part():
            ready.set()
            restart.restart(cast("Any", airflow))

    with ThreadPoolExecutor() as pool:
        with restart.taking_part():
            restarted = pool.submit(lane)
            ready.wait(10)
            assert airflow.events == []
        restarted.result(10)
    assert airflow.events == ["kill scheduler", "restart scheduler"]


def test_the_component_is_restarted_again_for_those_who_come_later() -> None:
    airflow, restart = Airflow(), SharedRestart("triggerer")
    for _ in range(2):
        with restart.taking_part():
            restart.restart(cast("Any", airflow))
    assert airflow.events == ["kill triggerer", "restart triggerer"] * 2
