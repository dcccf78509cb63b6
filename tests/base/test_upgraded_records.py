"""
A task that an earlier version left in the midst of its work is gone on with by this one, and nothing is sent
a second time.

The records are those of ``tests/data/upgrades``, put into the state store before the first attempt that this
version makes. Ids and times in them are made to fit the sandbox; names and form stay as they were written.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
from airflow_provider_workflows.mybpm.hook import MyBPMHook
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.references import FieldReference
from airflow_provider_workflows.mybpm.upserting import Upsert
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from airflow_provider_workflows.protocol.errors import OutcomeUnknown
from airflow_provider_workflows.robusta.hook import RobustaHook
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.base.airflow_names import AirflowSensorTimeout
from tests.base.harness import Clock, Runner
from tests.base.test_upgrades import samples
from tests.blizwork.cases import opened
from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.conftest import blizwork as blizwork
from tests.conftest import OMFlowServer
from tests.kiban.conftest import kiban as kiban
from tests.kiban.server import FORM, LOAN, KibanServer
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.conftest import mybpm as mybpm
from tests.omflow.orders import TITLE, open_order, state, stops
from tests.robusta.conftest import RobustaServer
from tests.robusta.conftest import robusta as robusta

RECORDS = samples("records")
BOT: dict[str, Any] = {"process_name": "InvoiceBot", "worker": "3", "values": {"orderNo": "7"}}
#: What a record written a minute ago has in place of its times.
MOMENTS = ("intended_at", "accepted_at")


def resuming(
    name: str, make_task: Callable[[], BaseOperator], *, clock: Clock | None = None, **changes: Any
) -> Runner:
    """
    A task instance with a sample in its state store.

    :param changes: of what the sample holds, at the top or in its ``state``, ``baseline`` or ``result``
    """
    sample = copy.deepcopy(RECORDS[name])
    record = sample["value"]
    ago = (clock.time() if clock else time.time()) - 60
    record.update({moment: ago for moment in MOMENTS if moment in record})
    for place in (record, *(record[key] for key in ("state", "baseline") if key in record)):
        place.update({key: value for key, value in changes.items() if key in place})
    runner = Runner(make_task, clock=clock)
    assert runner.store is not None
    runner.store.values[sample["key"]] = json.dumps(record)
    runner.ti.try_number, runner.ti.max_tries = 2, record["generation"]
    return runner


def upserted(bo_code: str, values: dict[str, str]) -> str:
    wanted = Upsert.read(bo_code, values)
    return MyBPMHook().run(lambda api: api.send(wanted, repeatable=False)).boi_id


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


class TestStarted:
    """With an id in the record the task attaches."""

    def test_omflow(self, omflow: OMFlowServer) -> None:
        data_no = open_order(omflow, "two-step")
        runner = resuming(
            "0.1 omflow, open an order: accepted",
            lambda: OMFlowOpenOrderOperator(task_id="t", api_path="two-step", form_data=TITLE),
            id=data_no,
        )
        assert runner.run() == data_no
        assert omflow.effects()["opened"] == 1

    def test_blizwork(self, blizwork: BlizWorkServer) -> None:
        number = opened()
        runner = resuming(
            "0.1 blizwork, init a case: accepted",
            lambda: BlizWorkInitCaseOperator(task_id="t", workflow_id="one-step"),
            id=number,
        )
        assert runner.run() == number
        assert blizwork.requests("init") == 1

    def test_robusta(self, robusta: RobustaServer) -> None:
        spid = RobustaHook().start_process(**BOT).spid
        runner = resuming(
            "0.1 robusta, start a process: accepted",
            lambda: RobustaStartProcessOperator(task_id="t", **BOT),
            id=spid,
        )
        assert runner.run()["spid"] == spid
        assert robusta.effects()["saved"] == 1

    def test_kiban(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        runner = resuming(
            "0.1 kiban, start an execution: accepted",
            lambda: KibanStartWorkflooOperator(task_id="t", workfloo_id=LOAN),
            id=execution_id,
        )
        assert runner.run()["id"] == execution_id
        assert kiban.effects()["started"] == 1

    def test_mybpm(self, mybpm: MyBPMServer) -> None:
        boi_id, before = upserted("NOTE", {"TEXT": "a"}), mybpm.effects()
        runner = resuming(
            "0.1 mybpm, create an instance: accepted",
            lambda: MyBPMUpsertBOIOperator(task_id="t", bo_code="NOTE", field_values={"TEXT": "a"}),
            id=boi_id,
        )
        assert runner.run()["boi_id"] == boi_id
        assert mybpm.effects() == before


class TestInDoubt:
    """With an intent and no id nothing is sent unless the vendor shows that nothing was."""

    def test_omflow_by_the_mark(self, omflow: OMFlowServer) -> None:
        name = "0.1 omflow, open an order: intent"
        mark = RECORDS[name]["value"]["mark"]
        data_no = open_order(omflow, "two-step", {**TITLE, "FORMITM_2": mark})
        runner = resuming(
            name,
            lambda: OMFlowOpenOrderOperator(
                task_id="t", api_path="two-step", form_data=TITLE, run_key_field="FORMITM_2"
            ),
        )
        assert str(runner.run()) == str(data_no)
        assert omflow.effects()["opened"] == 1

    def test_omflow_without_one(self, omflow: OMFlowServer) -> None:
        self.stays_in_doubt(
            "0.1 omflow, open an order: intent",
            lambda: OMFlowOpenOrderOperator(task_id="t", api_path="two-step", form_data=TITLE),
        )
        assert omflow.effects()["opened"] == 0

    def test_blizwork(self, blizwork: BlizWorkServer) -> None:
        self.stays_in_doubt(
            "0.1 blizwork, init a case: intent",
            lambda: BlizWorkInitCaseOperator(task_id="t", workflow_id="one-step"),
        )
        assert blizwork.requests("init") == 0

    def test_robusta(self, robusta: RobustaServer) -> None:
        self.stays_in_doubt(
            "0.1 robusta, start a process: intent",
            lambda: RobustaStartProcessOperator(task_id="t", **BOT),
        )
        assert robusta.effects()["saved"] == 0

    def test_kiban(self, kiban: KibanServer) -> None:
        # One that may be the task's; with none, Kiban can be taken to have started nothing.
        kiban.start()
        self.stays_in_doubt(
            "0.1 kiban, start an execution: intent",
            lambda: KibanStartWorkflooOperator(task_id="t", workfloo_id=LOAN),
        )
        assert kiban.effects()["started"] == 1

    def test_mybpm(self, mybpm: MyBPMServer) -> None:
        before = mybpm.effects()
        self.stays_in_doubt(
            "0.1 mybpm, create an instance: intent",
            lambda: MyBPMUpsertBOIOperator(task_id="t", bo_code="NOTE", field_values={"TEXT": "a"}),
        )
        assert mybpm.effects() == before

    @staticmethod
    def stays_in_doubt(name: str, make_task: Callable[[], BaseOperator]) -> None:
        runner = resuming(name, make_task)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        with pytest.raises(OutcomeUnknown):
            runner.retry()


class TestMoved:
    """A move that was made is not made again."""

    def test_omflow(self, omflow: OMFlowServer) -> None:
        data_no = open_order(omflow, "two-step")
        runner = resuming("0.1 omflow, push an order: done", lambda: push(data_no))
        assert runner.run() == RECORDS["0.1 omflow, push an order: done"]["value"]["result"]
        assert omflow.effects()["pushed"] == 0

    def test_blizwork(self, blizwork: BlizWorkServer) -> None:
        number = opened()
        runner = resuming("0.1 blizwork, exec an activity: done", lambda: run_activity(number))
        assert runner.run() == RECORDS["0.1 blizwork, exec an activity: done"]["value"]["result"]
        assert blizwork.requests("exec") == 0

    def test_kiban(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        runner = resuming("0.1 kiban, answer a step: done", lambda: answer(execution_id))
        assert runner.run() == RECORDS["0.1 kiban, answer a step: done"]["value"]["result"]
        assert kiban.effects()["answered"] == 0

    def test_mybpm(self, mybpm: MyBPMServer) -> None:
        boi_id = upserted("CUSTOMER", {"IIN": "900101", "NAME": "Asel"})
        before = mybpm.effects()
        runner = resuming("0.1 mybpm, link references: done", link, result={"boi_id": boi_id})
        assert runner.run()["boi_id"] == boi_id
        assert mybpm.effects() == before


class TestMoveInDoubt:
    """A move that may have been made is settled by the vendor's state, as it stood when it was intended."""

    def test_omflow(self, omflow: OMFlowServer) -> None:
        data_no = open_order(omflow, "two-step")
        (data_id,) = stops("two-step", data_no).values()
        omflow.control.push(omflow.name, "two-step", data_id)
        omflow.control.advance(5)
        before = omflow.effects()["pushed"]
        runner = resuming("0.1 omflow, push an order: intent", lambda: push(data_no), data_id=data_id)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert omflow.effects()["pushed"] == before
        assert state("two-step", data_no).row(data_id) is not None

    def test_blizwork(self, blizwork: BlizWorkServer) -> None:
        number = opened("credit")
        blizwork.by_hand("credit", number, "application", "scoring")
        runner = resuming(
            "0.1 blizwork, exec an activity: intent",
            lambda: BlizWorkExecActivityOperator(
                task_id="t",
                workflow_id="credit",
                case_number=number,
                form_id="application",
                next_form_id="scoring",
            ),
            pending="application",
        )
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert blizwork.requests("exec") == 0

    def test_kiban(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        kiban.answer(execution_id, values={**FORM, "amount": 1})
        runner = resuming("0.1 kiban, answer a step: intent", lambda: answer(execution_id))
        before = kiban.effects()["answered"]
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert kiban.effects()["answered"] == before

    def test_mybpm_leaves_it_to_a_person(self, mybpm: MyBPMServer) -> None:
        first = Runner(link).run()
        runner = resuming("0.1 mybpm, link references: intent", link)
        # What it was about to write is not said in it, so that a repetition could write a second instance.
        with pytest.raises(OutcomeUnknown, match="need not have named the instance"):
            runner.run()
        assert mybpm.record(f"CUSTOMER/{first['boi_id']}")["fields"]["BRANCHES"] == "N1"


class TestFormat2:
    """Records of format 2, whose times are dates."""

    def test_a_lost_answer_is_still_a_doubt(self, robusta: RobustaServer) -> None:
        runner = Runner(start)
        self._remembering(runner, "0.1 format 2, robusta, start a process: lost")
        with pytest.raises(OutcomeUnknown, match="2026-11-22 03:40:12 UTC"):
            runner.run()
        assert robusta.effects()["saved"] == 0

    def test_what_was_accepted_is_gone_on_with(self, robusta: RobustaServer) -> None:
        spid = RobustaHook().start_process(**BOT).spid
        runner = Runner(start)
        self._remembering(runner, "0.1 format 2, robusta, start a process: accepted", id=spid)
        assert runner.run()["spid"] == spid
        assert robusta.effects()["saved"] == 1

    @staticmethod
    def _remembering(runner: Runner, name: str, **changes: Any) -> None:
        sample = RECORDS[name]
        assert runner.store is not None
        runner.store.values[sample["key"]] = json.dumps({**sample["value"], **changes})
        runner.ti.try_number, runner.ti.max_tries = 2, sample["value"]["generation"]


def start() -> BaseOperator:
    return RobustaStartProcessOperator(task_id="t", **BOT)


def push(data_no: Any) -> BaseOperator:
    return OMFlowPushOrderOperator(
        task_id="t", api_path="two-step", data_no=data_no, stop_chart_text="Review", quick_action="action1"
    )


def run_activity(number: int) -> BaseOperator:
    return BlizWorkExecActivityOperator(
        task_id="t", workflow_id="one-step", case_number=number, form_id="request", next_form_id="done"
    )


def answer(execution_id: str) -> BaseOperator:
    return KibanAnswerStepOperator(task_id="t", execution_id=execution_id, form=FORM, settle=0.1)


def link() -> BaseOperator:
    return MyBPMUpsertBOIOperator(
        task_id="t",
        bo_code="CUSTOMER",
        unique_field="IIN",
        field_values={"IIN": "900101", "NAME": "Asel"},
        field_ref_add=[FieldReference("BRANCHES", "CODE", ["N1"])],
        settle=0,
    )


def test_every_record_is_put_to_the_test_here() -> None:
    source = Path(__file__).read_text()
    assert not [name for name in RECORDS if f'"{name}"' not in source]
