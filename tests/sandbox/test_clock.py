"""The clock and the agenda."""

from __future__ import annotations

import time

import pytest

from airflow_provider_workflows.sandbox.clock import Agenda, Clock


def test_clock_follows_real_time_and_jumps() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time()) < 1
    clock.advance(3600)
    assert 3599 < clock.now() - time.time() < 3601


def test_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        Clock().advance(-1)


def test_work_is_done_in_order_of_time_and_then_of_planning() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    done: list[str] = []
    for name, seconds in (("late", 20.0), ("first", 10.0), ("second", 10.0)):
        agenda.after(seconds, lambda name=name: done.append(name))  # type: ignore[misc]
    agenda.run_due()
    assert done == []
    clock.advance(60)
    agenda.run_due()
    assert done == ["first", "second", "late"]


def test_work_that_follows_work_counts_from_its_own_time() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    begin = clock.now()
    times: list[float] = []

    def again() -> None:
        times.append(agenda.now() - begin)
        if len(times) < 3:
            agenda.after(10, again)

    agenda.after(10, again)
    clock.advance(100)
    agenda.run_due()
    assert times == pytest.approx([10, 20, 30], abs=0.5)


def test_restart_begins_what_is_under_way_again() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    done: list[str] = []
    agenda.after(10, lambda: done.append("work"))
    clock.advance(9)
    agenda.restart()
    clock.advance(9)
    agenda.run_due()
    assert done == []
    clock.advance(2)
    agenda.run_due()
    assert done == ["work"]
