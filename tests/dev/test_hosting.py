"""What git and a code host run is what a developer runs."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dev.layout import CURRENT, ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"


def hooks() -> list[dict[str, Any]]:
    (repo,) = yaml.safe_load(HOOKS.read_text())["repos"]
    assert repo["repo"] == "local", "the project's own tools, in the pinned versions"
    return list(repo["hooks"])


def test_the_host_runs_nothing_but_the_checks() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
    assert used == ["actions/checkout", "actions/setup-python"]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_a_tool_of_the_environment_or_a_target(hook: dict[str, Any]) -> None:
    program, argument, *_ = shlex.split(hook["entry"])
    if program == "make":
        assert re.search(rf"^{argument}:", (ROOT / "Makefile").read_text(), re.M)
    else:
        assert (ROOT / program).is_file()
        assert (ROOT / program).parent == CURRENT.folder / "bin"
