"""Checks run in order, some side by side, and the first that fails ends them all."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import checks
from dev.checks import CHECK, Lane, Run, Stage, Step
from dev.layout import ENVIRONMENTS, ROOT
from dev.pythons import SUPPORTED_PYTHONS

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LOGS", tmp_path / "logs")


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def run(printed: list[str]) -> Run:
    return Run(printed.append)


def python(title: str, program: str, *arguments: object) -> Step:
    return Step(title, (sys.executable, "-c", program, *map(str, arguments)))


def waits_for(title: str, mine: Path, other: Path) -> Step:
    """A step that ends only if another one runs at the same time."""
    program = (
        "import sys, time; from pathlib import Path; mine, other = map(Path, sys.argv[1:]); mine.touch()\n"
        f"end = time.monotonic() + {PATIENCE}\n"
        "while not other.exists():\n    assert time.monotonic() < end\n    time.sleep(0.05)\n"
    )
    return python(title, program, mine, other)


def steps(stages: tuple[Stage, ...]) -> Iterator[Step]:
    for stage in stages:
        for lane in stage:
            yield from lane


def test_lanes_run_side_by_side_and_stages_in_order(run: Run, printed: list[str], tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first: Stage = ((waits_for("left", one, other),), (waits_for("right", other, one),))
    second: Stage = ((python("second", "print('chatter')"),),)
    assert run.through([first, second]) == 0
    text = "\n".join(printed)
    assert text.index("=== left: passed") < text.index("=== second: begun")
    assert text.index("=== right: passed") < text.index("=== second: begun")
    assert "=== second\nchatter\n=== second: passed in" in text
    assert printed[-1].startswith("\n=== all passed in")


def test_a_failure_is_shown_last_and_ends_the_others(run: Run, printed: list[str], tmp_path: Path) -> None:
    slow: Lane = (
        python("slow", "import time; time.sleep(600)"),
        python("never", "import sys; open(sys.argv[1], 'w')", tmp_path / "never"),
    )
    fails: Lane = (python("broken", "print('the reason'); raise SystemExit(3)"),)
    began = time.monotonic()
    assert run.through([(slow, fails), ((python("later", ""),),)]) == 1
    assert time.monotonic() - began < PATIENCE
    text = "\n".join(printed)
    assert "=== broken\nthe reason\n=== broken: failed with code 3" in text
    assert "=== slow: stopped after" in text
    assert "later" not in text
    assert "never: begun" not in text
    assert printed[-1].startswith("\n=== failed after")
    assert not (tmp_path / "never").exists()


def test_a_step_that_cannot_be_logged_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(OSError, match="logs"):
        run.through([((python("one", ""),),)])


def test_each_step_has_a_log_of_its_own() -> None:
    logs = [step.log for step in steps((*CHECK, *checks.more()))]
    assert len(set(logs)) == len(logs)


def test_each_target_of_make_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for step in steps((*CHECK, *checks.more())):
        if step.command[0] == "make":
            for target in step.command[2:]:
                assert f"\n{target}:" in makefile or target.startswith("test-3."), target


def test_all_means_every_airflow_and_python(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    this = "{}.{}".format(*sys.version_info)
    versions = [version for version in SUPPORTED_PYTHONS if version != this]
    here = {versions[0]: "/opt/python"}
    monkeypatch.setattr(checks, "installed", here.get)
    added = [step.command for step in steps(checks.more())]
    airflows = [target for command in added for target in command if target.startswith("test-3.")]
    assert airflows == [f"test-{airflow}" for airflow in [*ENVIRONMENTS][1:-1]]
    assert ("/opt/python", "-m", "dev.unit_tests", "newest", "--this-python") in added
    assert [command[-1] for command in added[-2:]] == ["chaos", "cluster-test"]
    missing = [version for version in versions if version not in here]
    assert capsys.readouterr().out.splitlines() == [
        f"no Python {version} here: its unit tests do not run" for version in missing
    ]
