"""An execution is started once, whatever becomes of the answer."""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.exceptions import (
    Conflict,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    RunFailed,
    RunMayRerun,
)
from airflow_provider_workflows.kiban.effects.start_workfloo import CLOCK_MARGIN
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.kiban.operators import KibanStartWorkflooOperator
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner, TaskInstance
from tests.kiban.running import DONE, LOST, NOT_DONE, OldRunner, die, starting, stored
from tests.kiban.server import FAILING, FORM, LOAN, TWO_FORMS, KibanServer

#: With a place for the mark.
MARKED: dict[str, Any] = {"form": FORM, "run_key_field": "airflow_key"}
EITHER = pytest.mark.parametrize("arguments", [MARKED, {}], ids=["mark", "no mark"])


def mark_at_kiban(execution_id: str) -> Any:
    return KibanHook().detail(execution_id)["nodes"][0]["form"]["fields"]["airflow_key"]


class TestWithAMark:
    @pytest.mark.parametrize("name", DONE)
    def test_lost_after_the_effect(self, kiban: KibanServer, clock: Clock, name: str) -> None:
        kiban.fault("start", **LOST[name][0])
        runner = starting(clock, **MARKED)
        found = runner.run()["id"]
        assert found == kiban.control.records("kiban")[0]["id"]
        assert mark_at_kiban(found) == stored(runner)["mark"]
        assert runner.retry()["id"] == found
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    @pytest.mark.parametrize("content_key", ["content", "execution", ""])
    def test_wherever_the_history_holds_the_content(
        self, kiban: KibanServer, clock: Clock, content_key: str
    ) -> None:
        kiban.command("list_as", content_key=content_key)
        kiban.fault("start", "lost_answer")
        starting(clock, **MARKED).run()
        assert (kiban.effects()["started"], kiban.requests("detail")) == (1, 0)

    def test_listed_late(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.command("list_as", delay=25)
        kiban.fault("start", "lost_answer")
        starting(clock, **MARKED).run()
        assert sum(clock.slept) >= 25
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    def test_an_effect_that_comes_late(self, kiban: KibanServer) -> None:
        kiban.connect(extra={"timeout": 0.3})
        kiban.fault("start", "late_effect", seconds=0.8)
        found = starting(**MARKED).run()["id"]
        assert found == kiban.control.records("kiban")[0]["id"]
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    def test_siblings_find_their_own(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "lost_answer", times=2)
        runners = [starting(clock, **MARKED) for _ in range(2)]
        found = [runner.run()["id"] for runner in runners]
        assert len(set(found)) == 2
        assert [mark_at_kiban(one) for one in found] == [stored(runner)["mark"] for runner in runners]
        assert (kiban.effects()["started"], kiban.requests("start")) == (2, 2)

    def test_a_siblings_execution_is_not_taken_for_this_ones(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "reset_before", skip=1)
        siblings = starting(clock, **MARKED).run()["id"]
        assert starting(clock, **MARKED).run()["id"] != siblings
        assert (kiban.effects()["started"], kiban.requests("start")) == (2, 3)

    @pytest.mark.parametrize("form", [None, FORM], ids=["not answered yet", "answered without a mark"])
    def test_one_that_may_be_ours_leaves_a_doubt(
        self, kiban: KibanServer, clock: Clock, form: dict[str, Any] | None
    ) -> None:
        other = kiban.start(form=form)
        kiban.fault("start", "reset_before")
        runner = starting(clock, **MARKED)
        for attempt in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match=f"the field 'airflow_key' is empty, .*: {other}"):
                attempt()
        assert kiban.requests("start") == 2

    def test_a_doubt_ends_when_the_other_form_is_shown(self, kiban: KibanServer, clock: Clock) -> None:
        other = kiban.start()
        clock.after(20, lambda: kiban.answer(other, settle=0, values={**FORM, "airflow_key": "theirs"}))
        kiban.fault("start", "reset_before")
        assert starting(clock, **MARKED).run()["id"] != other
        assert kiban.effects()["started"] == 2

    @pytest.mark.parametrize("on_lost_answer", ["fail", "resubmit"])
    def test_two_with_the_mark_are_never_followed_by_a_third(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, on_lost_answer: str
    ) -> None:
        runner = starting(clock, **MARKED, on_lost_answer=on_lost_answer)
        die(runner, monkeypatch, sent=True)
        other = kiban.start(form={**FORM, "airflow_key": stored(runner)["mark"]})
        first = next(one["id"] for one in kiban.control.records("kiban") if one["id"] != other)
        error = OutcomeUnknown if on_lost_answer == "fail" else Conflict
        for attempt in (runner.retry, runner.clear):
            with pytest.raises(error, match="2 executions have this task") as caught:
                attempt()
            assert first in str(caught.value)
            assert other in str(caught.value)
        assert (kiban.effects()["started"], kiban.requests("start")) == (2, 2)
        assert "id" not in stored(runner)

    def test_a_field_that_the_form_does_not_have(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "lost_answer")
        runner = starting(clock, form=FORM, run_key_field="misspelt")
        for attempt in (runner.run, runner.clear):
            with pytest.raises(OutcomeUnknown, match="the field 'misspelt' is empty"):
                attempt()
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    def test_the_mark_goes_along_with_the_form_only(self, kiban: KibanServer, clock: Clock) -> None:
        with pytest.raises(Rejected, match="first_name"):
            starting(clock, run_key_field="airflow_key").run()
        runner = starting(clock, form='{"a": "x"}', run_key_field="key", workfloo_id=TWO_FORMS)
        execution_id = runner.run()["id"]
        kiban.control.advance(5)
        kept = kiban.record(execution_id)["fields"]
        assert (kept["a"], kept["key"]) == ("x", stored(runner)["mark"])

    @pytest.mark.parametrize("ahead", [-120.0, 120.0, 3600.0])
    def test_a_clock_that_was_wrong_when_it_started_hides_nothing(
        self, kiban: KibanServer, clock: Clock, ahead: float
    ) -> None:
        kiban.fault("start", "lost_answer", times=1)
        runner = starting(clock, run_key_field="airflow_key", form=FORM)
        right = clock.time
        clock.time = lambda: right() + ahead  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            assert runner.store is not None
            write = runner.store.set

            def stop(key: str, value: Any, **how: Any) -> None:
                if "lost_at" in value:
                    raise KeyboardInterrupt
                write(key, value, **how)

            patch.setattr(runner.store, "set", stop)
            with pytest.raises(KeyboardInterrupt):
                runner.run()
        clock.time = right  # type: ignore[method-assign]
        assert runner.retry()["id"]
        assert kiban.effects()["started"] == kiban.requests("start") == 1


