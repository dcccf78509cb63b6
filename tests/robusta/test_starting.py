"""A process is started once, whatever becomes of the answer, the worker or the run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    RunFailed,
    RunMayRerun,
    RunTimedOut,
    ServiceUnavailable,
    Throttled,
)
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.blizwork.killed import hand_over, killed
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner
from tests.robusta.conftest import RobustaServer
from tests.robusta.tasks import starting, stored

RECURRING: dict[str, Any] = {"run_once": False, "quartz_def": "0 0 9 ? * FRI", "allow_recurring": True}

#: Answers that are lost or no answers, and whether the process was saved all the same.
LOST: dict[str, tuple[dict[str, Any], int]] = {
    "reset after": ({"kind": "lost_answer"}, 1),
    "reset before": ({"kind": "reset_before"}, 0),
    "cut off": ({"kind": "truncated"}, 1),
    "502 after": ({"kind": "bad_gateway", "effect": True}, 1),
    "HTML after": ({"kind": "not_json", "effect": True}, 1),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, 1),
}


def test_a_start_that_was_refused_for_a_while_is_not_sent_after_the_deadline(robusta: RobustaServer) -> None:
    robusta.fault("start", "throttled", retry_after=20)
    runner = starting(wait_for_completion=True, deferrable=False, timeout=15)
    with pytest.raises(RunTimedOut, match="Nothing was sent"):
        runner.run()
    assert robusta.requests("start") == 1, "which was refused"
    assert robusta.effects()["saved"] == 0
    assert stored(runner) is None


class TestNewAttempt:
    """What a retry and a Clear do about a run whose SPID is known."""

    def test_a_retry_asks_how_it_stands_and_starts_nothing(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="LongBot")
        spid = runner.run()["spid"]
        assert runner.retry()["spid"] == spid
        assert robusta.effects()["requests"] == {"start": 1, "status": 1}

    def test_a_clear_goes_on_with_a_run_that_is_alive(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="LongBot")
        spid = runner.run()["spid"]
        assert [runner.clear()["spid"], runner.retry()["spid"]] == [spid, spid]
        assert robusta.effects()["saved"] == 1

    @pytest.mark.parametrize("bot", ["InvoiceBot", "FailingBot"])
    def test_a_clear_after_the_end_starts_another(self, robusta: RobustaServer, bot: str) -> None:
        runner = starting(process_name=bot)
        first = runner.run()["spid"]
        robusta.control.advance(600)
        second = runner.clear()["spid"]
        assert second != first
        assert robusta.effects()["saved"] == 2
        assert stored(runner)["id"] == second

    def test_a_clear_starts_another_beside_it_if_asked_to(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="LongBot", on_clear="rerun")
        first = runner.run()["spid"]
        assert runner.retry()["spid"] == first
        assert runner.clear()["spid"] != first
        assert robusta.effects()["saved"] == 2

    def test_a_retry_after_a_bad_end_names_it(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="FailingBot")
        spid = runner.run()["spid"]
        robusta.control.advance(600)
        with pytest.raises(RunFailed, match=rf"(?s)has failed: {spid}.*ERROR.*on_failed_run='rerun'"):
            runner.retry()
        assert robusta.effects()["saved"] == 1

    def test_a_retry_after_a_bad_end_starts_another_if_asked_to(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="FailingBot", on_failed_run="rerun", failed_statuses=["ERROR"])
        first = runner.run()["spid"]
        robusta.control.advance(600)
        assert runner.retry()["spid"] != first
        assert robusta.effects()["saved"] == 2

    @pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
    def test_a_bad_end_that_is_waited_for_is_followed_by_another_if_asked_to(
        self, robusta: RobustaServer, clock: Clock, deferrable: bool
    ) -> None:
        how: dict[str, Any] = {"wait_for_completion": True, "deferrable": deferrable}
        runner = starting(
            clock, process_name="FailingBot", on_failed_run="rerun", failed_statuses=["ERROR"], **how
        )
        for saved in (1, 2):
            with pytest.raises(RunMayRerun, match="ERROR"):
                runner.retry()
            assert robusta.effects()["saved"] == saved

    def test_a_rerun_needs_to_know_what_failure_is(self, robusta: RobustaServer) -> None:
        """A word that Robusta does not document may mean that the run goes on."""
        with pytest.raises(InvalidInput, match="failed_statuses"):
            starting(process_name="PausingBot", on_failed_run="rerun").run()
        assert robusta.effects()["saved"] == 0

    def test_words_that_go_on_are_known_to_a_clear(self, robusta: RobustaServer) -> None:
        """PAUSED is failure, unless the user says otherwise."""
        runner = starting(process_name="PausingBot", running_statuses=["paused"])
        spid = runner.run()["spid"]
        robusta.control.advance(30)
        assert robusta.record(spid)["stops"][-1].strip().upper() == "PAUSED"
        assert runner.clear()["spid"] == spid

    @pytest.mark.parametrize("policy", ["fail", "rerun"])
    def test_a_process_that_robusta_does_not_know_any_more(self, robusta: RobustaServer, policy: Any) -> None:
        """Before a server that is away, a gateway may say 404 of a process that runs."""
        runner = starting(grace=0, on_failed_run=policy, failed_statuses=["ERROR"])
        spid = runner.run()["spid"]
        fault = robusta.fault("status", "status", status=404)
        with pytest.raises(LostTrack, match=f"{spid}.*does not know this SPID"):
            runner.retry()
        assert robusta.control.hits(fault) == 1
        assert runner.retry()["spid"] == spid
        assert robusta.requests("start") == 1

    def test_a_retry_needs_no_answer_to_go_on(self, robusta: RobustaServer) -> None:
        runner = starting()
        spid = runner.run()["spid"]
        robusta.fault("status", "throttled", retry_after=60)
        assert runner.retry()["spid"] == spid
        assert robusta.effects()["saved"] == 1

    def test_a_clear_that_cannot_ask_starts_nothing(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="LongBot")
        spid = runner.run()["spid"]
        robusta.fault("status", "unavailable", retry_after=60)
        with pytest.raises(ServiceUnavailable):
            runner.clear()
        assert runner.retry()["spid"] == spid
        assert robusta.requests("start") == 1

    def test_a_schedule_is_never_over(self, robusta: RobustaServer) -> None:
        """No call can end it, and its status is that of no certain run."""
        runner = starting(**RECURRING)
        spid = runner.run()["spid"]
        robusta.control.advance(600)
        assert [runner.retry()["spid"], runner.clear()["spid"]] == [spid, spid]
        assert robusta.effects()["requests"] == {"start": 1}

    def test_a_changed_input_is_warned_of(
        self, robusta: RobustaServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        orders = iter([7, 8])
        runner = Runner(
            lambda: RobustaStartProcessOperator(
                task_id="start", process_name="InvoiceBot", worker="3", values={"orderNo": next(orders)}
            )
        )
        assert runner.run()["spid"] == runner.retry()["spid"]
        assert "The values to send have changed" in caplog.text

    @pytest.mark.parametrize("choice", ["on_lost_answer", "on_failed_run", "on_clear"])
    def test_a_choice_that_there_is_not(self, robusta: RobustaServer, choice: str) -> None:
        wrong: dict[str, Any] = {choice: "perhaps"}
        with pytest.raises(InvalidInput, match=choice):
            starting(**wrong).run()
        assert robusta.effects()["requests"] == {}


class TestInDoubt:
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_never_followed_by_a_second_process(
        self, robusta: RobustaServer, name: str
    ) -> None:
        fault, saved = LOST[name]
        fault_id = robusta.fault("start", **fault)
        runner = starting()
        with pytest.raises(OutcomeUnknown, match="Robusta can find a process only by its SPID") as caught:
            runner.run()
        assert robusta.control.hits(fault_id) == 1
        assert isinstance(caught.value, AirflowFailException)
        assert "the Scheduler's list of processes in Robusta for a run of 'InvoiceBot'" in str(caught.value)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="Airflow will not send it again"):
                again()
        assert robusta.effects()["saved"] == saved
        assert robusta.requests("start") == 1

    @pytest.mark.parametrize(("when", "saved"), [("before sending", 0), ("after sending", 1)])
    def test_nor_is_a_worker_that_died(self, robusta: RobustaServer, when: Any, saved: int) -> None:
        runner = starting()
        killed(runner, when)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="an earlier attempt ended without a result"):
                again()
        assert (robusta.effects()["saved"], robusta.requests("start")) == (saved, saved)

    def test_nor_is_an_effect_that_comes_late(self, robusta: RobustaServer) -> None:
        robusta.connect(extra={"timeout": 0.3})
        robusta.fault("start", "late_effect", seconds=0.8)
        runner = starting()
        with pytest.raises(OutcomeUnknown):
            runner.run()
        deadline = time.monotonic() + 10
        while robusta.effects()["saved"] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(OutcomeUnknown):
            runner.retry()
        assert (robusta.effects()["saved"], robusta.requests("start")) == (1, 1)

    def test_a_doubt_is_no_siblings_affair(self, robusta: RobustaServer) -> None:
        robusta.fault("start", "lost_answer")
        lost, sound = starting(process_name="LongBot"), starting(process_name="LongBot")
        with pytest.raises(OutcomeUnknown):
            lost.run()
        spid = sound.run()["spid"]
        assert [sound.retry()["spid"], sound.clear()["spid"]] == [spid, spid]
        with pytest.raises(OutcomeUnknown):
            lost.retry()
        assert robusta.effects()["saved"] == 2

    @pytest.mark.parametrize("how", ["retry", "clear"])
    @pytest.mark.parametrize("blank", ["", " "])
    def test_a_person_hands_the_spid_over(self, robusta: RobustaServer, how: str, blank: str) -> None:
        robusta.fault("start", "lost_answer")
        runner = starting(process_name="LongBot")
        with pytest.raises(OutcomeUnknown):
            runner.run()
        spid = robusta.only_record()["id"]
        hand_over(runner, f"{blank}{spid}{blank}")
        assert getattr(runner, how)()["spid"] == spid
        assert runner.ti.xcoms["remote"]["id"] == stored(runner)["id"] == spid
        assert runner.clear()["spid"] == spid
        assert robusta.requests("start") == 1

    def test_a_person_hands_over_a_process_that_is_waited_for(
        self, robusta: RobustaServer, clock: Clock
    ) -> None:
        robusta.fault("start", "lost_answer")
        runner = starting(clock, wait_for_completion=True, deferrable=True)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        hand_over(runner, robusta.only_record()["id"])
        assert runner.clear()["status"] == "SUCCEEDED"
        assert robusta.requests("start") == 1

    @pytest.mark.parametrize("schedule", [{}, RECURRING], ids=["a run", "a schedule"])
    def test_a_spid_that_robusta_does_not_know_is_not_taken(
        self, robusta: RobustaServer, clock: Clock, schedule: dict[str, Any]
    ) -> None:
        robusta.fault("start", "lost_answer")
        runner = starting(clock, process_name="LongBot", grace=0, **schedule)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        spid = robusta.only_record()["id"]
        hand_over(runner, f"{spid}0")
        for _ in range(2):
            with pytest.raises(InvalidInput):
                runner.clear()
        robusta.fault("status", "status", status=503, times=99)
        hand_over(runner, spid)
        with pytest.raises(ServiceUnavailable):
            runner.clear()
        robusta.control.clear_faults()
        assert runner.retry()["spid"] == spid
        assert robusta.requests("start") == 1

    @pytest.mark.parametrize("id", ["", "None", "a/b", 7, ["x"]], ids=repr)
    def test_what_is_no_spid_is_not_taken(self, robusta: RobustaServer, id: Any) -> None:
        robusta.fault("start", "lost_answer")
        runner = starting()
        with pytest.raises(OutcomeUnknown):
            runner.run()
        hand_over(runner, id)
        with pytest.raises(InvalidInput, match="SPID"):
            runner.retry()
        assert robusta.requests("start") == 1

    def test_a_doubt_that_a_person_has_deleted_is_over(self, robusta: RobustaServer) -> None:
        robusta.fault("start", "reset_before")
        runner = starting()
        with pytest.raises(
            OutcomeUnknown,
            match="delete the record 'workflow_submission' from this task's state store and clear",
        ):
            runner.run()
        assert runner.store is not None
        runner.store.values.clear()
        runner.clear()
        assert robusta.effects()["saved"] == 1

    @pytest.mark.parametrize(("fault", "saved"), [("reset_before", 1), ("lost_answer", 2)])
    def test_starts_another_if_told_to(
        self, robusta: RobustaServer, clock: Clock, fault: str, saved: int
    ) -> None:
        robusta.fault("start", fault)
        runner = starting(clock, on_lost_answer="resubmit")
        spid = runner.run()["spid"]
        assert sum(clock.slept) >= 59
        assert runner.retry()["spid"] == spid
        assert (robusta.effects()["saved"], robusta.requests("start")) == (saved, 2)

    def test_a_refusal_is_no_doubt(self, robusta: RobustaServer) -> None:
        runner = starting(process_name="NoSuchBot")
        with pytest.raises(Rejected) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert stored(runner) is None

    def test_a_wrong_password_is_no_doubt(self, robusta: RobustaServer) -> None:
        robusta.connect(password="wrong-password")
        runner = starting()
        with pytest.raises(AuthenticationFailed):
            runner.run()
        assert stored(runner) is None

    def test_a_wish_to_slow_down_is_no_doubt(self, robusta: RobustaServer) -> None:
        robusta.fault("start", "throttled", retry_after=60)
        runner = starting()
        with pytest.raises(Throttled):
            runner.run()
        runner.retry()
        assert robusta.effects()["saved"] == 1


class TestKilled:
    def test_says_which_run_goes_on(self, robusta: RobustaServer, capsys: pytest.CaptureFixture[str]) -> None:
        task = RobustaStartProcessOperator(
            task_id="start", process_name="InvoiceBot", worker="3", values={"orderNo": 7}
        )
        spid = Runner(lambda: task).run()["spid"]
        before = robusta.effects()
        capsys.readouterr()
        task.on_kill()
        assert f"{spid} (a run of process InvoiceBot) continues at Robusta" in capsys.readouterr().out
        assert robusta.effects() == before

    def test_says_what_may_be_under_way(
        self, robusta: RobustaServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = RobustaStartProcessOperator(
            task_id="start", process_name="InvoiceBot", worker="3", values={"orderNo": 7}
        )
        robusta.fault("start", "lost_answer")
        with pytest.raises(OutcomeUnknown):
            Runner(lambda: task).run()
        before = robusta.effects()
        capsys.readouterr()
        task.on_kill()
        said = capsys.readouterr().out
        assert "may be under way" in said
        assert "the Scheduler's list of processes in Robusta for a run of 'InvoiceBot'" in said
        assert robusta.effects() == before


class TestBeforeAirflow33:
    def test_a_lost_answer_ends_the_task(self, robusta: RobustaServer) -> None:
        robusta.fault("start", "lost_answer")
        with pytest.raises(OutcomeUnknown):
            starting(store=False).run()
        assert robusta.requests("start") == 1

    def test_a_passing_failure_of_the_wait_is_not_retried(self, robusta: RobustaServer, clock: Clock) -> None:
        """A retry would know nothing of the run."""
        robusta.fault("status", "unavailable", times=9999, retry_after=40)
        runner = starting(clock, store=False, wait_for_completion=True, deferrable=False, tolerance=100)
        with pytest.raises(AirflowFailException, match="a retry would send the request again"):
            runner.run()
        assert robusta.requests("start") == 1
