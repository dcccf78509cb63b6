"""Holds the shape of the package: a stranger must be able to follow one order and one wait through it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.transport.redaction import LOGGERS
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.conftest import clock as clock
from tests.core.harness import StateStore, TaskInstance
from tests.structure import measure
from tests.structure.walks import Walk, deferred_wait, opened_order, walking

#: Files and functions that a reader meets at most, on the way of one piece of work.
FILES = 28
OPENING = 96
#: A wait has two files more: when to look, as earlier waits taught, and with which other waits.
WAITING_FILES, WAITING = 30, 131
#: Lines of a module, modules of a folder of the core, and uses of ``Any`` in 100 lines of its code.
MODULE, ROOM, ANY = 350, 10, 2.3


def test_lengths_of_functions() -> None:
    found = measure.lengths()
    assert found.median <= 10
    assert found.percentile_90 <= 25
    assert found.longest.lines <= 60, found.longest


def test_no_module_is_long() -> None:
    sizes = measure.sizes()
    assert len(sizes) > 100
    assert {path: lines for path, lines in sizes.items() if lines > MODULE} == {}


def test_no_folder_of_the_core_is_crowded() -> None:
    rooms = measure.rooms()
    assert len(rooms) > 5
    assert {room: modules for room, modules in rooms.items() if modules > ROOM} == {}


def test_types_are_seldom_given_up() -> None:
    uses, lines = measure.untyped()
    assert 100 * uses / lines <= ANY


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Leave out what the libraries log for debugging, which is redacted, if an earlier test asked for it."""
    for name in LOGGERS:
        caplog.set_level(logging.WARNING, logger=name)


@pytest.fixture
def order(omflow: OMFlowServer) -> str:
    """An order of ``two-step``, on its way to its first stop."""
    number = OMFlowHook().open_order("two-step", {"FORMITM_1": "a title"})
    return str(number)


@pytest.mark.usefixtures("clock")
def test_an_order_is_opened_in_few_steps(omflow: OMFlowServer) -> None:
    within(opened_order(context), files=FILES, functions=OPENING)
    assert omflow.effects()["opened"] == 3


@pytest.mark.usefixtures("clock")
def test_a_deferred_wait_takes_few_steps(order: str) -> None:
    within(deferred_wait(context, order), files=WAITING_FILES, functions=WAITING)


def context() -> Any:
    return {"ti": TaskInstance(), "task_state_store": StateStore()}


def within(walk: Walk, *, files: int, functions: int) -> None:
    print(f"\n{len(walk.files)} files, {len(walk.functions)} functions; at most {files} and {functions}")
    print("\n".join(f"  {name}" for name in walk.functions))
    assert len(walk.functions) > 40, "the walk was not followed"
    assert len(walk.files) <= files
    assert len(walk.functions) <= functions


def test_a_walk_shows_each_function_once_and_no_import() -> None:
    with walking() as walk:
        hook = OMFlowHook()
        hook.suspects(ValueError())  # type: ignore[arg-type]
        hook.suspects(ValueError())  # type: ignore[arg-type]
    assert walk.functions == ["core/connection/hook.py:WorkflowHook.suspects"]


def test_what_is_counted_as_untyped(tmp_path: Path) -> None:
    write = writer(tmp_path)
    write("from typing import Any as A\n\ndef f(x: A) -> list[A]:\n    return x  # a comment\n")
    assert measure.untyped(tmp_path) == (2, 3)
    write('from typing import cast\n\n"""Text."""\nx = cast(int, y)  # type: ignore[name-defined]\n')
    assert measure.untyped(tmp_path) == (2, 2)


def writer(folder: Path) -> Callable[[str], object]:
    return (folder / "module.py").write_text
