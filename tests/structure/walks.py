"""Follows a task through the package: the functions that a reader of one order or one wait meets."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger

from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor
from tests.core.airflow_names import AirflowSkipException, TaskDeferred
from tests.structure.measure import PACKAGE

SANDBOX = PACKAGE / "sandbox"


@dataclass
class Walk:
    """The named functions of the package that a piece of work called, each once, and their files."""

    codes: set[CodeType] = field(default_factory=set)

    @property
    def functions(self) -> list[str]:
        """Return them as ``file:function``, by file and line."""
        ordered = sorted(self.codes, key=lambda code: (code.co_filename, code.co_firstlineno))
        return [f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_qualname}" for code in ordered]

    @property
    def files(self) -> list[str]:
        """Return the files that these functions are in."""
        return sorted({name.partition(":")[0] for name in self.functions})


@contextlib.contextmanager
def walking() -> Iterator[Walk]:
    """Note what of the package this thread calls."""
    walk, known = Walk(), set[CodeType]()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and (code := frame.f_code) not in known and not _by_an_import(frame):
            known.add(code)
            if _counts(code):
                walk.codes.add(code)

    sys.setprofile(note)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def opened_order(context: Callable[[], Any]) -> Walk:
    """
    Return the walk of an order's opening: the third one in this process.

    The first finds no order from which to read the form, and the second reads it.

    :param context: makes a task's context
    """
    with asyncio.Runner() as loop:
        for _ in range(3):
            task = OMFlowOpenOrderOperator(
                task_id="open", api_path="purchase", form_data={"FORMITM_1": "Desk", "FORMITM_2": 480}
            )
            walk = _walk(task, context(), loop)
    return walk


def deferred_wait(context: Callable[[], Any], data_no: str) -> Walk:
    """
    Return the walk of a deferred wait, in worker and trigger: the second one in this process and on its loop.

    :param context: makes a task's context
    """
    with asyncio.Runner() as loop:
        for _ in range(2):
            task = OMFlowDataIdSensor(
                task_id="wait",
                api_path="two-step",
                data_no=data_no,
                stop_chart_text="Nowhere",
                deferrable=True,
                prepoll=0,
                timeout=60,
                soft_fail=True,
            )
            walk = _walk(task, context(), loop)
    return walk


def _walk(task: BaseOperator, context: Any, loop: asyncio.Runner) -> Walk:
    with walking() as walk, contextlib.suppress(AirflowSkipException):
        try:
            task.execute(context)
        except TaskDeferred as deferred:
            event = loop.run(_event(deferred.trigger))
            task.resume_execution(deferred.method_name, {"event": event}, context)
    return walk


async def _event(trigger: BaseTrigger) -> Any:
    return (await anext(aiter(trigger.run()))).payload


def _counts(code: CodeType) -> bool:
    """Whether a function is the package's own and has a name of its own."""
    path, name = Path(code.co_filename), code.co_name
    ours = path.is_relative_to(PACKAGE) and not path.is_relative_to(SANDBOX)
    return ours and not name.startswith("<") and not (name.startswith("__") and name.endswith("__"))


def _by_an_import(frame: FrameType | None) -> bool:
    above: Any = frame
    while above is not None:
        if above.f_code.co_name == "<module>" and above.f_back is not None and _imports(above.f_back):
            return True
        above = above.f_back
    return False


def _imports(frame: FrameType) -> bool:
    return "importlib" in frame.f_code.co_filename
