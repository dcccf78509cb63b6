"""Processes that fork while a hook is in use: each reads its own answers, and none waits for a lost lock."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.omflow.orders import open_order
from tests.structure.measure import PACKAGE

CHILDREN, READS = 4, 15
#: Seconds after which a child that hangs is killed.
HUNG = 60


def in_child(work: Callable[[], bool]) -> int:
    """Fork, and return the process id of a child that ends with 0 if its work returned True."""
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(HUNG)
    try:
        os._exit(0 if work() else 1)
    except BaseException:
        os._exit(2)


def exit_codes(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_parent_and_children_read_their_own_answers(omflow: OMFlowServer) -> None:
    orders = [open_order(omflow, "two-step") for _ in range(CHILDREN + 1)]
    hook = OMFlowHook()

    def reads(order: int | str) -> Callable[[], bool]:
        def work() -> bool:
            found = [
                {str(row["data_no"]) for row in hook.list_rows("two-step", where={"data_no": order})}
                for _ in range(READS)
            ]
            return all(one == {str(order)} for one in found)

        return work

    assert reads(orders[0])()
    children = [in_child(reads(order)) for order in orders[1:]]
    mine = reads(orders[0])()
    assert exit_codes(children) == [0] * CHILDREN
    assert mine


def test_a_fork_while_others_read_leaves_no_lock_behind(omflow: OMFlowServer) -> None:
    """A thread may hold any lock of the package at the moment of a fork, and does not exist in the child."""
    order = open_order(omflow, "two-step")
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            OMFlowHook().list_rows("two-step", where={"data_no": order})

    threads = [threading.Thread(target=read_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        children = [in_child(lambda: len(OMFlowHook().list_rows("two-step").items) > 0) for _ in range(10)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert exit_codes(children) == [0] * 10


def test_a_fork_while_a_property_is_being_made_leaves_no_lock_behind() -> None:
    made, forked = threading.Event(), threading.Event()

    class Slow:
        @cached_property
        def value(self) -> int:
            if threading.current_thread() is not threading.main_thread():
                made.set()
                assert forked.wait(HUNG)
            return 1

    thread = threading.Thread(target=lambda: Slow().value)
    thread.start()
    assert made.wait(HUNG)
    try:
        child = in_child(lambda: Slow().value == 1)
        assert exit_codes([child]) == [0]
    finally:
        forked.set()
        thread.join()


def test_no_property_has_a_lock() -> None:
    with_lock = re.compile(r"functools\.cached_property|from functools import .*cached_property")
    found = {
        path.name for path in PACKAGE.rglob("*.py") if with_lock.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"lazy.py"}