class TestWithoutAMark:
    @pytest.mark.parametrize(("seconds", "doubt"), [(60, False), (-60, True)], ids=["older", "within"])
    def test_the_period_begins_before_the_start(
        self, kiban: KibanServer, clock: Clock, seconds: float, doubt: bool
    ) -> None:
        """Kiban's clock may be behind this machine's."""
        kiban.start()
        created = KibanHook().list_executions().items[0]["createdAt"]
        age = clock.time() - datetime.fromisoformat(created).timestamp()
        clock.sleep(CLOCK_MARGIN + seconds - age)
        kiban.fault("start", "reset_before")
        with pytest.raises(OutcomeUnknown, match="lists 1 executions that began") if doubt else nullcontext():
            starting(clock).run()
        assert kiban.effects()["started"] == 2 - doubt

    @pytest.mark.parametrize("name", DONE)
    def test_any_in_the_period_is_a_doubt(self, kiban: KibanServer, clock: Clock, name: str) -> None:
        kiban.start()
        kiban.fault("start", **LOST[name][0])
        runner = starting(clock)
        for attempt in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown) as caught:
                attempt()
            assert isinstance(caught.value, AirflowFailException)
            newest = kiban.control.records("kiban")[1]["id"]
            assert "lists 2 executions that began since 20" in str(caught.value)
            assert f"The newest is {newest} of 20" in str(caught.value)
        assert (kiban.effects()["started"], kiban.requests("start")) == (2, 2)

    def test_the_other_environments_do_not_count(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.start()
        kiban.connect(extra={"environment": "production"})
        kiban.fault("start", "reset_before")
        starting(clock).run()
        assert kiban.effects()["started"] == 2

    def test_resubmit(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "lost_answer")
        starting(clock, on_lost_answer="resubmit").run()
        assert kiban.effects()["started"] == 2
        assert sum(clock.slept) >= 60, "a vendor that lost an answer may be down"


class TestBoth:
    @EITHER
    @pytest.mark.parametrize("name", NOT_DONE)
    def test_lost_before_the_effect(
        self, kiban: KibanServer, clock: Clock, name: str, arguments: dict[str, Any]
    ) -> None:
        kiban.fault("start", **LOST[name][0])
        starting(clock, **arguments).run()
        assert sum(clock.slept) >= 60
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 2)

    def test_a_crash_after_sending(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = starting(clock, **MARKED, workfloo_id=LOAN)
        die(runner, monkeypatch, sent=True)
        found = runner.retry()["id"]
        assert found == kiban.control.records("kiban")[0]["id"]
        assert kiban.effects()["started"] == 1
        kiban.control.advance(30)
        assert kiban.record(found)["state"] == "finished"
        assert runner.clear()["id"] != found

    def test_a_crash_after_sending_without_a_mark(
        self, kiban: KibanServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = starting(clock)
        die(runner, monkeypatch, sent=True)
        for attempt in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="an earlier attempt ended without a result"):
                attempt()
        assert kiban.requests("start") == 1

    @EITHER
    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_a_crash_before_sending(
        self,
        kiban: KibanServer,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        arguments: dict[str, Any],
        how: str,
    ) -> None:
        runner = starting(clock, **arguments)
        die(runner, monkeypatch, sent=False)
        getattr(runner, how)()
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    @EITHER
    def test_a_history_that_does_not_answer(
        self, kiban: KibanServer, clock: Clock, arguments: dict[str, Any]
    ) -> None:
        kiban.fault("start", "reset_before")
        kiban.fault("history_v2", "throttled", times=99, retry_after=99)
        runner = starting(clock, **arguments)
        with pytest.raises(LostTrack, match="Airflow sends nothing"):
            runner.run()
        assert kiban.requests("start") == 1
        kiban.control.clear_faults()
        runner.retry()
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 2)

    def test_a_key_that_may_not_list(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "reset_before")
        kiban.fault("history_v2", "status", status=403, times=9)
        with pytest.raises(OutcomeUnknown, match="lacks the permission"):
            starting(clock).run()
        assert kiban.requests("start") == 1

    def test_an_id_that_a_person_hands_over(self, kiban: KibanServer, clock: Clock) -> None:
        kiban.fault("start", "lost_answer")
        runner = starting(clock)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        (record,) = kiban.control.records("kiban")
        assert runner.store is not None
        runner.store.set(KEY, {**stored(runner), "id": f" {record['id']} "})
        assert runner.clear()["id"] == record["id"]
        assert stored(runner)["id"] == record["id"]
        assert kiban.requests("start") == 1

    @pytest.mark.parametrize("id", ["", "None", 7, {"id": "x"}], ids=repr)
    def test_what_a_person_writes_that_is_no_id(self, kiban: KibanServer, clock: Clock, id: Any) -> None:
        runner = starting(clock)
        assert runner.store is not None
        runner.store.set(KEY, {"format": 2, "mark": "m", "id": id})
        with pytest.raises(InvalidInput, match="The id in the record"):
            runner.run()
        assert kiban.effects()["requests"] == {}

    def test_a_record_without_a_time(self, kiban: KibanServer, clock: Clock) -> None:
        runner = starting(clock)
        assert runner.store is not None
        runner.store.set(KEY, {"format": 2, "mark": "m"})
        with pytest.raises(OutcomeUnknown, match="does not say since when"):
            runner.run()
        assert kiban.effects()["requests"] == {}


