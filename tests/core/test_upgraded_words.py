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

from airflow_provider_workflows.blizwork.api.values import acting, activity
from airflow_provider_workflows.blizwork.effects import ActivityRun, CaseStart
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import Effect, LookupResult, NotSent
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.core.submission.runner import Submission
from airflow_provider_workflows.core.submission.terms import Policy
from airflow_provider_workflows.kiban.api.steps import read_answer
from airflow_provider_workflows.kiban.effects.answer_step import StepAnswer
from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.effects import LinkingUpsert, OnceUpsert, RepeatableUpsert
from airflow_provider_workflows.omflow.effects.open_order import OrderStart
from airflow_provider_workflows.omflow.effects.push_order import OrderPush
from airflow_provider_workflows.robusta.effects import ProcessStart
from tests.core.harness import Clock, StateStore, TaskInstance
from tests.core.test_upgrades import samples
from tests.core.vendor import SETTLE, MemoryHook
from tests.core.vendor import clock as clock

RECORDS = samples("words")
WHERE = "https://vendor.example airflow"


def _open(field: str | None) -> OrderStart:
    return OrderStart(api_path="purchase", items=[], run_key_field=field)


def _push(**which: Any) -> OrderPush:
    where = {"stop_chart_text": None, "data_id": None, **which}
    return OrderPush(api_path="purchase", data_no=7, items=[], quick_action=None, **where)


def _upsert(**more: Any) -> Upsert:
    return Upsert.read("CUSTOMER", {"IIN": "900101"}, **more)


def _start(field: str | None) -> WorkflooStart:
    return WorkflooStart({"idWorkflooDefinition": "64b5f0c2a1d3e4f5a6b7c8d9"}, run_key_field=field)


REFERENCE = FieldReference("BRANCHES", "CODE", ["N1"])
BOI = "aaaaBBBBcccc0001"
EFFECTS: Mapping[str, Callable[[], Effect[Any]]] = {
    "omflow, open an order": lambda: _open(None),
    "omflow, open an order with a mark": lambda: _open("FORMITM_3"),
    "omflow, push a stop": lambda: _push(stop_chart_text="Review"),
    "omflow, push a row": lambda: _push(data_id=12),
    "mybpm, upsert once": lambda: OnceUpsert(_upsert(), reason="so"),
    "mybpm, upsert by a field": lambda: RepeatableUpsert(_upsert(), unique_field="IIN"),
    "mybpm, upsert by id": lambda: RepeatableUpsert(_upsert(boi_id=BOI), unique_field=None),
    "mybpm, upsert with references": lambda: LinkingUpsert(
        _upsert(field_ref_add=[REFERENCE]), unique_field="IIN"
    ),
    "blizwork, init a case": lambda: CaseStart(acting("loan"), end_marks={}),
    "blizwork, run an activity": lambda: ActivityRun(activity("loan", 7, "review", "done")),
    "robusta, start a process": lambda: ProcessStart(
        {"name": "InvoiceBot", "runOnce": "Y"},
        grace=10,
        running_statuses=(),
        failed_statuses=None,
    ),
    "kiban, start an execution": lambda: _start(None),
    "kiban, start an execution with a mark": lambda: _start("af_key"),
    "kiban, answer a step": lambda: StepAnswer(
        "65a1f0c2a1d3e4f5a6b7c8d9", read_answer(form={"rfc": "X"}), node=None
    ),
}
MARKED = [name for name in EFFECTS if name.endswith("with a mark")]


class Spoken(Effect[None]):
    """An effect with a vendor's words, which does nothing but note that it was sent."""

    carries_mark: bool = False
    repeatable = False

    def __init__(self, name: str) -> None:
        real = EFFECTS[name]()
        self.subject, self.words, self.mark_place = real.subject, real.words, real.mark_place
        self.carries_mark = real.carries_mark
        self.sent = 0

    def submit(self, api: None, record: Record, *, again: bool) -> Operation[str]:
        yield from ()
        self.sent += 1
        return "sent"

    def look_up(self, api: None, record: Record) -> Operation[LookupResult]:
        yield from ()
        return NotSent()


def going_on(name: str, effect: Effect[None], **changes: Any) -> Any:
    """Make an attempt of the generation of a sample, which is there; what is None in ``changes`` is not."""
    value = {**RECORDS[f"0.1 {name}"]["value"], **changes}
    store, ti = StateStore(), TaskInstance(try_number=2, max_tries=2)
    store.set(KEY, {name: known for name, known in value.items() if known is not None})
    context = {"ti": ti, "task_state_store": store}
    hook: Any = MemoryHook(where=WHERE)
    return Submission(context, effect, hook, policy=Policy(), settle=SETTLE).run().id


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
