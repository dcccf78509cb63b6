"""BlizWork's operators against the sandbox: what they return, and what really happened at the vendor."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.exceptions import (
    InvalidConnection,
    InvalidInput,
    LostTrack,
    NotFound,
    Rejected,
    RunTimedOut,
    Throttled,
    WorkflowError,
)
from tests.blizwork.cases import closed, opened, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.tasks import running, starting, stored
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock


class TestInit:
    def test_returns_the_case_number(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        number = runner.run()
        assert (number, type(number)) == (1, int)
        assert runner.ti.xcoms == {"remote": {"vendor": "BlizWork", "id": "one-step/1"}}
        assert blizwork.record("one-step/1")["state"] == "waiting"

    def test_acting_user(self, blizwork: BlizWorkServer) -> None:
        number = starting(exec_user_id="analyst@example.com").run()
        assert BlizWorkHook().load_case("one-step", number).history[0].author == "analyst@example.com"

    def test_another_organisation(self, blizwork: BlizWorkServer) -> None:
        with pytest.raises(WorkflowError) as caught:
            starting(company_id="c2").run()
        assert caught.value.code == 2

    def test_a_retry_goes_on_with_the_same_case(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        assert runner.run() == runner.retry() == 1
        assert (blizwork.effects()["opened"], blizwork.requests("init")) == (1, 1)

    def test_a_clear_goes_on_with_a_case_that_is_open(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        assert (runner.run(), runner.clear()) == (1, 1)
        assert blizwork.requests("init") == 1

    def test_a_clear_after_the_case_has_ended_opens_another(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        runner.run()
        ran("one-step", 1, "request", "done")
        assert (runner.retry(), runner.clear(), runner.retry()) == (1, 2, 2)
        assert blizwork.effects()["opened"] == 2

    def test_a_clear_opens_another_beside_it_if_asked_to(self, blizwork: BlizWorkServer) -> None:
        runner = starting(on_clear="rerun")
        assert (runner.run(), runner.retry(), runner.clear()) == (1, 1, 2)

    @pytest.mark.parametrize(
        "marks", [{"end_forms": ["request"]}, {"closed_where": {"caseNumber": 1}}], ids=str
    )
    def test_a_clear_knows_an_end_as_the_user_tells_it(
        self, blizwork: BlizWorkServer, marks: dict[str, Any]
    ) -> None:
        runner = starting(**marks)
        assert (runner.run(), runner.retry(), runner.clear()) == (1, 1, 2)

    def test_a_process_that_is_switched_off_does_not_make_its_case_gone(
        self, blizwork: BlizWorkServer
    ) -> None:
        runner = starting()
        runner.run()
        blizwork.control.command("blizwork", "set_workflow", workflow="one-step", enabled=False)
        blizwork.answer("case", 3, times=2)
        assert (runner.retry(), runner.clear()) == (1, 1)
        assert blizwork.requests("init") == 1

    @pytest.mark.parametrize("again", ["retry", "clear"])
    def test_a_case_that_blizwork_does_not_know_any_more(self, blizwork: BlizWorkServer, again: str) -> None:
        runner = starting(on_failed_run="rerun")
        runner.run()
        blizwork.answer("case", 4)
        with pytest.raises(
            LostTrack, match=r"(?s)case number does not exist.*sends nothing.*delete the record"
        ):
            getattr(runner, again)()
        assert blizwork.requests("init") == 1
        assert getattr(runner, again)() == 1, "it was there all the time"

    def test_is_followed_by_another_where_that_is_wanted(self, blizwork: BlizWorkServer) -> None:
        runner = starting(on_clear="rerun")
        runner.run()
        blizwork.answer("case", 4)
        assert runner.clear() == 2

    def test_a_clear_that_cannot_ask_opens_nothing(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        runner.run()
        blizwork.fault("case", "throttled", retry_after=60)
        with pytest.raises(Throttled):
            runner.clear()
        assert runner.retry() == 1
        assert blizwork.requests("init") == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"workflow_id": ""},
            {"workflow_id": "None"},
            {"workflow_id": 7},
            {"exec_user_id": 7},
            {"company_id": "None"},
            {"end_forms": "end"},
            {"closed_where": [1]},
        ],
        ids=str,
    )
    def test_wrong_input_sends_nothing_and_leaves_no_intent(
        self, blizwork: BlizWorkServer, wrong: dict[str, Any]
    ) -> None:
        runner = starting(**wrong)
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            runner.run()
        assert blizwork.effects()["requests"] == {}
        assert stored(runner) is None

    def test_wrong_connection_leaves_no_intent(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra={"company_id": None})
        runner = starting()
        with pytest.raises(InvalidConnection, match="company_id"):
            runner.run()
        assert stored(runner) is None

    def test_a_refusal_leaves_no_intent(self, blizwork: BlizWorkServer) -> None:
        runner = starting(workflow_id="nowhere")
        with pytest.raises(NotFound) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert stored(runner) is None

    def test_throttling_for_good_is_left_to_a_retry(self, blizwork: BlizWorkServer) -> None:
        blizwork.control.set_plan("blizwork", 0)
        runner = starting()
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner) is None
        blizwork.control.set_plan("blizwork", None)
        assert runner.retry() == 1
        assert blizwork.effects()["opened"] == 1


def test_a_plan_without_calls_is_refused_at_once(blizwork: BlizWorkServer) -> None:
    blizwork.connect(extra={"plan": "free"})
    for runner in (starting(), running(1)):
        with pytest.raises(InvalidConnection, match="allows no calls"):
            runner.run()
        assert stored(runner) is None
    assert blizwork.effects()["requests"] == {}


@pytest.mark.parametrize("choice", ["on_lost_answer", "on_failed_run", "on_clear"])
def test_a_choice_that_there_is_not(blizwork: BlizWorkServer, choice: str) -> None:
    wrong: dict[str, Any] = {choice: "perhaps"}
    with pytest.raises(InvalidInput, match=choice):
        starting(None, **wrong).run()
    assert blizwork.effects()["requests"] == {}


class TestInitAndWait:
    HOW = pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])

    @HOW
    def test_returns_the_number_when_the_case_is_closed(
        self, blizwork: BlizWorkServer, clock: Clock, deferrable: bool
    ) -> None:
        clock.after(30, lambda: blizwork.by_hand("one-step", 1, "request", "done"))
        runner = starting(clock, wait_for_completion=True, deferrable=deferrable, timeout=300)
        assert runner.run() == 1
        assert bool(runner.deferrals) == deferrable
        assert blizwork.record("one-step/1")["state"] == "finished"

    @HOW
    def test_times_out_for_good(self, blizwork: BlizWorkServer, clock: Clock, deferrable: bool) -> None:
        runner = starting(clock, wait_for_completion=True, deferrable=deferrable, timeout=100)
        with pytest.raises(RunTimedOut, match="'request' is pending"):
            runner.run()


class TestExec:
    @pytest.fixture
    def case(self, blizwork: BlizWorkServer) -> int:
        return opened("credit")

    def test_runs_the_activity(self, blizwork: BlizWorkServer, case: int) -> None:
        runner = running(case)
        assert runner.run() == {
            "case_number": case,
            "form_id": "application",
            "next_form_id": "scoring",
            "history_length": 1,
        }
        record = blizwork.record(f"credit/{case}")
        assert record["stops"] == ["application"]
        assert record["fields"] == {"applicant": "Ana", "age": "30", "amount": "1000.10"}
        assert runner.ti.xcoms == {"remote": {"vendor": "BlizWork", "id": f"credit/{case}"}}

    def test_case_number_as_text_is_converted(self, blizwork: BlizWorkServer, case: int) -> None:
        runner = running(str(case))
        assert runner.run()["case_number"] == case
        assert runner.ti.xcoms["remote"]["id"] == f"credit/{case}"

    def test_form_data_and_attachments_as_json_text(self, blizwork: BlizWorkServer, case: int) -> None:
        url = BlizWorkHook().upload_attachment("a.pdf", b"x")["fileUrl"]
        running(
            case,
            form_data='{"amount": 1000.10}',
            attachments=f'{{"contract": {{"fileName": "a.pdf", "fileUrl": "{url}"}}}}',
        ).run()
        record = blizwork.record(f"credit/{case}")
        assert record["fields"] == {"amount": "1000.10"}
        assert record["files"] == [{"name": "a.pdf", "url": url}]

    def test_acting_user(self, blizwork: BlizWorkServer, case: int) -> None:
        running(case, exec_user_id="analyst@example.com").run()
        assert BlizWorkHook().load_case("credit", case).history[1].author == "analyst@example.com"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"workflow_id": ""},
            {"case_number": 4.0},
            {"case_number": "None"},
            {"case_number": True},
            {"form_id": None},
            {"next_form_id": "None"},
            {"form_data": {"age": None}},
            {"form_data": {"age": Decimal("NaN")}},
            {"form_data": "no JSON"},
            {"attachments": {"contract": "a.pdf"}},
            {"exec_user_id": 7},
        ],
        ids=str,
    )
    def test_wrong_input_sends_nothing(
        self, blizwork: BlizWorkServer, case: int, wrong: dict[str, Any]
    ) -> None:
        before = blizwork.effects()["requests"]
        runner = running(**{"case": case, **wrong})
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            runner.run()
        assert blizwork.effects()["requests"] == before
        assert stored(runner) is None

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"workflow_id": "nowhere"}, 3),
            ({"form_id": "review", "next_form_id": "approved"}, 8),
            ({"form_id": "nowhere"}, 6),
            ({"next_form_id": "approved"}, 7),
            ({"next_form_id": "nowhere"}, 9),
            ({"form_data": {"decision": "x"}}, 10),
            ({"exec_user_id": "no@x.y"}, 11),
            ({"form_data": {"age": "30"}}, 100),
        ],
        ids=str,
    )
    def test_a_refusal_stops_the_task_and_leaves_no_intent(
        self, blizwork: BlizWorkServer, case: int, change: dict[str, Any], code: int
    ) -> None:
        runner = running(case, **change)
        with pytest.raises(WorkflowError) as caught:
            runner.run()
        assert (caught.value.code, isinstance(caught.value, AirflowFailException)) == (code, True)
        assert stored(runner) is None
        assert blizwork.effects()["executed"] == 0

    def test_a_retry_after_success_sends_nothing(self, blizwork: BlizWorkServer, case: int) -> None:
        runner = running(case)
        first = runner.run()
        before = blizwork.effects()
        assert runner.retry() == first
        assert blizwork.effects() == before

    def test_a_clear_runs_what_is_pending_then(self, blizwork: BlizWorkServer) -> None:
        case = opened("loop")
        runner = running(case, workflow_id="loop", form_id="request", next_form_id="request", form_data=None)
        assert [runner.run()["history_length"], runner.clear()["history_length"]] == [1, 2]
        assert blizwork.effects()["executed"] == 2

    @pytest.mark.parametrize(
        ("prepare", "code"),
        [
            (lambda case: ran("credit", case, "application", "withdrawn"), 5),
            (lambda case: ran("credit", case, "application", "scoring"), 6),
        ],
        ids=["5", "6"],
    )
    def test_without_a_lost_answer_5_and_6_are_refusals(
        self, blizwork: BlizWorkServer, case: int, prepare: Any, code: int
    ) -> None:
        """Even though author and values would match: it was not this task."""
        prepare(case)
        runner = running(case, form_data=None)
        with pytest.raises(Rejected) as caught:
            runner.run()
        assert caught.value.code == code
        assert stored(runner) is None

    def test_what_is_kept_is_small_and_no_data_of_the_form(self, blizwork: BlizWorkServer, case: int) -> None:
        runner = running(case)
        result = runner.run()
        kept = stored(runner)
        assert kept["baseline"] == {"history_length": 1, "pending": "application"}
        assert kept["id"] == result
        assert not re.search(r"Ana|1000\.10|@", str(kept))

    def test_a_choice_that_there_is_not(self, blizwork: BlizWorkServer, case: int) -> None:
        before = blizwork.effects()
        with pytest.raises(InvalidInput, match="on_lost_answer"):
            running(case, on_lost_answer="perhaps").run()
        assert blizwork.effects() == before


def test_a_loop_is_run_as_often_as_there_are_tasks(blizwork: BlizWorkServer) -> None:
    case = opened("loop")
    for _ in range(3):
        running(case, workflow_id="loop", form_id="request", next_form_id="request", form_data=None).run()
    assert blizwork.record(f"loop/{case}")["stops"] == ["request"] * 3


def test_a_closed_case_is_said_so(blizwork: BlizWorkServer) -> None:
    case = closed()
    runner = running(case, workflow_id="one-step", form_id="request", next_form_id="done", form_data=None)
    with pytest.raises(Rejected, match=re.escape("The case is closed")):
        runner.run()


@pytest.mark.parametrize("operator", [BlizWorkInitCaseOperator, BlizWorkExecActivityOperator])
def test_every_input_is_a_template_field(operator: Any) -> None:
    inputs = {"workflow_id", "exec_user_id", "company_id", "blizwork_conn_id"}
    if operator is BlizWorkExecActivityOperator:
        inputs |= {"case_number", "form_id", "next_form_id", "form_data", "attachments"}
    assert inputs <= set(operator.template_fields)
    assert set(operator.template_fields_renderers) <= set(operator.template_fields)
