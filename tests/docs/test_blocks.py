"""Every piece of code in the documentation is what it says: Python that runs, JSON, shell, make's targets."""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import subprocess
import tomllib
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock

import airflow.sdk
import pytest

from tests.core.airflow_names import DagBag
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, blocks

PYTHON = all_blocks("python")
DAGS = [block for block in PYTHON if "@dag" in block.code or "DAG(" in block.code]
SHELL = [block for language in ("bash", "console") for block in all_blocks(language)]
#: What make can make; `%` in a name stands for anything.
TARGETS = set(re.findall(r"^([a-z0-9.%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
IS_CURRENT = hasattr(airflow.sdk, "RetryPolicy")
#: What the oldest Airflow supported does not have.
CURRENT_ONLY = ("WorkflowRetryPolicy", "AsyncCallback")
KNOWN = {"python", "bash", "console", "json", "toml", "ini", "text", ""}


def test_no_language_goes_unchecked() -> None:
    found = {block.language for page in PAGES for block in blocks(page)}
    assert {one for one in found if not one.startswith("{")} <= KNOWN
    assert len(PYTHON) > 5


def needs_newer(block: Block) -> bool:
    """Whether a piece needs a newer Airflow than this one, as its page says."""
    return not IS_CURRENT and any(name in block.code for name in CURRENT_ONLY)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs_as_a_module(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "documented.py"
    file.write_text("\n" * block.line + block.code)  # so that a traceback shows the line of the page
    if block.file.startswith("tests/") or needs_newer(block):
        # A test of a project of its own sets up an Airflow of its own when it is imported.
        compile(file.read_text(), file, "exec")
        return
    with warnings.catch_warnings(), mock.patch.dict(os.environ):
        warnings.simplefilter("error")
        # On older Airflows, Airflow's own operators import what is deprecated there.
        warnings.filterwarnings("ignore", module=r"airflow\.providers\.")
        runpy.run_path(str(file), run_name="documented")


@pytest.mark.skipif(not IS_CURRENT, reason="some of what the pages show needs the current Airflow")
@pytest.mark.parametrize("block", DAGS, ids=str)
def test_airflow_reads_the_dags(block: Block, tmp_path: Path) -> None:
    assert read_dags(block, tmp_path)


def read_dags(block: Block, folder: Path) -> list[Any]:
    """Return the DAGs that Airflow finds in a piece of code."""
    file = folder / "documented.py"
    file.write_text(block.code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        bag = DagBag(file)
    assert bag.import_errors == {}
    return list(bag.dags.values())


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    json.loads(block.code)


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_toml_is_toml(block: Block) -> None:
    assert tomllib.loads(block.code)


@pytest.mark.parametrize("block", all_blocks("ini"), ids=str)
def test_ini_is_ini(block: Block) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(block.code)
    assert parser.sections()


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_the_shell_can_read_it(block: Block) -> None:
    # A reader fills in what stands in angle brackets.
    script = re.sub(r"<[a-z ]+>", "filled-in", block.code)
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_has_the_targets_that_are_named(page: Path) -> None:
    shell = [block.code for block in blocks(page) if block.language in ("bash", "console")]
    named = re.findall(r"^make ([a-z0-9.-]+)", "\n".join(shell), re.MULTILINE)
    named += re.findall(r"`make ([a-z0-9.-]+)", page.read_text())
    patterns = [target.replace("%", "*") for target in TARGETS]
    assert [name for name in named if not any(fnmatchcase(name, one) for one in patterns)] == []


def test_the_targets_are_found() -> None:
    assert {"demo", "test", "docs", "chaos"} <= TARGETS
