"""A case is opened once, whatever becomes of the answer or the process."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.values import acting
from airflow_provider_workflows.blizwork.effects import CaseStart
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.core.submission.effect import Run
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown, Rejected
from tests.blizwork.cases import closed, opened
from tests.blizwork.conftest import COMPANY, BlizWorkServer
from tests.blizwork.killed import hand_over, killed
from tests.blizwork.tasks import LOST, lose, starting, stored, until
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner


class TestInitInDoubt:
    """Nothing in BlizWork tells which case a lost call has opened."""

    @pytest.mark.parametrize("name", LOST)
    def test_is_never_followed_by_a_second_case(self, blizwork: BlizWorkServer, name: str) -> None:
        effects = lose(blizwork, "init", name)
        runner = starting()
        for again in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="has no field for a mark") as caught:
                again()
            assert isinstance(caught.value, AirflowFailException)
            assert "BlizWork's list of cases for a case of process 'one-step'" in str(caught.value)
        assert (blizwork.effects()["opened"], blizwork.requests("init")) == (effects, 1)

    @pytest.mark.parametrize(("when", "opened"), [("before sending", 0), ("after sending", 1)])
    def test_nor_is_a_process_that_died(self, blizwork: BlizWorkServer, when: Any, opened: int) -> None:
        runner = starting()
        killed(runner, when)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown):
                again()
        assert (blizwork.effects()["opened"], blizwork.requests("init")) == (opened, opened)

    def test_nor_is_an_effect_that_comes_late(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra={"timeout": 0.3})
        blizwork.fault("init", "late_effect", seconds=0.8)
        runner = starting()
        with pytest.raises(OutcomeUnknown):
            runner.run()
        until(lambda: blizwork.effects()["opened"] == 1)
        with pytest.raises(OutcomeUnknown):
            runner.retry()
        assert blizwork.requests("init") == 1

    @pytest.mark.parametrize("id", [1, "1", " 1 ", "one-step/1"], ids=repr)
    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_a_person_hands_the_number_over(self, blizwork: BlizWorkServer, id: Any, how: str) -> None:
        lose(blizwork, "init", "reset after")
        runner = starting()
        with pytest.raises(OutcomeUnknown):
            runner.run()
        hand_over(runner, id)
        number = getattr(runner, how)()
        assert (number, type(number)) == (1, int)
        assert stored(runner)["id"] == 1
        assert blizwork.requests("init") == 1

    @pytest.mark.parametrize("id", ["credit/1", "x", 1.5, True, -1], ids=repr)
    def test_what_is_no_number_is_not_taken(self, blizwork: BlizWorkServer, id: Any) -> None:
        lose(blizwork, "init", "reset after")
        runner = starting()
        with pytest.raises(OutcomeUnknown):
            runner.run()
        hand_over(runner, id)
        with pytest.raises(InvalidInput, match="in the task's record"):
            runner.retry()
        assert blizwork.requests("init") == 1

    def test_opens_another_if_told_to(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        lose(blizwork, "init", "reset after")
        assert starting(clock, on_lost_answer="resubmit").run() == 2
        assert sum(clock.slept) >= 59
        assert (blizwork.effects()["opened"], blizwork.requests("init")) == (2, 2)

    def test_a_doubt_is_no_siblings_affair(self, blizwork: BlizWorkServer) -> None:
        lose(blizwork, "init", "reset after")
        lost, sound = starting(), starting()
        with pytest.raises(OutcomeUnknown):
            lost.run()
        assert (sound.run(), sound.retry(), sound.clear()) == (2, 2, 2)
        with pytest.raises(OutcomeUnknown):
            lost.retry()
        assert blizwork.requests("init") == 2

    def test_a_refusal_of_a_second_call_does_not_settle_the_first(
        self, blizwork: BlizWorkServer, clock: Clock
    ) -> None:
        lose(blizwork, "init", "reset after")
        blizwork.fault("init", "status", status=400)
        runner = starting(clock, on_lost_answer="resubmit")
        with pytest.raises(Rejected):
            runner.run()
        assert "id" not in stored(runner)

    def test_before_airflow_3_3_a_lost_answer_ends_the_task(self, blizwork: BlizWorkServer) -> None:
        lose(blizwork, "init", "reset after")
        with pytest.raises(OutcomeUnknown):
            starting(store=False).run()
        assert blizwork.requests("init") == 1


class TestInAnotherOrganisation:
    """The sandbox is one organisation's; reading names none, so it shows its own case of the number."""

    def state(self, number: int, company_id: str | None) -> Run:
        start = CaseStart(acting("one-step", company_id=company_id), end_marks={})
        return BlizWorkHook().read(lambda api: start.state(api, number)).run

    @pytest.mark.parametrize("company_id", [None, COMPANY])
    def test_the_connections_own_cases_are_told(
        self, blizwork: BlizWorkServer, company_id: str | None
    ) -> None:
        cases = (opened(), closed(), 99)
        found = [self.state(number, company_id) for number in cases]
        assert found == [Run.ALIVE, Run.SUCCEEDED, Run.GONE]

    def test_those_of_another_are_not(self, blizwork: BlizWorkServer) -> None:
        assert {self.state(number, "c2") for number in (opened(), closed(), 99)} == {Run.UNKNOWN}

    def test_a_case_that_shows_the_other_organisation_is_told(self, blizwork: BlizWorkServer) -> None:
        number = closed()
        blizwork.connect(extra={"company_id": "c1"})
        assert self.state(number, COMPANY) is Run.SUCCEEDED
        assert self.state(number, None) is Run.UNKNOWN

    @pytest.mark.parametrize("on_failed_run", ["fail", "rerun"])
    def test_a_retry_and_a_clear_open_no_second_case(
        self, blizwork: BlizWorkServer, on_failed_run: str
    ) -> None:
        """The connection's own case of the number is closed, or there is none."""
        for number in (closed(), 99):
            runner = starting(company_id="c2", on_failed_run=on_failed_run)
            hand_over(runner, number)
            assert (runner.run(), runner.retry(), runner.clear(), runner.retry()) == (number,) * 4
        assert blizwork.requests("init") == 1  # what closed() opened

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_its_end_is_not_waited_for(self, blizwork: BlizWorkServer, deferrable: bool) -> None:
        runner = starting(company_id="c2", wait_for_completion=True, deferrable=deferrable)
        with pytest.raises(InvalidInput, match=r"needs a connection to the organisation .*Nothing was sent"):
            runner.run()
        assert (stored(runner), blizwork.effects()["requests"]) == (None, {})


class TestKilled:
    def test_init_says_which_case_goes_on(
        self, blizwork: BlizWorkServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = BlizWorkInitCaseOperator(task_id="init", workflow_id="one-step")
        Runner(lambda: task).run()
        before = blizwork.effects()
        capsys.readouterr()
        task.on_kill()
        assert "1 (a case of process one-step) continues at BlizWork" in capsys.readouterr().out
        assert blizwork.effects() == before

    def test_before_anything_it_says_nothing(
        self, blizwork: BlizWorkServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        BlizWorkInitCaseOperator(task_id="init", workflow_id="one-step").on_kill()
        assert "Killed" not in capsys.readouterr().out
