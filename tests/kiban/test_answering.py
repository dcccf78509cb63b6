"""A step is answered once, whatever becomes of the answer's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Found, NotSent, Unknown
from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.core.tasks.question import THERE as IT_IS_THERE
from airflow_provider_workflows.exceptions import (
    Conflict,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    ServiceUnavailable,
)
from airflow_provider_workflows.kiban.api.status import Status, Step
from airflow_provider_workflows.kiban.api.steps import Answer
from airflow_provider_workflows.kiban.effects.answer_step import Before, judge_answer
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner
from tests.core.questions import answer, parked
from tests.core.questions import questions as questions
from tests.kiban.running import DONE, LOST, NOT_DONE, answering, die, stored
from tests.kiban.server import FORM, LOOPING, REVIEW, TWO_FORMS, KibanServer

#: Seconds: the connection's timeout in these tests, and what a request may take beyond it.
SETTLE = 20
RESULT = {"id", "answered", "node_name", "node_id", "node_type", "phase", "state"}


class TestLost:
    @pytest.mark.parametrize("name", DONE)
    def test_after_the_effect(self, kiban: KibanServer, clock: Clock, name: str) -> None:
        execution_id = kiban.start(TWO_FORMS)
        fault = kiban.fault("form", **LOST[name][0])
        runner = answering(execution_id, clock, form={"a": "x"})
        result = runner.run()
        assert (result["node_name"], set(result)) == ("First", RESULT)
        assert kiban.control.hits(fault) == 1
        assert stored(runner)["id"] == result
        kiban.control.advance(5)
        assert runner.retry() == result
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)
        assert kiban.record(execution_id)["standing"] == ["Second"]

    @pytest.mark.parametrize("name", NOT_DONE)
    def test_before_the_effect(self, kiban: KibanServer, clock: Clock, name: str) -> None:
        execution_id = kiban.start()
        kiban.fault("form", **LOST[name][0])
        assert answering(execution_id, clock).run()["answered"] == "form"
        assert sum(clock.slept) >= SETTLE
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 2)

    def test_an_effect_that_comes_late(self, kiban: KibanServer) -> None:
        kiban.connect(extra={"timeout": 0.3})
        execution_id = kiban.start()
        kiban.fault("form", "late_effect", seconds=0.8)
        assert answering(execution_id).run()["answered"] == "form"
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)

    def test_a_form_that_is_not_shown_yet_is_waited_for(self, kiban: KibanServer, clock: Clock) -> None:
        """That the execution has moved on does not mean that it was this task who moved it."""
        execution_id = kiban.start()
        kiban.fault("form", "reset_before")
        clock.after(1, lambda: kiban.answer(execution_id, settle=0.6, values={**FORM, "last_name": "B"}))
        with pytest.raises(OutcomeUnknown, match="somebody else answered the step") as caught:
            answering(execution_id, clock).run()
        assert "Torres" not in str(caught.value)
        assert kiban.requests("form") == 1

    def test_somebody_elses_answer_is_not_taken_for_this_one(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start()
        kiban.fault("form", "reset_before")
        clock.after(5, lambda: kiban.answer(execution_id, values={**FORM, "first_name": "Berta"}))
        runner = answering(execution_id, clock)
        for attempt in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="somebody else answered the step") as caught:
                attempt()
            assert isinstance(caught.value, AirflowFailException)
            assert "Berta" not in str(caught.value)
        assert kiban.requests("form") == 1

    def test_two_tasks_settle_their_own(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(TWO_FORMS)
        kiban.fault("form", "lost_answer")
        first = answering(execution_id, clock, form={"a": "x"}).run()
        kiban.control.advance(5)
        kiban.fault("form", "lost_answer")
        second = answering(execution_id, clock, form={"a": "x"}).run()
        assert (first["node_name"], second["node_name"]) == ("First", "Second")
        assert (kiban.effects()["answered"], kiban.requests("form")) == (2, 2)

    @pytest.mark.parametrize("taken", [True, False])
    def test_an_execution_cancelled_while_ours_was_in_doubt(
        self, kiban: KibanServer, clock: Clock, taken: bool
    ) -> None:
        execution_id = kiban.start()
        kiban.fault("form", "lost_answer" if taken else "reset_before")
        kiban.fault("status", "throttled", skip=1, times=99, retry_after=99)
        runner = answering(execution_id, clock)
        with pytest.raises(LostTrack):
            runner.run()
        kiban.control.clear_faults()
        kiban.command("cancel", execution_id=execution_id)
        if taken:
            assert runner.retry()["answered"] == "form"
        else:
            with pytest.raises(OutcomeUnknown, match="ABANDONED, but Kiban does not show the form's values"):
                runner.retry()
        assert kiban.requests("form") == 1

    @pytest.mark.parametrize("values", [{"a": "x"}, {"a": "y"}], ids=["ours", "another's"])
    def test_an_execution_that_came_back_to_the_step(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
    ) -> None:
        execution_id = kiban.start(LOOPING)
        runner = answering(execution_id, clock, form={"a": "x"})
        die(runner, monkeypatch, sent=False)
        kiban.answer(execution_id, settle=10, values=values)
        assert kiban.record(execution_id)["standing"] == ["Ask"]
        if values == {"a": "x"}:
            assert runner.retry()["node_name"] == "Ask"
        else:
            with pytest.raises(OutcomeUnknown, match="somebody else answered the step"):
                runner.retry()
        assert kiban.requests("form") == 0

    def test_an_earlier_stays_form_is_not_taken_for_this_ones(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(LOOPING)
        kiban.answer(execution_id, settle=10, values={"a": "x"})
        kiban.fault("form", "reset_before")
        clock.after(1, lambda: kiban.command("cancel", execution_id=execution_id))
        with pytest.raises(OutcomeUnknown, match="does not show the form's values"):
            answering(execution_id, clock, form={"a": "x"}).run()

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_a_review_whose_answer_is_lost_is_a_doubt(
        self, kiban: KibanServer, clock: Clock, how: str
    ) -> None:
        """Another reviewer may have decided otherwise, and nothing tells whose decision moved it."""
        execution_id = kiban.start(REVIEW)
        kiban.answer(execution_id)
        kiban.fault("review", "lost_answer")
        runner = answering(execution_id, clock, review={"decision": "APPROVED"})
        for attempt in (runner.run, getattr(runner, how)):
            with pytest.raises(OutcomeUnknown, match="Kiban does not show who answered"):
                attempt()
        assert kiban.requests("review") == 1

    def test_a_review_that_comes_again_after_a_correction(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        execution_id = kiban.start(REVIEW)
        kiban.answer(execution_id)
        review = {"decision": "REJECTED", "reviews": [{"fieldId": "first_name"}]}
        runner = answering(execution_id, clock, review=review)
        die(runner, monkeypatch, sent=True)
        kiban.answer(execution_id)
        with pytest.raises(OutcomeUnknown, match="is at the step, but it has changed"):
            runner.retry()
        assert kiban.requests("review") == 1

    def test_a_review_that_was_not_taken_is_sent_again(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(REVIEW)
        kiban.answer(execution_id)
        kiban.fault("review", "reset_before")
        answering(execution_id, clock, review={"decision": "APPROVED"}).run()
        assert (kiban.effects()["answered"], kiban.requests("review")) == (2, 2)

    def test_resubmit_never_answers_another_step(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(TWO_FORMS)
        kiban.fault("form", "reset_before")
        clock.after(5, lambda: kiban.answer(execution_id, values={"a": "y"}))
        runner = answering(execution_id, clock, form={"a": "x"}, on_lost_answer="resubmit")
        with pytest.raises(Conflict, match="is no longer at the step"):
            runner.run()
        assert kiban.record(execution_id)["standing"] == ["Second"]
        assert kiban.requests("form") == 1
        assert "id" not in stored(runner)

    def test_resubmit_where_the_step_still_stands(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(REVIEW)
        kiban.answer(execution_id)
        kiban.fault("review", "lost_answer")
        review = {"decision": "REJECTED", "reviews": [{"fieldId": "first_name"}]}
        clock.after(0.5, lambda: kiban.answer(execution_id))
        answering(execution_id, clock, review=review, on_lost_answer="resubmit").run()
        assert kiban.requests("review") == 2

    @pytest.mark.usefixtures("questions")
    def test_a_person_says_that_it_was_answered(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start(REVIEW)
        kiban.answer(execution_id)
        kiban.fault("review", "lost_answer")
        runner = answering(execution_id, clock, review={"decision": "APPROVED"}, on_lost_answer="ask")
        parked(runner.begin)
        result = runner.answered(answer(IT_IS_THERE))
        assert (result["id"], result["answered"]) == (execution_id, "review")
        assert result["node_type"] == "VALIDATION"
        assert kiban.requests("review") == 1

    def test_a_status_that_cannot_be_read_leaves_the_intent(self, kiban: KibanServer, clock: Clock) -> None:
        execution_id = kiban.start()
        kiban.fault("form", "lost_answer")
        kiban.fault("status", "throttled", skip=1, times=99, retry_after=99)
        runner = answering(execution_id, clock)
        with pytest.raises(LostTrack, match="Airflow sends nothing"):
            runner.run()
        kiban.control.clear_faults()
        assert runner.retry()["answered"] == "form"
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)


class TestCrash:
    def test_after_sending(self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        execution_id = kiban.start(TWO_FORMS)
        runner = answering(execution_id, clock, form={"a": "x"})
        die(runner, monkeypatch, sent=True)
        kiban.control.advance(5)
        assert kiban.record(execution_id)["standing"] == ["Second"]
        result = runner.retry()
        assert (result["node_name"], set(result)) == ("First", RESULT)
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)
        assert runner.clear()["node_name"] == "Second"

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_after_sending_while_the_status_still_shows_the_step(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, clock)
        die(runner, monkeypatch, sent=True)
        assert getattr(runner, how)()["answered"] == "form"
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_before_sending(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, clock)
        die(runner, monkeypatch, sent=False)
        assert getattr(runner, how)()["answered"] == "form"
        assert sum(clock.slept) >= SETTLE
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 1)


class TestConflict:
    def test_a_step_answered_between_look_and_send(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, clock)
        self.before_sending(runner, monkeypatch, lambda: kiban.answer(execution_id, settle=0, values=FORM))
        with pytest.raises(Conflict):
            runner.run()
        assert stored(runner) is None
        assert kiban.effects()["answered"] == 1

    def test_a_conflict_after_a_doubt_is_an_answer_that_was_taken(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, clock)
        die(runner, monkeypatch, sent=False)
        self.before_sending(runner, monkeypatch, lambda: kiban.answer(execution_id, values=FORM))
        assert runner.retry()["answered"] == "form"
        assert (kiban.effects()["answered"], kiban.requests("form")) == (1, 0)

    def before_sending(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]
    ) -> None:
        """Let something happen between the look and the sending."""
        assert runner.store is not None
        write = runner.store.set
        done: list[Any] = []

        def act(key: str, value: Any, **how: Any) -> None:
            write(key, value, **how)
            if "baseline" in value and not done:
                done.append(value)
                action()

        monkeypatch.setattr(runner.store, "set", act)


class TestHandOver:
    @pytest.mark.parametrize("whole", [False, True], ids=["id", "result"])
    def test_what_a_person_hands_over(self, kiban: KibanServer, clock: Clock, whole: bool) -> None:
        execution_id = kiban.start(REVIEW)
        runner = answering(execution_id, clock, review={"decision": "APPROVED"})
        assert runner.store is not None
        written = {"id": execution_id, "node_name": "Back office"} if whole else execution_id
        runner.store.set(KEY, {"format": 2, "mark": "m", "id": written})
        result = runner.run()
        assert set(result) == RESULT
        assert (result["id"], result["answered"]) == (execution_id, "review")
        assert result["node_name"] == ("Back office" if whole else None)
        assert kiban.requests("review") == 0
        assert runner.retry() == result

    @pytest.mark.parametrize("written", ["another", {"id": "another"}, 7, True], ids=repr)
    def test_what_is_of_another_execution(self, kiban: KibanServer, clock: Clock, written: Any) -> None:
        runner = answering(kiban.start(), clock)
        assert runner.store is not None
        runner.store.set(KEY, {"format": 2, "mark": "m", "id": written})
        with pytest.raises(InvalidInput, match="that of the execution"):
            runner.run()
        assert kiban.requests("form") == 0

    def test_a_record_without_a_step(self, kiban: KibanServer, clock: Clock) -> None:
        runner = answering(kiban.start(), clock)
        assert runner.store is not None
        runner.store.set(KEY, {"format": 2, "mark": "m", "baseline": {}})
        with pytest.raises(OutcomeUnknown, match="does not name the step"):
            runner.run()
        assert kiban.requests("form") == 0


def test_a_step_that_comes_again_is_answered_again(kiban: KibanServer, clock: Clock) -> None:
    execution_id = kiban.start(LOOPING)
    first = answering(execution_id, clock, form={"a": "x"}).run()
    kiban.control.advance(5)
    assert answering(execution_id, clock, form={"a": "y"}).run() == first
    kiban.control.advance(5)
    assert kiban.record(execution_id)["state"] == "finished"


def test_what_is_kept_is_small_and_holds_no_personal_data(kiban: KibanServer) -> None:
    runner = answering(kiban.start())
    runner.run()
    kept = stored(runner)
    assert set(kept["baseline"]) == (RESULT - {"id", "answered"}) | {"stays", "modified"}
    assert "Torres" not in str(kept)


def test_a_dependency_that_is_down_before_anything_was_sent(kiban: KibanServer) -> None:
    execution_id = kiban.start()
    kiban.fault("status", "unavailable", times=9, retry_after=99)
    runner = answering(execution_id)
    with pytest.raises(ServiceUnavailable):
        runner.run()
    assert stored(runner) is None


def test_a_kill_says_what_was_done(kiban: KibanServer, capfd: pytest.CaptureFixture[str]) -> None:
    execution_id = kiban.start()
    task = KibanAnswerStepOperator(task_id="answer", execution_id=execution_id, form=FORM)
    task.execute(Runner(lambda: task).context)
    before = kiban.effects()
    task.on_kill()
    assert f"Kiban has accepted the form for execution {execution_id}" in capfd.readouterr().out
    assert kiban.effects() == before


STEP = Step("n1", "FORM")
BEFORE = Before(STEP, "Ask", stays=1, modified="then")
THERE = Status(id="e", word="PROGRESS", node_id="n1", node_type="FORM")
ELSEWHERE = Status(id="e", word="PROGRESS", node_id="n2", node_type="FORM")
SENT = {"a": "x"}


def detail(*stays: Any, modified: str = "now") -> dict[str, Any]:
    """Return a detail that shows a node's forms."""
    nodes = [{"id": "n1", "form": None if form is None else {"fields": form}} for form in stays]
    return {"modified": modified, "nodes": nodes or None}


