"""Whether Airflow and the vendors agree on what a run has done."""

from __future__ import annotations

import dataclasses

import pytest

from dev.outcome import TaskRow, VendorRow, disagreements, task_row, vendor_rows

OPEN = TaskRow(task="open[0]", state="success", vendor="OMFlow", remote_id="purchase/1", seconds=1.5)
LOCAL = TaskRow(task="summarise", state="success", vendor="", remote_id="", seconds=0.1)
ORDER = VendorRow(vendor="OMFlow", order="purchase/1", stops=("review", "approve"), state="finished")


def test_agreement() -> None:
    assert disagreements([OPEN, dataclasses.replace(OPEN, task="push[0]"), LOCAL], [ORDER]) == []


@pytest.mark.parametrize("state", ["failed", "upstream_failed", "skipped", "running", "none"])
def test_task_that_did_not_succeed(state: str) -> None:
    tasks = [OPEN, dataclasses.replace(LOCAL, state=state)]
    assert disagreements(tasks, [ORDER]) == [f"task summarise is {state}, not success"]


def test_order_that_no_task_opened() -> None:
    stray = dataclasses.replace(ORDER, order="purchase/2")
    assert disagreements([OPEN], [ORDER, stray]) == ["OMFlow holds purchase/2, which no task names"]


def test_order_that_the_vendor_lost() -> None:
    other = dataclasses.replace(OPEN, task="open[1]", remote_id="purchase/2")
    assert disagreements([OPEN, other], [ORDER]) == ["a task names purchase/2, which OMFlow does not hold"]


def test_same_id_at_another_vendor_is_another_order() -> None:
    elsewhere = dataclasses.replace(ORDER, vendor="Kiban")
    assert disagreements([OPEN], [elsewhere]) == [
        "Kiban holds purchase/1, which no task names",
        "a task names purchase/1, which OMFlow does not hold",
    ]


def test_order_held_twice() -> None:
    assert disagreements([OPEN], [ORDER, ORDER]) == ["OMFlow holds purchase/1 2 times"]


@pytest.mark.parametrize("state", ["running", "waiting", "failed"])
def test_order_that_is_not_finished(state: str) -> None:
    held = [dataclasses.replace(ORDER, state=state)]
    assert disagreements([OPEN], held) == [f"OMFlow says purchase/1 is {state}, not finished"]


def test_a_run_that_did_nothing_is_no_success() -> None:
    assert disagreements([], []) == ["the run has no tasks", "no vendor holds anything"]


def test_row_of_a_task_without_vendor() -> None:
    row = task_row(task="summarise", state=None, seconds=None, remote=None)
    assert row == TaskRow(task="summarise", state="none", vendor="", remote_id="", seconds=None)


def test_row_of_a_task_with_vendor() -> None:
    remote = {"vendor": "OMFlow", "id": "purchase/1"}
    assert task_row(task="open[0]", state="success", seconds=1.5, remote=remote) == OPEN


def test_vendor_is_named_as_tasks_name_it() -> None:
    record = {"vendor": "omflow-1.2", "kind": "order", "id": "purchase/1", "state": "finished"}
    assert vendor_rows([{**record, "stops": ["review", "approve"]}]) == [ORDER]


def test_vendor_that_no_connection_leads_to_keeps_its_name() -> None:
    record = {"vendor": "omflow-1.1", "kind": "order", "id": "purchase/1", "state": "finished", "stops": []}
    assert vendor_rows([record])[0].vendor == "omflow-1.1"
