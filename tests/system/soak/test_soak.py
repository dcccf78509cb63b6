"""What the soak concludes from its samples and counts; no Airflow is started."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from tests.system.soak.growth import JUDGED, LEAST, LOGS, Growth, growths
from tests.system.soak.report import Report, lines
from tests.system.soak.samples import Held, Sample, held_by

RUNNER = JUDGED[0]
MEGA = 1_000_000


def samples(memory: Callable[[int], float], *, role: str = RUNNER) -> list[Sample]:
    """A sample a minute for an hour, of one process and one that comes and goes."""
    return [
        Sample(
            at=60.0 * minute,
            held={
                (role, 7): Held(memory=int(memory(minute)), files=30, sockets=10),
                **({(role, 8): Held(memory=900 * MEGA, files=999, sockets=999)} if minute % 9 == 0 else {}),
            },
        )
        for minute in range(61)
    ]


def of_memory(found: list[Growth]) -> Growth:
    return next(growth for growth in found if growth.what == "memory")


def test_a_leak_shows_with_its_slope() -> None:
    grown = of_memory(growths(samples(lambda minute: (100 + minute) * MEGA)))
    assert grown.holds is False
    assert grown.slope == pytest.approx(60 * MEGA)


def test_what_fills_up_at_first_is_no_leak() -> None:
    assert of_memory(growths(samples(lambda minute: (100 + min(minute, 14) * 20) * MEGA))).holds is True


def test_noise_is_no_leak() -> None:
    dice = random.Random(5)
    assert of_memory(growths(samples(lambda minute: (150 + dice.uniform(-20, 20)) * MEGA))).holds is True


def test_open_files_and_sockets_are_judged_too() -> None:
    more = [
        Sample(
            at=60.0 * minute, held={(RUNNER, 7): Held(memory=MEGA, files=50 + minute, sockets=10 + minute)}
        )
        for minute in range(61)
    ]
    assert {growth.what: growth.holds for growth in growths(more)} == {
        "memory": True,
        "files": False,
        "sockets": False,
    }


def test_the_supervisors_log_files_of_waits_are_no_growth() -> None:
    more = [
        Sample(
            at=60.0 * minute,
            held={(LOGS, 7): Held(memory=MEGA, files=12 + minute, sockets=7)},
            waits=minute,
        )
        for minute in range(61)
    ]
    assert all(growth.holds for growth in growths(more))


def test_what_is_airflows_own_is_shown_and_not_judged() -> None:
    grown = of_memory(growths(samples(lambda minute: minute * 50 * MEGA, role="scheduler")))
    assert grown.holds is None
    assert grown.last - grown.first > LEAST["memory"]


def test_too_few_samples_are_an_error() -> None:
    with pytest.raises(ValueError, match="too few samples"):
        growths(samples(lambda minute: MEGA)[:3])


def test_a_growth_or_a_problem_fails_the_soak() -> None:
    still, leak = (
        tuple(growths(samples(memory))) for memory in (lambda minute: MEGA, lambda minute: minute * 9 * MEGA)
    )

    def passed(growths: tuple[Growth, ...], *problems: str) -> bool:
        found = Report(
            seed=1, minutes=30, figures={}, faults={}, growths=growths, waits=(1, 1), problems=problems
        )
        assert lines(found)[-1] == ("Passed." if found.passed else "NOT passed.")
        return found.passed

    assert passed(still)
    assert not passed(leak)
    assert not passed(still, "1 duplicate")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs Linux")
def test_a_process_is_read() -> None:
    before = held_by(os.getpid())
    read, write = os.pipe()
    try:
        assert held_by(os.getpid()).files == before.files + 2
    finally:
        os.close(read)
        os.close(write)
    assert before.memory > MEGA