@pytest.mark.parametrize(
    ("kind", "status", "shown", "expected"),
    [
        ("form", ELSEWHERE, detail(SENT, SENT), "found"),
        ("form", THERE, detail(SENT, SENT), "found"),
        ("form", ELSEWHERE, detail({"a": "y"}, {"a": "y"}, SENT), "found"),
        ("form", ELSEWHERE, detail(SENT), "may change"),
        ("form", ELSEWHERE, detail(SENT, None), "may change"),
        ("form", ELSEWHERE, detail(), "may change"),
        ("form", ELSEWHERE, detail(SENT, {"a": "y"}), "doubt"),
        ("form", THERE, detail(SENT, modified="then"), "absent"),
        ("form", THERE, detail(SENT), "may change"),
        ("form", THERE, detail(SENT, None, modified="then"), "may change"),
        ("document", THERE, detail(SENT, modified="then"), "absent"),
        ("document", THERE, detail(SENT), "may change"),
        ("document", ELSEWHERE, detail(SENT, SENT), "doubt"),
        ("correction", ELSEWHERE, detail(SENT, SENT), "doubt"),
        ("review", ELSEWHERE, detail(SENT, SENT), "doubt"),
    ],
    ids=[
        "moved on with our values",
        "come back after our values",
        "ours and another's stay",
        "only the earlier stay is shown",
        "no form is shown",
        "nothing is shown",
        "moved on with other values",
        "unchanged",
        "changed, still there",
        "left and come back, no form is shown",
        "document: unchanged",
        "document: changed, still there",
        "document: moved on",
        "correction: moved on",
        "review: moved on",
    ],
)
def test_what_an_execution_shows(kind: str, status: Status, shown: Any, expected: str) -> None:
    told = judge_answer(Answer(kind, SENT), BEFORE, status, shown, result={"id": "e"})
    match told:
        case Found(id):
            assert (expected, id) == ("found", {"id": "e"})
        case NotSent():
            assert expected == "absent"
        case Unknown(why, may_change):
            assert expected == ("may change" if may_change else "doubt")
            assert "x" not in why.split()


