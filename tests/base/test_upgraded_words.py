"""
What a record says is done, where, and where its mark is, is kept as fingerprints of words that people read.

Other words for the same thing would make every task that is under way while a user upgrades want "something
else", or doubt what is plainly absent. So the words stay, or the fingerprints are made of something else and
both are read: the samples of ``tests/data/upgrades`` must be gone on with either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_provider_workflows.base.decision import Absent, Policy, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.record import KEY, Record
from airflow_provider_workflows.base.submission import Submission
from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.blizwork.running import ActivityRun
from airflow_provider_workflows.blizwork.starting import CaseStart
from airflow_provider_workflows.kiban.answering import StepAnswer
from airflow_provider_workflows.kiban.hook import KibanHook
from airflow_provider_workflows.kiban.starting import WorkflooStart
from airflow_provider_workflows.kiban.steps import read_answer
from airflow_provider_workflows.mybpm.hook import MyBPMHook
from airflow_provider_workflows.mybpm.linking import LinkingUpsert
from airflow_provider_workflows.mybpm.references import FieldReference
from airflow_provider_workflows.mybpm.upserting import Upsert
from airflow_provider_workflows.mybpm.writing import OnceUpsert, RepeatableUpsert
from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.omflow.pushing import OrderPush
from airflow_provider_workflows.omflow.starting import OrderStart
from airflow_provider_workflows.robusta.hook import RobustaHook
from airflow_provider_workflows.robusta.starting import ProcessStart
from tests.base.harness import Clock, StateStore, TaskInstance
from tests.base.test_upgrades import samples
from tests.base.vendor import SETTLE
from tests.base.vendor import clock as clock

RECORDS = samples("words")
WHERE = "https://vendor.example airflow"


def _open(field: str | None) -> OrderStart:
    return OrderStart(OMFlowHook(), api_path="purchase", items=[], run_key_field=field)


def _push(**which: Any) -> OrderPush:
    where = {"stop_chart_text": None, "data_id": None, **which}
    return OrderPush(OMFlowHook(), api_path="purchase", data_no=7, items=[], quick_action=None, **where)


def _upsert(**more: Any) -> Upsert:
    return Upsert.read("CUSTOMER", {"IIN": "900101"}, **more)


def _start(field: str | None) -> WorkflooStart:
    return WorkflooStart(KibanHook(), {"workfloo_id": "64b5f0c2a1d3e4f5a6b7c8d9"}, run_key_field=field)


REFERENCE = FieldReference("BRANCHES", "CODE", ["N1"])
BOI = "aaaaBBBBcccc0001"
RUN = {
    "workflow_id": "loan",
    "number": 7,
    "form_id": "review",
    "next_form_id": "done",
    "form_data": {},
    "exec_user_id": None,
    "company_id": None,
    "skip_extensions": False,
}
EFFECTS: Mapping[str, Callable[[], Effect]] = {
    "omflow, open an order": lambda: _open(None),
    "omflow, open an order with a mark": lambda: _open("FORMITM_3"),
    "omflow, push a stop": lambda: _push(stop_chart_text="Review"),
    "omflow, push a row": lambda: _push(data_id=12),
    "mybpm, upsert once": lambda: OnceUpsert(MyBPMHook(), _upsert(), reason="so"),
    "mybpm, upsert by a field": lambda: RepeatableUpsert(MyBPMHook(), _upsert(), unique_field="IIN"),
    "mybpm, upsert by id": lambda: RepeatableUpsert(MyBPMHook(), _upsert(boi_id=BOI), unique_field=None),
    "mybpm, upsert with references": lambda: LinkingUpsert(
        MyBPMHook(), _upsert(field_ref_add=[REFERENCE]), unique_field="IIN"
    ),
    "blizwork, init a case": lambda: CaseStart(
        BlizWorkHook(), "loan", exec_user_id=None, company_id=None, end_marks={}
    ),
    "blizwork, run an activity": lambda: ActivityRun(BlizWorkHook(), RUN),
    "robusta, start a process": lambda: ProcessStart(
        RobustaHook(),
        {"process_name": "InvoiceBot"},
        recurring=False,
        grace=10,
        running_statuses=(),
        failed_statuses=None,
    ),
    "kiban, start an execution": lambda: _start(None),
    "kiban, start an execution with a mark": lambda: _start("af_key"),
    "kiban, answer a step": lambda: StepAnswer(
        KibanHook(), "65a1f0c2a1d3e4f5a6b7c8d9", read_answer(form={"rfc": "X"}), node=None
    ),
}
MARKED = [name for name in EFFECTS if name.endswith("with a mark")]


class Spoken(Effect):
    """An effect with a vendor's words, which does nothing but note that it was sent."""

    def __init__(self, name: str) -> None:
        real = EFFECTS[name]()
        self.subject, self.hint, self.carries_mark = real.subject, real.hint, real.carries_mark
        self.sent = 0

    def submit(self, record: Record, *, again: bool) -> str:
        self.sent += 1
        return "sent"

    def look_up(self, record: Record) -> Trace:
        return Absent()


def going_on(name: str, effect: Effect, **changes: Any) -> Any:
    """Make an attempt of the generation of a sample, which is there; what is None in ``changes`` is not."""
    value = {**RECORDS[f"0.1 {name}"]["value"], **changes}
    store, ti = StateStore(), TaskInstance(try_number=2, max_tries=2)
    store.set(KEY, {name: known for name, known in value.items() if known is not None})
    context = {"ti": ti, "task_state_store": store}
    return Submission(context, effect, policy=Policy(), settle=SETTLE, where=WHERE).run()


@pytest.mark.parametrize("name", EFFECTS)
def test_what_was_done_is_known_to_be_this_tasks(clock: Clock, name: str) -> None:
    effect = Spoken(name)
    assert going_on(name, effect) == RECORDS[f"0.1 {name}"]["value"]["id"]
    assert effect.sent == 0


@pytest.mark.parametrize("name", MARKED)
def test_a_mark_is_missed_where_it_was_put(clock: Clock, name: str) -> None:
    effect = Spoken(name)
    assert going_on(name, effect, id=None, accepted_at=None, seal=None) == "sent"


def test_there_is_a_sample_for_each() -> None:
    assert set(RECORDS) == {f"0.1 {name}" for name in EFFECTS}
