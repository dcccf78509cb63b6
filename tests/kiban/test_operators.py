"""Kiban's operators against the sandbox: what they return, and what really happened at the vendor."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    NotFound,
    Rejected,
    RunFailed,
    RunTimedOut,
    TemporaryError,
    Throttled,
)
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner
from tests.kiban.running import answering, starting, stored
from tests.kiban.server import (
    FAILING,
    FORM,
    ONBOARDING,
    ONBOARDING_SCENARIO,
    PDF,
    TWO_FORMS,
    KibanServer,
)


class TestStart:
    def test_returns_the_executions_id(self, kiban: KibanServer) -> None:
        runner = starting()
        result = runner.run()
        assert set(result) == {"id", "status", "labels", "fields"}
        assert (result["status"], result["labels"], result["fields"]) == (None, None, None)
        assert kiban.record(result["id"])["state"] == "running"
        assert runner.ti.xcoms == {"remote": {"vendor": "Kiban Workfloo", "id": result["id"]}}
        assert kiban.effects()["started"] == 1

    def test_everything_that_a_start_takes(self, kiban: KibanServer, tmp_path: Path) -> None:
        path = tmp_path / "identity.pdf"
        path.write_bytes(b"%PDF-1.4 identity")
        result = starting(
            workfloo_id=ONBOARDING,
            scenario_id=ONBOARDING_SCENARIO,
            form='{"first_name": "Ana"}',
            document={"statements": [{"file": PDF}]},
            document_files={"identity": path},
            callback_url="https://x.example/cb",
        ).run()
        kiban.control.advance(10)
        assert kiban.record(result["id"])["standing"] == ["Bureau"], "form and documents are answered"
        nodes = KibanHook().detail(result["id"])["nodes"]
        content = KibanHook().file(result["id"], node_id=nodes[1]["id"], name="identity")
        assert content == b"%PDF-1.4 identity"

    def test_a_retry_goes_on_with_the_same_execution(self, kiban: KibanServer) -> None:
        runner = starting()
        assert runner.run() == runner.retry()
        assert (kiban.effects()["started"], kiban.requests("start")) == (1, 1)

    def test_a_clear_starts_another_once_the_first_has_ended(self, kiban: KibanServer) -> None:
        runner = starting()
        first = runner.run()["id"]
        assert runner.clear()["id"] == first
        kiban.command("cancel", execution_id=first)
        assert runner.clear()["id"] != first
        assert kiban.effects()["started"] == 2

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ({"workfloo_id": ""}, "workfloo_id"),
            ({"workfloo_id": "None"}, "workfloo_id"),
            ({"scenario_id": "None"}, "scenario_id"),
            ({"form": "no JSON"}, "form"),
            ({"form": ["a"]}, "form"),
            ({"document": {"d": "no base64!"}}, "document d"),
            ({"document_files": {"d": "/no/such/file.pdf"}}, "/no/such/file.pdf"),
            ({"document_files": ["/no/such/file.pdf"]}, "document_files"),
            (
                {"document": {"d": PDF}, "document_files": {"d": "x"}},
                "document and document_files both contain d",
            ),
            ({"callback_url": "x.example"}, "callback_url"),
            ({"result_fields": "nodes.x"}, "result_fields"),
            ({"run_key_field": ""}, "run_key_field"),
            ({"run_key_field": "None"}, "run_key_field"),
            ({"run_key_field": "first_name", "form": FORM}, "must not have the run_key_field 'first_name'"),
            ({"run_key_field": "a", "form": '{"a": null}'}, "must not have the run_key_field 'a'"),
            ({"on_lost_answer": "ignore"}, "on_lost_answer"),
            ({"on_failed_run": "ignore"}, "on_failed_run"),
            ({"on_clear": "ignore"}, "on_clear"),
        ],
        ids=str,
    )
    def test_wrong_input_sends_nothing_and_leaves_no_intent(
        self, kiban: KibanServer, wrong: dict[str, Any], named: str
    ) -> None:
        runner = starting(**wrong)
        with pytest.raises(InvalidInput, match=named):
            runner.run()
        assert kiban.effects()["requests"] == {}
        assert stored(runner) is None

    def test_a_scenario_is_kept_from_production(self, kiban: KibanServer) -> None:
        kiban.connect(extra={"environment": "production"})
        runner = starting(scenario_id=ONBOARDING_SCENARIO)
        with pytest.raises(InvalidInput, match="scenario_id"):
            runner.run()
        assert (kiban.effects()["requests"], stored(runner)) == ({}, None)

    @pytest.mark.parametrize(
        ("connection", "arguments", "kind"),
        [
            ({"password": "Bearer x"}, {}, InvalidConnection),
            ({"password": "wrong"}, {}, AuthenticationFailed),
            ({}, {"workfloo_id": "f" * 24}, NotFound),
            ({}, {"form": {"last_name": "x"}}, Rejected),
            ({}, {"workfloo_id": ONBOARDING}, Rejected),
        ],
        ids=["Bearer", "wrong key", "unknown definition", "missing field", "missing scenario"],
    )
    def test_a_refusal_stops_the_task_and_leaves_no_intent(
        self, kiban: KibanServer, connection: Any, arguments: Any, kind: Any
    ) -> None:
        kiban.connect(**connection)
        runner = starting(**arguments)
        with pytest.raises(kind) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert (kiban.effects()["started"], stored(runner)) == (0, None)

    def test_a_request_to_slow_down_is_left_to_a_retry(self, kiban: KibanServer) -> None:
        kiban.fault("start", "throttled", retry_after=60)
        runner = starting()
        with pytest.raises(Throttled):
            runner.run()
        runner.retry()
        assert kiban.effects()["started"] == 1

    def test_what_is_kept_is_readable_and_no_secret(self, kiban: KibanServer) -> None:
        runner = starting(form=FORM)
        result = runner.run()
        kept = stored(runner)
        assert set(kept) == {
            "format",
            "subject",
            "mark",
            "payload",
            "target",
            "intended_at",
            "id",
            "seal",
            "accepted_at",
            "generation",
        }
        assert kept["id"] == result["id"]
        assert "Torres" not in str(kept)


HOW = pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])


class TestStartAndWait:
    """``wait_for_completion`` returns the same, here and in the triggerer."""

    def runner(self, clock: Clock, deferrable: bool, **arguments: Any) -> Runner:
        arguments = {"timeout": 300, "poke_interval": 20, **arguments}
        return starting(clock, wait_for_completion=True, deferrable=deferrable, **arguments)

    @HOW
    def test_returns_status_labels_and_fields(
        self, kiban: KibanServer, clock: Clock, deferrable: bool
    ) -> None:
        clock.after(30, lambda: self.answer_all(kiban))
        runner = self.runner(clock, deferrable, result_fields=["nodes.Decision.ruleset.exit"])
        result = runner.run()
        assert result == {
            "id": result["id"],
            "status": "SUCCESS",
            "labels": ["low risk", "accepted"],
            "fields": {"nodes.Decision.ruleset.exit": "accepted"},
        }
        assert kiban.record(result["id"])["state"] == "finished"
        assert bool(runner.triggers) is deferrable

    @HOW
    def test_initial_answers_let_it_run_to_its_end(
        self, kiban: KibanServer, clock: Clock, deferrable: bool
    ) -> None:
        assert self.runner(clock, deferrable, form=FORM).run()["status"] == "SUCCESS"

    @HOW
    def test_fails_when_the_execution_fails(self, kiban: KibanServer, clock: Clock, deferrable: bool) -> None:
        runner = self.runner(clock, deferrable, workfloo_id=FAILING, form={"a": "x"})
        with pytest.raises(RunFailed, match="ended with ERROR"):
            runner.run()

    @HOW
    def test_times_out_for_good(self, kiban: KibanServer, clock: Clock, deferrable: bool) -> None:
        with pytest.raises(RunTimedOut, match="waits for its form") as caught:
            self.runner(clock, deferrable).run()
        assert isinstance(caught.value, AirflowFailException)

    @HOW
    def test_a_retry_waits_for_the_same_execution(
        self, kiban: KibanServer, clock: Clock, deferrable: bool
    ) -> None:
        runner = self.runner(clock, deferrable, tolerance=50, timeout=900)
        clock.after(20, lambda: kiban.fault("status", "throttled", times=9, retry_after=45))
        with pytest.raises(TemporaryError):
            runner.run()
        kiban.control.clear_faults()
        self.answer_all(kiban)
        assert runner.retry()["status"] == "SUCCESS"
        assert kiban.effects()["started"] == 1

    def answer_all(self, kiban: KibanServer) -> None:
        for one in kiban.control.records("kiban"):
            kiban.answer(one["id"], settle=0, values=FORM)


class TestAnswer:
    def test_a_form(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id)
        result = runner.run()
        assert {name: result[name] for name in ("id", "answered", "node_name", "node_type")} == {
            "id": execution_id,
            "answered": "form",
            "node_name": "Applicant",
            "node_type": "FORM",
        }
        assert set(result) == {"id", "answered", "node_name", "node_id", "node_type", "phase", "state"}
        assert runner.ti.xcoms == {"remote": {"vendor": "Kiban Workfloo", "id": execution_id}}
        assert kiban.effects()["answered"] == 1
        assert kiban.record(execution_id)["fields"]["rfc"] == "TOAA900101AB1"

    def test_documents_correction_and_review(self, kiban: KibanServer, tmp_path: Path) -> None:
        execution_id = kiban.start(ONBOARDING, scenario_id=ONBOARDING_SCENARIO)
        kiban.answer(execution_id)
        path = tmp_path / "identity.pdf"
        path.write_bytes(b"%PDF")
        documents = answering(execution_id, document_files={"identity": str(path)}, node="Papers").run()
        assert (documents["answered"], documents["node_type"]) == ("document", "DOCUMENT")
        kiban.control.advance(5)
        kiban.answer(execution_id, times=3)
        reviews = [{"fieldId": "first_name", "message": "blurred"}]
        reviewed = answering(execution_id, review={"decision": "REJECTED", "reviews": reviews}).run()
        assert (reviewed["answered"], reviewed["state"]) == ("review", "REVIEW")
        corrected = answering(execution_id, correction='{"first_name": "Ann"}').run()
        assert (corrected["answered"], corrected["state"]) == ("correction", "CORRECTION")
        answering(execution_id, review={"decision": "APPROVED"}).run()
        kiban.control.advance(5)
        assert kiban.record(execution_id)["standing"] == ["Pause"]
        assert kiban.record(execution_id)["fields"]["first_name"] == "Ann"

    def test_it_ends_when_the_status_no_longer_shows_the_step(
        self, kiban: KibanServer, capfd: pytest.CaptureFixture[str]
    ) -> None:
        execution_id = kiban.start()
        result = answering(execution_id, settle=30).run()
        step = KibanHook().status(execution_id).step
        assert step is None or step.node_id != result["node_id"]
        assert "is still at the step" not in capfd.readouterr().out

    def test_a_status_that_lags_for_long_is_only_warned_of(
        self, kiban: KibanServer, capfd: pytest.CaptureFixture[str]
    ) -> None:
        execution_id = kiban.start()
        result = answering(execution_id, settle=0).run()
        assert result["answered"] == "form"
        assert "is still at the step" in capfd.readouterr().out

    def test_a_status_that_cannot_be_read_after_the_answer_is_only_warned_of(
        self, kiban: KibanServer, capfd: pytest.CaptureFixture[str]
    ) -> None:
        execution_id = kiban.start()
        kiban.fault("status", "throttled", skip=1, times=9, retry_after=99)
        assert answering(execution_id).run()["answered"] == "form"
        assert "is unknown. Check it in Kiban" in capfd.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (
                {"document": {"d": PDF}},
                r"does not wait for a document now, so nothing was sent\n.*'Applicant' \(FORM\)",
            ),
            ({"review": {"decision": "APPROVED"}}, "does not wait for a review"),
            ({"form": FORM, "node": "Spouse"}, "FORM 'Spouse'"),
        ],
        ids=["another type", "another state", "another node"],
    )
    def test_another_step_is_pending(self, kiban: KibanServer, arguments: Any, says: str) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, **arguments)
        with pytest.raises(Rejected, match=says):
            runner.run()
        assert (kiban.effects()["answered"], stored(runner)) == (0, None)
        assert set(kiban.effects()["requests"]) == {"start", "status"}

    def test_an_execution_that_has_ended(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        kiban.command("cancel", execution_id=execution_id)
        with pytest.raises(
            Rejected, match="does not wait for a form now, so nothing was sent\nIts status is ABANDONED"
        ):
            answering(execution_id).run()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"form": FORM, "review": {"decision": "A"}},
            {"form": "no JSON"},
            {"document": {"d": "no base64!"}},
            {"document_files": {"d": "/no/such/file.pdf"}},
            {"review": {}},
            {"node": "Applicant"},
        ],
        ids=str,
    )
    def test_wrong_input_sends_nothing(self, kiban: KibanServer, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            answering("e1", **wrong).run()
        assert kiban.effects()["requests"] == {}

    @pytest.mark.parametrize("wrong", ["", "None"])
    def test_wrong_execution(self, kiban: KibanServer, wrong: str) -> None:
        with pytest.raises(InvalidInput, match="execution_id"):
            answering(wrong).run()

    @pytest.mark.parametrize(
        ("form", "says"),
        [
            ({**FORM, "last_name": ""}, "requires last_name"),
            ({**FORM, "lastname": "x"}, "no lastname"),
        ],
        ids=["missing", "misspelt"],
    )
    def test_values_that_the_step_does_not_ask_for(
        self, kiban: KibanServer, form: dict[str, Any], says: str
    ) -> None:
        execution_id = kiban.start()
        with pytest.raises(InvalidInput, match=says):
            answering(execution_id, form=form).run()
        assert kiban.requests("form") == 0

    def test_refused_values_leave_no_intent_and_are_not_quoted(self, kiban: KibanServer) -> None:
        execution_id = kiban.start()
        runner = answering(execution_id, form={**FORM, "rfc": "NONSENSE-RFC"})
        with pytest.raises(Rejected, match="rfc: FORMAT_ERROR") as caught:
            runner.run()
        assert "NONSENSE" not in str(caught.value)
        assert stored(runner) is None
        answering(execution_id).run()

    def test_a_retry_after_success_sends_nothing(self, kiban: KibanServer) -> None:
        execution_id = kiban.start(TWO_FORMS)
        runner = answering(execution_id, form={"a": "x"})
        result = runner.run()
        kiban.control.advance(5)
        assert kiban.record(execution_id)["standing"] == ["Second"]
        before = kiban.effects()
        assert runner.retry() == result
        assert kiban.effects() == before, "the next form is not answered with these values"

    def test_a_clear_answers_what_is_pending_then(self, kiban: KibanServer) -> None:
        execution_id = kiban.start(TWO_FORMS)
        runner = answering(execution_id, form={"a": "x"})
        assert runner.run()["node_name"] == "First"
        kiban.control.advance(5)
        assert runner.clear()["node_name"] == "Second"


@pytest.mark.parametrize("operator", [KibanStartWorkflooOperator, KibanAnswerStepOperator])
def test_all_inputs_are_templates(operator: type[BaseOperator]) -> None:
    own = set(inspect.signature(operator).parameters) - {"kwargs"}
    assert own == set(operator.template_fields)
    assert set(operator.template_fields_renderers) <= set(operator.template_fields)


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
def test_text_stays_text_in_templates(native: bool) -> None:
    with DAG("dag", schedule=None, render_template_as_native_obj=native):
        task = KibanAnswerStepOperator(
            task_id="answer", execution_id="{{ eid }}", form={"rfc": "{{ rfc }}"}, node="{{ rfc }}"
        )
    context: Any = {"eid": "012", "rfc": "0123"}
    task.render_template_fields(context)
    assert (task.execution_id, task.form, task.node) == ("012", {"rfc": "0123"}, "0123")
