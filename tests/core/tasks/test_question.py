"""A doubt that a person settles in Airflow: asked, answered, checked, and asked again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import Run, RunState
from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.core.tasks.question import (
    GIVE_UP,
    NOT_THERE,
    THERE,
    VERDICTS,
    question_about,
    read_answer,
)
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
)
from tests.core.harness import Clock, Runner
from tests.core.questions import PARKS, Questions, answer, parked
from tests.core.questions import questions as questions
from tests.core.tasks.test_operator import OpenOrder, OrderStart
from tests.core.vendor import (
    KILLED_AFTER,
    LOST_AFTER,
    LOST_BEFORE,
    ORDER,
    Killed,
    Opening,
    Vendor,
    refused,
)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().install(monkeypatch)


@pytest.fixture
def vendor(still: Clock) -> Vendor:
    return Vendor(still)


class KnownOrder(OrderStart):
    """An order of which the vendor says whether it knows it."""

    def state(self, api: Any, id: Any) -> Operation[RunState]:
        return Opening.state(self, api, id)


class AskingOrder(OpenOrder):
    """Opens an order, and asks about it."""

    def effect(self, context: Any) -> KnownOrder:
        return KnownOrder(self.hook.double, findable=self.findable)


class Asking:
    """A task that asks, and what Airflow does with it."""

    def __init__(self, vendor: Vendor, **how: Any) -> None:
        how = {"on_lost_answer": "ask", "deferrable": False, "findable": False, **how}
        self.runner = Runner(lambda: AskingOrder(vendor=vendor, **how), clock=vendor.clock, store=PARKS)
        self.runner.ti.task_id = "open"

    @property
    def record(self) -> Any:
        store = self.runner.store
        return self.runner.ti.xcoms.get(KEY) if store is None else store.get(KEY)

    def run(self) -> Any:
        return parked(self.runner.begin)

    def again(self) -> Any:
        self.runner.ti.try_number += 1
        self.runner.ti.xcoms.clear()
        return self.runner.begin()

    def answer(self, option: Any, id: Any = None) -> Any:
        return self.resume(answer(option, id))

    def resume(self, event: Any) -> Any:
        return self.runner.answered(event)


@pytest.fixture
def task(vendor: Vendor, questions: Questions) -> Asking:
    vendor.fates = [LOST_AFTER]
    asking = Asking(vendor)
    asking.run()
    return asking


class TestAsked:
    def test_the_question(
        self, vendor: Vendor, questions: Questions, caplog: pytest.LogCaptureFixture, capsys: Any
    ) -> None:
        vendor.fates = [LOST_AFTER]
        task = Asking(vendor)
        task.run()
        (asked,) = questions.asked
        assert asked.options == [THERE, NOT_THERE, GIVE_UP]
        assert asked.subject == "Did Vendor open an order of purchase? (run run)"
        assert "check the list of orders for an order opened" in asked.body
        assert asked.params["id"]["value"] is None
        assert asked.params["id"]["schema"]["type"] == ["null", "string"]
        assert not asked.defaults
        log = caplog.text + capsys.readouterr().out
        assert "Vendor may or may not have opened an order of purchase" in log
        assert f"Mark: {task.record['mark']}; fingerprint of what is sent: sha256:" in log

    def test_nobody_is_asked_before_the_request_has_settled(self, vendor: Vendor, task: Asking) -> None:
        assert vendor.clock.time() - vendor.sent[0].at >= 60

    def test_the_record_stays_in_doubt(self, task: Asking) -> None:
        assert "id" not in task.record
        assert "answer" not in task.record

    def test_a_mapped_task_names_its_label(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_AFTER]
        asking = Asking(vendor)
        asking.runner.ti.map_index = 3
        asking.run()
        assert questions.asked[0].subject.endswith("(run run, 3)")

    def test_limit_users_and_notifiers(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_AFTER]
        called: list[Any] = []

        def failing(context: Any) -> None:
            raise RuntimeError

        ada = {"id": "7", "name": "Ada"}
        how = Asking(
            vendor, ask_timeout="90", assigned_users=ada, ask_notifiers=[failing, called.append]
        ).run()
        assert [(user.id, user.name) for user in questions.asked[0].assigned_users] == [("7", "Ada")]
        assert len(called) == 1
        if PARKS:
            assert how.timeout == timedelta(seconds=90)

    @pytest.mark.parametrize(
        "how", [{"on_ask_timeout": "wait"}, {"assigned_users": ["ada"]}, {"ask_timeout": -1}]
    )
    def test_a_wrong_parameter_is_refused_before_anything_is_sent(
        self, vendor: Vendor, questions: Questions, how: Any
    ) -> None:
        with pytest.raises(InvalidInput, match="Nothing was sent"):
            Asking(vendor, **how).runner.run()
        assert not vendor.sent

    def test_nobody_is_asked_where_the_vendor_tells(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_BEFORE]
        assert Asking(vendor, findable=True).runner.run() == 1
        assert not questions.asked


class TestItIsThere:
    def test_with_its_id(self, vendor: Vendor, task: Asking) -> None:
        assert task.answer(THERE, "1") == 1
        assert len(vendor.sent) == 1
        if PARKS:
            assert task.record["id"] == 1
            assert task.record["answer"] == {
                "verdict": "there",
                "id": "1",
                "by": "Ada (7)",
                "at": "2026-12-01T04:00:00+00:00",
            }
            assert task.again() == 1

    @pytest.mark.parametrize("id", ["77", "seven", None, "", " "])
    def test_a_wrong_id_is_asked_again(
        self,
        vendor: Vendor,
        task: Asking,
        questions: Questions,
        id: Any,
        caplog: pytest.LogCaptureFixture,
        capsys: Any,
    ) -> None:
        caplog.clear()
        parked(lambda: task.answer(THERE, id))
        assert len(questions.asked) == 2
        assert "The answer was not accepted" in caplog.text + capsys.readouterr().out
        assert "id" not in task.record
        assert task.answer(THERE, "1") == 1
        assert len(vendor.sent) == 1

    def test_a_vendor_that_does_not_answer(self, vendor: Vendor, task: Asking, questions: Questions) -> None:
        vendor.blind = 1
        if not PARKS:
            parked(lambda: task.answer(THERE, "1"))
            assert task.answer(THERE, "1") == 1
            return
        with pytest.raises(ServiceUnavailable):
            task.answer(THERE, "1")
        assert task.again() == 1, "a retry asks the vendor, and not the person again"
        assert len(questions.asked) == len(vendor.sent) == 1

    def test_a_vendor_that_refuses_to_be_asked_about_it(
        self, vendor: Vendor, task: Asking, questions: Questions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Any, api: Any, id: Any) -> Operation[RunState]:
            yield from ()
            raise Rejected("that is no id of ours")

        with monkeypatch.context() as patched:
            patched.setattr(KnownOrder, "state", refuse)
            parked(lambda: task.answer(THERE, "1"))
        assert task.answer(THERE, "1") == 1

    @pytest.mark.skipif(not PARKS, reason="needs a record")
    def test_a_retry_that_finds_the_id_unknown_asks_again(
        self, vendor: Vendor, task: Asking, questions: Questions
    ) -> None:
        vendor.blind = 1
        with pytest.raises(ServiceUnavailable):
            task.answer(THERE, "77")
        parked(task.again)
        assert "does not know the id 77" in task.record["refused"]
        assert len(questions.asked) == 2

    def test_the_wait_goes_on(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_AFTER]
        asking = Asking(vendor, wait_for_completion=True, timeout=300)
        asking.run()
        vendor.clock.sleep(3600)  # the answer's time does not count
        vendor.jobs[1].run = Run.SUCCEEDED
        assert asking.answer(THERE, "1") == "closed"


class TestItIsNotThere:
    def test_it_is_sent_once_more(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_BEFORE]
        task = Asking(vendor)
        task.run()
        assert task.answer(NOT_THERE) == 1
        assert [sent.again for sent in vendor.sent] == [False, True]
        assert len(vendor.jobs) == 1
        if PARKS:
            assert task.record["answer"]["verdict"] == "not there"
            assert task.again() == 1

    def test_a_second_loss_asks_again(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_BEFORE, LOST_AFTER]
        task = Asking(vendor)
        task.run()
        parked(lambda: task.answer(NOT_THERE))
        assert len(vendor.sent) == 2
        assert task.answer(THERE, "1") == 1
        assert len(vendor.sent) == 2

    def test_a_refusal_leaves_no_doubt(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_BEFORE, refused(Rejected("no"))]
        task = Asking(vendor)
        task.run()
        with pytest.raises(Rejected):
            task.answer(NOT_THERE)
        if PARKS:
            assert task.record is None

    def test_a_process_that_dies_while_sending_asks_again(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_BEFORE, KILLED_AFTER]
        task = Asking(vendor)
        task.run()
        with pytest.raises(Killed):
            task.answer(NOT_THERE)
        parked(task.again)
        assert len(vendor.sent) == 2
        assert task.answer(THERE, "1") == 1
        assert len(vendor.jobs) == 1

    def test_the_vendor_shows_it_by_now(self, vendor: Vendor, questions: Questions) -> None:
        vendor.fates = [LOST_AFTER]
        task = Asking(vendor)
        task.run()
        findable = AskingOrder(vendor=vendor, findable=True, on_lost_answer="ask", deferrable=False)
        task.runner.make_task = lambda: findable
        if PARKS:
            store = task.runner.store
            assert store is not None
            store.set(KEY, {**task.record, "mark": vendor.jobs[1].mark})
        assert task.answer(NOT_THERE) == 1
        assert len(vendor.sent) == 1


class TestGivenUp:
    def test_it_fails_and_a_clear_asks_again(
        self, vendor: Vendor, task: Asking, questions: Questions
    ) -> None:
        with pytest.raises(OutcomeUnknown, match=r"Ada \(7\) gave up"):
            task.answer(GIVE_UP)
        if PARKS:
            assert task.record["answer"]["verdict"] == "give up"
        task.runner.ti.max_tries = task.runner.ti.try_number
        parked(task.again)
        assert len(questions.asked) == 2
        assert len(vendor.sent) == 1


class TestNoAnswer:
    def expired(self, vendor: Vendor, fate: Any, on_ask_timeout: str) -> Any:
        vendor.fates = [fate]
        task = Asking(vendor, on_ask_timeout=on_ask_timeout, ask_timeout=60)
        task.run()
        return task.resume({"error": "The timeout has passed", "error_type": "timeout"})

    def test_fails(self, vendor: Vendor, questions: Questions) -> None:
        with pytest.raises(OutcomeUnknown, match="nobody answered in time"):
            self.expired(vendor, LOST_AFTER, "fail")
        assert len(vendor.sent) == 1

    def test_is_sent_again(self, vendor: Vendor, questions: Questions) -> None:
        assert self.expired(vendor, LOST_BEFORE, "resubmit") == 1
        assert len(vendor.sent) == 2

    def test_is_accepted_only_with_an_id(self, vendor: Vendor, questions: Questions) -> None:
        with pytest.raises(OutcomeUnknown, match="nobody answered in time"):
            self.expired(vendor, LOST_AFTER, "accept")
        assert len(questions.asked) == 1


BROKEN: list[Any] = [
    None,
    "It is there",
    {},
    {"chosen_options": []},
    {"chosen_options": "It is there"},
    {"chosen_options": ["Yes"]},
    {"chosen_options": [THERE, NOT_THERE]},
    {"chosen_options": [["It is there"]]},
    {"chosen_options": [THERE], "params_input": ["1"]},
    {"chosen_options": [THERE], "params_input": {"id": {"a": 1}}},
    {"chosen_options": [THERE], "params_input": {"id": True}},
    {"chosen_options": [THERE], "params_input": {"id": "a\nb"}},
    {"chosen_options": [THERE], "params_input": {"id": "9" * 501}},
    {"chosen_options": [NOT_THERE], "params_input": {"id": "1"}},
    {"error": "it is not valid", "error_type": "validation"},
]


class TestUnusable:
    @pytest.mark.parametrize("event", BROKEN, ids=lambda event: json.dumps(event)[:60])
    def test_nothing_is_done_and_the_question_comes_again(
        self, vendor: Vendor, task: Asking, questions: Questions, event: Any
    ) -> None:
        parked(lambda: task.resume(event))
        assert len(vendor.sent) == 1
        assert len(questions.asked) == 2
        assert "id" not in task.record

    def test_what_is_more_than_was_asked_for_is_left_out(self) -> None:
        event = {"chosen_options": [THERE], "params_input": {"id": 17, "colour": "red"}}
        answer = read_answer(event, at_timeout="fail")
        assert (answer.verdict, answer.id, answer.by) == ("there", "17", "")

    def test_each_option_has_a_verdict(self) -> None:
        for option, verdict in VERDICTS.items():
            assert read_answer({"chosen_options": [option]}, at_timeout="fail").verdict == verdict


@pytest.mark.parametrize("again", ["retry", "clear"])
def test_an_attempt_that_died_before_the_answer_asks_again(
    vendor: Vendor, task: Asking, questions: Questions, again: str
) -> None:
    if again == "clear":
        task.runner.ti.max_tries = task.runner.ti.try_number
    parked(task.again)
    assert len(questions.asked) == 2
    assert len(vendor.sent) == 1
    assert task.answer(THERE, "1") == 1


@pytest.mark.skipif(PARKS, reason="there is a record")
def test_without_a_record_a_later_attempt_asks_before_it_sends(vendor: Vendor, questions: Questions) -> None:
    vendor.fates = [refused(ServiceUnavailable("down"))]
    task = Asking(vendor)
    with pytest.raises(ServiceUnavailable):
        task.runner.run()
    parked(task.again)
    assert task.answer(NOT_THERE) == 1
    assert len(vendor.jobs) == 1


@pytest.mark.skipif(not PARKS, reason="needs a record")
def test_a_record_that_a_person_deleted_meanwhile_sends_nothing_by_itself(
    vendor: Vendor, task: Asking
) -> None:
    store = task.runner.store
    assert store is not None
    store.delete(KEY)
    assert task.answer(THERE, "1") == 1
    assert len(vendor.sent) == 1


@pytest.mark.skipif(not PARKS, reason="needs a record")
@pytest.mark.parametrize("option", [THERE, NOT_THERE, GIVE_UP])
def test_an_answer_about_another_server_does_nothing(vendor: Vendor, task: Asking, option: str) -> None:
    store = task.runner.store
    assert store is not None
    store.set(KEY, {**task.record, "target": "sha256:another"})
    with pytest.raises(OutcomeUnknown, match="leads to another server or account"):
        task.answer(option)
    assert len(vendor.sent) == 1
    assert "id" not in task.record


def test_what_has_a_meaning_in_markdown_is_shown_as_it_is() -> None:
    from dataclasses import replace

    words = replace(ORDER, noun="an order of *purchase*\n# <b>")
    question = question_about(words, asks_id=True, which="run r")
    assert r"an order of \*purchase\* \# \<b\>" in question.body
    assert "\n# " not in question.subject + question.body