class TestOverRuns:
    def failed(self, kiban: KibanServer, clock: Clock, **arguments: Any) -> Runner:
        runner = starting(clock, workfloo_id=FAILING, form={"a": "x"}, **arguments)
        runner.run()
        kiban.control.advance(10)
        return runner

    def test_one_that_failed_is_named(self, kiban: KibanServer, clock: Clock) -> None:
        runner = self.failed(kiban, clock)
        with pytest.raises(RunFailed, match=r"(?s)ended with ERROR.*on_failed_run='rerun'"):
            runner.retry()
        assert kiban.effects()["started"] == 1

    def test_one_that_failed_is_followed_by_another(self, kiban: KibanServer, clock: Clock) -> None:
        runner = self.failed(kiban, clock, on_failed_run="rerun")
        runner.retry()
        assert kiban.effects()["started"] == 2

    def test_one_that_fails_while_it_is_waited_for(self, kiban: KibanServer, clock: Clock) -> None:
        arguments = {"workfloo_id": FAILING, "form": {"a": "x"}, "wait_for_completion": True}
        runner = starting(clock, **arguments, on_failed_run="rerun", timeout=300)
        with pytest.raises(RunMayRerun):
            runner.run()
        with pytest.raises(RunMayRerun):
            runner.retry()
        assert kiban.effects()["started"] == 2

    @pytest.mark.parametrize(("on_clear", "started"), [("attach", 1), ("rerun", 2)])
    def test_a_clear_while_it_is_alive(
        self, kiban: KibanServer, clock: Clock, on_clear: str, started: int
    ) -> None:
        runner = starting(clock, on_clear=on_clear)
        assert (runner.run() == runner.clear()) is (started == 1)
        assert kiban.effects()["started"] == started

    def test_a_kill_says_what_goes_on(
        self, kiban: KibanServer, clock: Clock, capfd: pytest.CaptureFixture[str]
    ) -> None:
        task = KibanStartWorkflooOperator(task_id="start", workfloo_id=LOAN)
        execution_id = task.execute(Runner(lambda: task).context)["id"]
        before = kiban.effects()
        task.on_kill()
        said = capfd.readouterr().out
        assert f"{execution_id} (an execution of workfloo" in said
        assert "See Kiban's history" in said
        assert kiban.effects() == before


