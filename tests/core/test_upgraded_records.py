"""
A task that an earlier version left in the midst of its work is gone on with by this one, and nothing is sent
a second time.

The records are those of ``tests/data/upgrades``, put into the state store before the first attempt that this
version makes. Ids and times in them are made to fit the sandbox; names and form stay as they were written.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from airflow_provider_workflows.robusta.hooks import RobustaHook
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.conftest import OMFlowServer
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.harness import Clock, Runner
from tests.core.test_upgrades import samples
from tests.omflow.orders import TITLE, open_order
from tests.robusta.conftest import RobustaServer
from tests.robusta.conftest import robusta as robusta

RECORDS = samples("records")
BOT: dict[str, Any] = {"process_name": "InvoiceBot", "worker": "3", "values": {"orderNo": "7"}}


def resuming(name: str, make_task: Callable[[], BaseOperator], *, clock: Clock, **changes: Any) -> Runner:
    """
    A task instance with a sample of a wait in its state store.

    :param changes: of what the sample holds in its ``state``
    """
    sample = copy.deepcopy(RECORDS[name])
    record = sample["value"]
    record["state"].update({key: value for key, value in changes.items() if key in record["state"]})
    runner = Runner(make_task, clock=clock)
    assert runner.store is not None
    runner.store.values[sample["key"]] = json.dumps(record)
    runner.ti.try_number, runner.ti.max_tries = 2, record["generation"]
    return runner


class TestWait:
    @pytest.mark.parametrize(
        "name", ["0.1 omflow, wait for the end: begun", "0.1 omflow, wait for the end: deferred"]
    )
    def test_the_time_waited_counts(self, omflow: OMFlowServer, clock: Clock, name: str) -> None:
        data_no, now = open_order(omflow, "two-step"), clock.time()
        runner = resuming(
            name,
            lambda: OMFlowOrderSensor(task_id="t", api_path="two-step", data_no=data_no, timeout=3600),
            clock=clock,
            started=now - 3000,
            deadline=now + 600,
            heard=now - 60,
            next_look=now - 1,
        )
        with pytest.raises(AirflowSensorTimeout):
            runner.run()
        assert 600 <= clock.time() - now < 660


class TestSubmission:
    """What a task has written down of what it does once."""

    def test_a_lost_answer_is_still_a_doubt(self, robusta: RobustaServer) -> None:
        runner = Runner(start)
        self._remembering(runner, "0.1 robusta, start a process: lost")
        with pytest.raises(OutcomeUnknown, match="2026-11-22 03:40:12 UTC"):
            runner.run()
        assert robusta.effects()["saved"] == 0

    def test_what_was_accepted_is_gone_on_with(self, robusta: RobustaServer) -> None:
        spid = RobustaHook().start_process(**BOT).spid
        runner = Runner(start)
        self._remembering(runner, "0.1 robusta, start a process: accepted", id=spid)
        assert runner.run()["spid"] == spid
        assert robusta.effects()["saved"] == 1

    def test_an_answer_without_a_number_is_a_doubt(self, omflow: OMFlowServer, clock: Clock) -> None:
        def make() -> BaseOperator:
            return OMFlowOpenOrderOperator(
                task_id="t", api_path="validated", form_data=TITLE, run_key_field="FORMITM_2"
            )

        runner = Runner(make, clock=clock)
        name = "0.1 omflow, open an order: lost without a number"
        self._remembering(runner, name)
        with pytest.raises(OutcomeUnknown, match="OMFlow lists no order with the mark"):
            runner.run()
        assert omflow.effects()["opened"] == 0

    @staticmethod
    def _remembering(runner: Runner, name: str, **changes: Any) -> None:
        sample = RECORDS[name]
        assert runner.store is not None
        runner.store.values[sample["key"]] = json.dumps({**sample["value"], **changes})
        runner.ti.try_number, runner.ti.max_tries = 2, sample["value"]["generation"]


def start() -> BaseOperator:
    return RobustaStartProcessOperator(task_id="t", **BOT)


def test_every_record_is_put_to_the_test_here() -> None:
    source = Path(__file__).read_text()
    assert not [name for name in RECORDS if f'"{name}"' not in source]
