"""BlizWork's operators against the sandbox: what they return, and what really happened at the vendor."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.base.submission import KEY, Step
from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Rejected,
    RunTimedOut,
    Throttled,
    WorkflowError,
)
from tests.base.airflow_names import AirflowFailException
from tests.base.harness import Clock, Runner
from tests.blizwork.cases import closed, opened, pending, ran
from tests.blizwork.conftest import BlizWorkServer

FORM = {"applicant": "Ana", "age": 30, "amount": Decimal("1000.10")}


def starting(clock: Clock | None = None, **arguments: Any) -> Runner:
    arguments = {"workflow_id": "one-step", **arguments}
    return Runner(lambda: BlizWorkInitCaseOperator(task_id="init", **arguments), clock=clock)


def running(case: Any, **arguments: Any) -> Runner:
    arguments = {
        "workflow_id": "credit",
        "case_number": case,
        "form_id": "application",
        "next_form_id": "scoring",
        "form_data": FORM,
        **arguments,
    }
    return Runner(lambda: BlizWorkExecActivityOperator(task_id="exec", **arguments))


def stored(runner: Runner, key: str) -> Any:
    assert runner.store is not None
    return runner.store.get(key)


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

    def test_a_clear_opens_another_case(self, blizwork: BlizWorkServer) -> None:
        runner = starting()
        assert (runner.run(), runner.clear()) == (1, 2)

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
        assert stored(runner, KEY) is None

    def test_wrong_connection_leaves_no_intent(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra={"company_id": None})
        runner = starting()
        with pytest.raises(InvalidConnection, match="company_id"):
            runner.run()
        assert stored(runner, KEY) is None

    def test_a_refusal_leaves_no_intent(self, blizwork: BlizWorkServer) -> None:
        runner = starting(workflow_id="nowhere")
        with pytest.raises(NotFound) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert stored(runner, KEY) is None

    def test_throttling_for_good_is_left_to_a_retry(self, blizwork: BlizWorkServer) -> None:
        blizwork.control.command("blizwork", "set_limit", transactions_per_second=0)
        blizwork.connect(extra={"plan": "free"})
        runner = starting()
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner, KEY) is None
        blizwork.control.command("blizwork", "set_limit", transactions_per_second=None)
        assert runner.retry() == 1
        assert blizwork.effects()["opened"] == 1


#: Answers that are lost or no answers, and whether the work was done all the same.
LOST: dict[str, tuple[dict[str, Any], int]] = {
    "reset after": ({"kind": "lost_answer"}, 1),
    "reset before": ({"kind": "reset_before"}, 0),
    "reset unread": ({"kind": "reset_unread"}, 0),
    "cut off": ({"kind": "truncated"}, 1),
    "502 after": ({"kind": "bad_gateway", "effect": True}, 1),
    "502 before": ({"kind": "bad_gateway"}, 0),
    "HTML after": ({"kind": "not_json", "effect": True}, 1),
    "101 after": ({"code": 101, "effect": True}, 1),
    "101 before": ({"code": 101}, 0),
}


def lose(server: BlizWorkServer, endpoint: str, name: str) -> int:
    """Lose the next answer of an endpoint; returns how often the work is done all the same."""
    how, effects = LOST[name]
    if "code" in how:
        server.answer(endpoint, **how)
    else:
        server.fault(endpoint, **how)
    return effects


@pytest.mark.parametrize("name", LOST)
def test_a_lost_init_is_never_followed_by_a_second_case(blizwork: BlizWorkServer, name: str) -> None:
    effects = lose(blizwork, "init", name)
    runner = starting()
    for again in (runner.run, runner.retry, runner.clear):
        with pytest.raises(OutcomeUnknown) as caught:
            again()
        assert isinstance(caught.value, AirflowFailException)
    assert (blizwork.effects()["opened"], blizwork.requests("init")) == (effects, 1)


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
        assert stored(runner, Step.KEY) is None

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
        assert stored(runner, Step.KEY) is None
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
        assert stored(runner, Step.KEY) is None

    def test_what_is_kept_is_small_and_no_data_of_the_form(self, blizwork: BlizWorkServer, case: int) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        kept = stored(runner, Step.KEY)
        assert kept["baseline"] == {"history_length": 1, "pending": "application"}
        assert "Ana" not in str(kept)


class TestExecInDoubt:
    @pytest.fixture
    def case(self, blizwork: BlizWorkServer) -> int:
        return opened("credit")

    @pytest.mark.parametrize("name", [name for name, (_, effects) in LOST.items() if effects])
    def test_a_call_that_worked_is_recognised(self, blizwork: BlizWorkServer, case: int, name: str) -> None:
        lose(blizwork, "exec", name)
        runner = running(case)
        assert runner.run()["form_id"] == "application"
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)
        assert runner.retry() == stored(runner, Step.KEY)["result"]

    @pytest.mark.parametrize("how", ["retry", "clear"])
    @pytest.mark.parametrize("name", [name for name, (_, effects) in LOST.items() if not effects])
    def test_a_call_that_did_not_work_is_made_by_the_next_attempt(
        self, blizwork: BlizWorkServer, case: int, name: str, how: str
    ) -> None:
        lose(blizwork, "exec", name)
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert blizwork.effects()["executed"] == 0
        assert getattr(runner, how)()["history_length"] == 1
        assert blizwork.effects()["executed"] == 1

    @pytest.mark.parametrize("to", ["scoring", "withdrawn"])
    def test_an_effect_that_comes_late_is_recognised_by_the_retry(
        self, blizwork: BlizWorkServer, case: int, to: str
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case, next_form_id=to)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        BlizWorkHook().exec_activity("credit", case, "application", to, FORM)
        before = blizwork.requests("exec")
        runner.retry()
        assert blizwork.requests("exec") == before

    @pytest.mark.parametrize(("to", "code"), [("scoring", 6), ("withdrawn", 5)])
    def test_5_and_6_after_a_lost_answer_are_settled_by_reading_the_case(
        self, blizwork: BlizWorkServer, case: int, to: str, code: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The first call takes effect between the retry's look at the case and its own call."""
        lose(blizwork, "exec", "reset before")
        runner = running(case, next_form_id=to)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.answer("exec", code, effect=True)
        assert runner.retry()["next_form_id"] == to
        assert blizwork.effects()["executed"] == 1
        assert f"code {code}" in capsys.readouterr().out

    def test_5_and_6_that_the_case_does_not_explain_stay_refusals(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.answer("exec", 6)
        with pytest.raises(Rejected, match="already run"):
            runner.retry()
        assert stored(runner, Step.KEY)["baseline"]["history_length"] == 1, "the first call is still in doubt"

    @pytest.mark.parametrize("how", ["another person", "other values"])
    def test_run_by_another_while_ours_was_in_doubt(
        self, blizwork: BlizWorkServer, case: int, how: str
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        if how == "another person":
            blizwork.by_hand("credit", case, "application", "scoring")
        else:
            BlizWorkHook().exec_activity("credit", case, "application", "scoring", {**FORM, "age": 31})
        before = blizwork.requests("exec")
        with pytest.raises(OutcomeUnknown, match=f"neither author nor values .* delete the key '{Step.KEY}'"):
            runner.retry()
        assert blizwork.requests("exec") == before

    def test_the_author_is_the_acting_user(self, blizwork: BlizWorkServer, case: int) -> None:
        lose(blizwork, "exec", "101 after")
        running(case, exec_user_id="analyst@example.com").run()
        assert blizwork.effects()["executed"] == 1

    def test_run_by_another_person_without_values_to_compare(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case, form_data=None)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.by_hand("credit", case, "application", "scoring")
        with pytest.raises(OutcomeUnknown, match="neither author nor values"):
            runner.retry()

    def test_an_earlier_run_of_the_same_activity_is_not_taken_for_it(self, blizwork: BlizWorkServer) -> None:
        """In a loop the same user has run it before: what counts is what came after the baseline."""
        case = opened("loop")
        ran("loop", case, "request", "request")
        lose(blizwork, "exec", "reset before")
        runner = running(case, workflow_id="loop", form_id="request", next_form_id="request", form_data=None)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert runner.retry()["history_length"] == 2
        assert blizwork.effects()["executed"] == 2

    @pytest.mark.parametrize("code", [2, 100, 8])
    def test_a_refusal_of_the_second_call_does_not_settle_the_first(
        self, blizwork: BlizWorkServer, case: int, code: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.answer("exec", code)
        with pytest.raises(WorkflowError):
            runner.retry()
        assert stored(runner, Step.KEY)["baseline"] == {"history_length": 1, "pending": "application"}

    def test_run_by_the_platform_at_its_deadline(self, blizwork: BlizWorkServer) -> None:
        case = opened("hasty")
        lose(blizwork, "exec", "reset before")
        runner = running(
            case, workflow_id="hasty", form_id="request", next_form_id="on-time", form_data={"text": "x"}
        )
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.control.advance(31)
        assert pending("hasty", case) == "late"
        with pytest.raises(OutcomeUnknown, match="neither author nor values"):
            runner.retry()

    def test_a_case_that_cannot_be_read_leaves_the_doubt(self, blizwork: BlizWorkServer, case: int) -> None:
        blizwork.fault("case", "status", status=403, skip=1)
        lose(blizwork, "exec", "reset after")
        runner = running(case)
        with pytest.raises(OutcomeUnknown, match="answer is lost"):
            runner.run()
        assert runner.retry()["form_id"] == "application"
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_killed_between_call_and_memory(
        self, blizwork: BlizWorkServer, case: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = running(case)
        assert runner.store is not None
        write = runner.store.set

        def die(key: str, value: Any, **how: Any) -> None:
            if "result" in value:
                raise KeyboardInterrupt
            write(key, value, **how)

        with monkeypatch.context() as patch:
            patch.setattr(runner.store, "set", die)
            with pytest.raises(KeyboardInterrupt):
                runner.run()
        assert runner.retry()["form_id"] == "application"
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_a_token_that_expires_in_between_is_no_answer_to_the_doubt(
        self, blizwork: BlizWorkServer, case: int
    ) -> None:
        lose(blizwork, "exec", "reset before")
        runner = running(case)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        blizwork.connect(password="expired")
        with pytest.raises(AuthenticationFailed):
            runner.retry()
        assert stored(runner, Step.KEY)["baseline"]


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