class TestBeforeAirflow33:
    """There is no store, so that the mark is derived and looked up before anything is sent."""

    def runner(self, clock: Clock, *, begun: float | None, **arguments: Any) -> OldRunner:
        arguments = {"workfloo_id": LOAN, **MARKED, **arguments}
        return OldRunner(
            lambda: KibanStartWorkflooOperator(task_id="start", **arguments), begun=begun, clock=clock
        )

    def test_a_retry_finds_it(self, kiban: KibanServer, clock: Clock) -> None:
        runner = self.runner(clock, begun=time.time())
        found = runner.run()["id"]
        kiban.control.advance(5)
        assert runner.retry()["id"] == found
        assert kiban.effects()["started"] == 1

    def test_a_retry_after_a_crash_finds_it(self, kiban: KibanServer, clock: Clock) -> None:
        runner = self.runner(clock, begun=time.time())
        kiban.fault("start", "lost_answer")
        kiban.fault("history_v2", "throttled", skip=1, times=99, retry_after=99)
        with pytest.raises(LostTrack):
            runner.run()
        kiban.control.clear_faults()
        assert runner.retry()["id"] == kiban.control.records("kiban")[0]["id"]
        assert kiban.effects()["started"] == 1

    def test_a_retry_without_the_runs_beginning_is_a_doubt(self, kiban: KibanServer, clock: Clock) -> None:
        runner = self.runner(clock, begun=None)
        runner.run()
        with pytest.raises(OutcomeUnknown, match="does not say since when"):
            runner.retry()
        assert kiban.effects()["started"] == 1

    def test_only_what_carries_a_mark_is_found_again(self) -> None:
        marked = KibanStartWorkflooOperator(task_id="start", workfloo_id=LOAN, **MARKED)
        assert marked.effect({}).retry_is_safe
        assert not KibanStartWorkflooOperator(task_id="start", workfloo_id=LOAN).effect({}).retry_is_safe


def test_what_is_kept_holds_nothing_personal(kiban: KibanServer, clock: Clock) -> None:
    kiban.fault("start", "lost_answer")
    runner = starting(clock, **MARKED)
    runner.ti = TaskInstance(dag_id="loans", task_id="apply")
    runner.run()
    kept = str(stored(runner))
    assert "af-loans-apply-" in kept
    assert "Torres" not in kept