#: Nodes as a vendor may list them that gives them no ids.
NAMELESS = [{"name": "Ask", "form": None}]
NAMED = [{"id": "n0", "form": None}]


@pytest.mark.parametrize("kind", ["form", "document", "correction", "review"])
@pytest.mark.parametrize(
    ("before", "shown", "expected"),
    [
        (Before(STEP), {"nodes": NAMELESS}, "may change"),
        (Before(STEP), {"nodes": [*NAMELESS, *NAMELESS], "modified": None}, "may change"),
        (Before(STEP), {"nodes": [*NAMED, *NAMELESS]}, "may change"),
        (Before(STEP), {"nodes": None}, "may change"),
        (Before(STEP), {"nodes": NAMELESS, "modified": "now"}, "may change"),
        (Before(STEP), {"nodes": NAMED}, "absent"),
        (Before(STEP, stays=1), {"nodes": [*NAMED, {"id": "n1"}]}, "absent"),
        (Before(STEP), {"nodes": [*NAMED, {"id": "n1"}]}, "may change"),
        (Before(STEP, modified="then"), {"nodes": NAMELESS, "modified": "then"}, "absent"),
        (Before(STEP, modified="then"), {"nodes": None, "modified": "then"}, "absent"),
        (Before(STEP, modified="then"), {"nodes": NAMED}, "may change"),
    ],
    ids=[
        "no ids, no date",
        "come again, no ids, no date",
        "one has no id",
        "no nodes, no date",
        "no ids, a date since only",
        "ids, no date",
        "ids, an earlier stay, no date",
        "ids, come again, no date",
        "the same date, no ids",
        "the same date, no nodes",
        "the date is gone",
    ],
)
def test_a_step_that_still_stands(kind: str, before: Before, shown: Any, expected: str) -> None:
    told = judge_answer(Answer(kind, SENT), before, THERE, shown, result={"id": "e"})
    assert isinstance(told, NotSent if expected == "absent" else Unknown)
    assert getattr(told, "may_change", None) is (None if expected == "absent" else True)
