"""The kill test in its short form: processes that are killed or frozen do each thing once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dev.layout import ROOT
from tests.hostile.kill.rounds import FROM, Plan, Result, plans


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Airflow needs it, too")
def test_processes_that_are_killed_or_frozen_do_each_thing_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.kill", "--short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    *_, total = done.stdout.splitlines()
    assert total.split()[:2] == ["all", "15"]


def test_strikes_are_the_same_for_the_same_seed() -> None:
    first = plans(["a", "b"], kills=40, freezes=8, seed=1)
    assert first == plans(["a", "b"], kills=40, freezes=8, seed=1)
    assert first != plans(["a", "b"], kills=40, freezes=8, seed=2)
    struck = [one for plan in first for one in plan.strikes]
    assert {point for point, seconds in struck if seconds is not None} == set(FROM)
    assert sum(seconds is None for _, seconds in struck) > 10


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"requests": 2}, True),
        ({"effects": 0}, False),
        ({"effects": 2}, False),
        ({"late": 1}, False),
        ({"failure": "the last attempt failed"}, False),
    ],
)
def test_what_a_round_must_come_to(changes: dict[str, object], *, good: bool) -> None:
    plan = Plan(1, "a", "freeze", (("sending", None), ("begun", 0.2)))
    result = Result(**{"plan": plan, "points": ("sending",), "effects": 1, "requests": 1, **changes})  # type: ignore[arg-type]
    assert result.is_good == good
    assert Result.from_json(result.to_json()) == result
