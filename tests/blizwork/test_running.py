"""An activity is run once, whatever becomes of the answer or the process."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
)
from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.core.tasks.question import THERE
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    Rejected,
)
from tests.blizwork.cases import opened, pending, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.killed import hand_over, killed
from tests.blizwork.tasks import FORM, LOST, looping, lose, running, stored, until
from tests.core.harness import Clock, Runner
from tests.core.questions import answer, parked
from tests.core.questions import questions as questions


class TestExecInDoubt:
    @pytest.fixture
    def case(self, blizwork: BlizWorkServer, clock: Clock) -> int:
        return opened("credit")

    @pytest.mark.parametrize("name", [name for name, (_, effects) in LOST.items() if effects])
    def test_a_call_that_worked_is_recognised(self, blizwork: BlizWorkServer, case: int, name: str) -> None:
        lose(blizwork, "exec", name)
        runner = running(case)
        result = runner.run()
        assert (result["form_id"], result["history_length"]) == ("application", 1)
        assert runner.retry() == stored(runner)["id"] == result
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    @pytest.mark.parametrize("name", [name for name, (_, effects) in LOST.items() if not effects])
    def test_a_call_that_did_not_work_is_made_again_once_that_is_sure(
        self, blizwork: BlizWorkServer, clock: Clock, case: int, name: str
    ) -> None:
        lose(blizwork, "exec", name)
        assert running(case).run()["history_length"] == 1
        assert sum(clock.slept) >= 59
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 2)

    def test_settle_is_the_users(self, blizwork: BlizWorkServer, clock: Clock, case: int) -> None:
        lose(blizwork, "exec", "reset before")
        running(case, settle=300).run()
        assert 299 <= sum(clock.slept) <= 301

    @pytest.mark.parametrize("to", ["scoring", "withdrawn"])
    def test_an_effect_that_comes_late_is_waited_for(
        self, blizwork: BlizWorkServer, clock: Clock, case: int, to: str
    ) -> None:
        blizwork.connect(extra={"timeout": 0.3})
        blizwork.fault("exec", "late_effect", seconds=0.8)
        clock.after(40, lambda: until(lambda: blizwork.effects()["executed"] == 1))
        assert running(case, next_form_id=to).run()["next_form_id"] == to
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_in_a_loop_too(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        """Here a second call would not be refused."""
        case = opened("loop")
        blizwork.connect(extra={"timeout": 0.3})
        blizwork.fault("exec", "late_effect", seconds=0.8)
        clock.after(40, lambda: until(lambda: blizwork.effects()["executed"] == 1))
        assert looping(case).run()["history_length"] == 1
        assert blizwork.record(f"loop/{case}")["stops"] == ["request"]

    def test_a_vendor_that_loses_every_call_is_left_to_a_retry(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        blizwork.fault("exec", "reset_before", times=3)
        runner = running(case)
        with pytest.raises(LostTrack, match="after 3 requests"):
            runner.run()
        assert runner.retry()["history_length"] == 1
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 4)

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_killed_between_call_and_memory(self, blizwork: BlizWorkServer, case: int, how: str) -> None:
        runner = running(case)
        killed(runner, "after sending")
        assert getattr(runner, how)()["form_id"] == "application"
        assert runner.retry()["history_length"] == 1
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_killed_right_before_the_call(self, blizwork: BlizWorkServer, clock: Clock, how: str) -> None:
        case = opened("loop")
        runner = looping(case)
        killed(runner, "before sending")
        assert blizwork.requests("exec") == 0
        assert getattr(runner, how)()["history_length"] == 1
        assert sum(clock.slept) >= 59, "the process that died may still have been sending"
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    @pytest.mark.parametrize(("to", "code"), [("scoring", 6), ("withdrawn", 5)])
    def test_5_and_6_after_a_lost_answer_are_settled_by_reading_the_case(
        self, blizwork: BlizWorkServer, case: int, to: str, code: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The first call takes effect between the last look at the case and the second call."""
        lose(blizwork, "exec", "reset before")
        blizwork.answer("exec", code, effect=True)
        assert running(case, next_form_id=to).run()["next_form_id"] == to
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 2)
        assert f"code {code}" in caplog.text

    @pytest.mark.parametrize("code", [2, 5, 6, 8, 100])
    def test_a_refusal_that_the_case_does_not_explain_leaves_the_doubt(
        self, blizwork: BlizWorkServer, case: int, code: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        blizwork.answer("exec", code)
        runner = running(case)
        with pytest.raises(PermanentError) as caught:
            runner.run()
        assert caught.value.code == code
        assert stored(runner)["baseline"]["history_length"] == 1
        assert "id" not in stored(runner)

    @pytest.mark.parametrize(
        ("run", "why"),
        [
            (lambda server, case: server.by_hand("credit", case, "application", "scoring"), "another user"),
            (lambda _, case: filled(case, {**FORM, "age": 31}), "does not have this task's values"),
        ],
        ids=["another person", "other values"],
    )
    def test_run_by_another_while_ours_was_in_doubt(
        self, blizwork: BlizWorkServer, clock: Clock, case: int, run: Any, why: str
    ) -> None:
        lose(blizwork, "exec", "reset before")
        clock.after(10, lambda: run(blizwork, case))
        runner = running(case)
        for again in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match=why):
                again()
        assert blizwork.effects()["executed"] == 1

    def test_run_with_another_action_while_ours_was_in_doubt(
        self, blizwork: BlizWorkServer, clock: Clock, case: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        clock.after(10, lambda: filled(case, FORM))
        runner = running(case, next_form_id="withdrawn")
        for again in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="with another action"):
                again()
        assert blizwork.effects()["executed"] == 1

    def test_the_author_is_the_acting_user(self, blizwork: BlizWorkServer, case: int) -> None:
        lose(blizwork, "exec", "101 after")
        running(case, exec_user_id="analyst@example.com").run()
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_an_acting_user_may_have_done_it_by_hand(self, blizwork: BlizWorkServer, case: int) -> None:
        lose(blizwork, "exec", "101 after")
        with pytest.raises(OutcomeUnknown, match="perhaps by hand"):
            running(case, exec_user_id="analyst@example.com", form_data=None).run()
        assert blizwork.requests("exec") == 1

    @pytest.mark.usefixtures("questions")
    def test_a_person_says_that_it_was_run(self, blizwork: BlizWorkServer, clock: Clock, case: int) -> None:
        lose(blizwork, "exec", "101 after")
        runner = running(case, exec_user_id="analyst@example.com", form_data=None, on_lost_answer="ask")
        parked(runner.begin)
        assert runner.answered(answer(THERE))["case_number"] == case
        assert blizwork.requests("exec") == 1

    def test_the_connections_own_user_named_once_more_is_no_other(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        lose(blizwork, "exec", "101 after")
        running(case, exec_user_id="airflow@example.com", form_data=None).run()
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_an_earlier_run_of_the_same_activity_is_not_taken_for_it(
        self, blizwork: BlizWorkServer, clock: Clock
    ) -> None:
        """In a loop the same user has run it before: what counts is what came after the baseline."""
        case = opened("loop")
        ran("loop", case, "request", "request")
        lose(blizwork, "exec", "reset before")
        assert looping(case).run()["history_length"] == 2
        assert blizwork.record(f"loop/{case}")["stops"] == ["request", "request"]

    def test_run_by_the_platform_at_its_deadline(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        """With the same action and no values, so that only the author tells that it was not this task."""
        case = opened("hasty")
        lose(blizwork, "exec", "reset before")
        runner = running(case, workflow_id="hasty", form_id="request", next_form_id="late", form_data=None)
        for again in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="BlizWork itself did at the activity's deadline"):
                again()
        assert pending("hasty", case) == "late"
        assert blizwork.requests("exec") == 1

    def test_siblings_find_only_their_own(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        cases = [opened("loop"), opened("loop")]
        blizwork.fault("exec", "lost_answer", times=2)
        siblings = [looping(case) for case in cases]
        assert [one.run()["case_number"] for one in siblings] == cases
        assert blizwork.effects()["executed"] == 2

    def test_a_siblings_run_in_the_same_case_is_not_taken_for_it(
        self, blizwork: BlizWorkServer, clock: Clock
    ) -> None:
        case = opened("loop")
        lose(blizwork, "exec", "reset before")
        mine, sibling = looping(case, "mine"), looping(case, "sibling's")
        clock.after(5, lambda: sibling.run())
        with pytest.raises(OutcomeUnknown, match="does not have this task's values"):
            mine.run()
        assert sibling.retry()["history_length"] == 1
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 2)

    def test_two_runs_by_the_same_user_are_told_apart_by_nobody(
        self, blizwork: BlizWorkServer, clock: Clock
    ) -> None:
        case = opened("loop")
        first, second = looping(case), looping(case)
        killed(first, "after sending")
        second.run()
        with pytest.raises(OutcomeUnknown, match="more than once"):
            first.retry()
        assert blizwork.effects()["executed"] == 2

    @pytest.mark.parametrize("how", ["run", "retry"])
    def test_a_case_that_cannot_be_read_is_read_by_a_retry(
        self, blizwork: BlizWorkServer, case: int, how: str
    ) -> None:
        """The vendor is down from the lost answer on, until the task has given up."""
        runner = running(case)
        if how == "run":
            blizwork.fault("case", "throttled", times=99, skip=1, retry_after=60)
            lose(blizwork, "exec", "reset after")
        else:
            killed(runner, "after sending")
            blizwork.fault("case", "throttled", times=99, retry_after=60)
        with pytest.raises(LostTrack, match="A retry asks again"):
            getattr(runner, how)()
        blizwork.control.clear_faults()
        assert runner.retry()["form_id"] == "application"
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_a_short_trouble_with_reading_is_borne(self, blizwork: BlizWorkServer, case: int) -> None:
        blizwork.fault("case", "throttled", times=2, skip=1, retry_after=60)
        lose(blizwork, "exec", "reset after")
        assert running(case).run()["form_id"] == "application"
        assert blizwork.requests("exec") == 1

    def test_a_token_that_expires_in_between_is_no_answer_to_the_doubt(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        runner = running(case)
        killed(runner, "after sending")
        blizwork.connect(password="expired")
        with pytest.raises(OutcomeUnknown, match="token is invalid"):
            runner.retry()
        blizwork.connect()
        assert runner.clear()["form_id"] == "application"
        assert blizwork.requests("exec") == 1

    def test_a_case_of_another_organisation_tells_nothing(self, blizwork: BlizWorkServer, case: int) -> None:
        """Reading names no organisation, so that the case shown is not the one meant."""
        runner = running(case, company_id="c2")
        lose(blizwork, "exec", "reset before")
        with pytest.raises(OutcomeUnknown, match="another organisation"):
            runner.run()
        assert blizwork.requests("exec") == 1

    def test_sends_again_if_told_to(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        case = opened("loop")
        lose(blizwork, "exec", "reset before")
        clock.after(5, lambda: blizwork.by_hand("loop", case, "request", "request"))
        assert looping(case, on_lost_answer="resubmit").run()["history_length"] == 1
        assert blizwork.record(f"loop/{case}")["stops"] == ["request", "request"]
        assert blizwork.requests("exec") == 2

    @pytest.mark.parametrize("spoilt", [None, {}, {"history_length": "1"}, [1]], ids=repr)
    def test_a_record_that_does_not_say_how_it_was_before(
        self, blizwork: BlizWorkServer, case: int, spoilt: Any
    ) -> None:
        runner = running(case)
        killed(runner, "after sending")
        assert runner.store is not None
        runner.store.set(KEY, {**stored(runner), "baseline": spoilt})
        with pytest.raises(OutcomeUnknown, match="does not have the length"):
            runner.retry()
        assert blizwork.requests("exec") == 1

    def test_before_airflow_3_3_a_retry_does_not_attach_to_what_it_cannot_know(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        runner = running(case, store=False)
        runner.run()
        with pytest.raises(Rejected, match="already run"):
            runner.retry()
        assert blizwork.effects()["executed"] == 1


def filled(case: int, values: Any) -> None:
    BlizWorkHook().exec_activity("credit", case, "application", "scoring", values)


class TestExecIdFromPerson:
    @pytest.fixture
    def runner(self, blizwork: BlizWorkServer, clock: Clock) -> Runner:
        """A task in doubt: the values in the case are not its own."""
        case = opened("credit")
        lose(blizwork, "exec", "reset before")
        clock.after(5, lambda: blizwork.by_hand("credit", case, "application", "scoring"))
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        return runner

    @pytest.mark.parametrize("id", [1, "1", "credit/1"], ids=repr)
    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_by_the_cases_number(self, blizwork: BlizWorkServer, runner: Runner, id: Any, how: str) -> None:
        hand_over(runner, id)
        result = {"case_number": 1, "form_id": "application", "next_form_id": "scoring", "history_length": 1}
        assert getattr(runner, how)() == result
        assert runner.retry() == stored(runner)["id"] == result
        assert blizwork.requests("exec") == 1

    def test_by_the_result(self, blizwork: BlizWorkServer, runner: Runner) -> None:
        result = {"case_number": 1, "form_id": "application", "next_form_id": "scoring", "history_length": 1}
        hand_over(runner, result)
        assert runner.retry() == result
        assert blizwork.requests("exec") == 1

    @pytest.mark.parametrize(
        "id",
        [
            2,
            "hasty/1",
            "done",
            True,
            {},
            {"case_number": 1, "form_id": "application", "next_form_id": "scoring", "history_length": "1"},
            {"case_number": 2, "form_id": "application", "next_form_id": "scoring", "history_length": 1},
        ],
        ids=str,
    )
    def test_what_is_no_id_of_it_is_not_taken(
        self, blizwork: BlizWorkServer, runner: Runner, id: Any
    ) -> None:
        hand_over(runner, id)
        with pytest.raises(InvalidInput, match=r"[Tt]he id"):
            runner.retry()
        assert blizwork.requests("exec") == 1

    def test_nor_is_one_whose_case_shows_nothing_of_it(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        case = opened("credit")
        runner = running(case)
        hand_over(runner, case)
        with pytest.raises(InvalidInput, match="BlizWork does not show"):
            runner.run()
        assert blizwork.requests("exec") == 0


class TestKilled:
    def test_exec_says_what_may_be_under_way(
        self, blizwork: BlizWorkServer, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        case = opened("loop")
        ids: dict[str, Any] = {"workflow_id": "loop", "form_id": "request", "next_form_id": "check"}
        task = BlizWorkExecActivityOperator(task_id="exec", case_number=case, **ids)
        lose(blizwork, "exec", "reset before")

        def kill() -> None:
            raise KeyboardInterrupt

        clock.after(5, kill)
        with pytest.raises(KeyboardInterrupt):
            Runner(lambda: task).run()
        before = blizwork.effects()
        capsys.readouterr()
        task.on_kill()
        said = capsys.readouterr().out
        assert "may be under way" in said
        assert f"history of case {case} of process 'loop' in BlizWork for a run of activity 'request'" in said
        assert blizwork.effects() == before
