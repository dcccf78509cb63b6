"""Orders opened by callbacks, over a real socket, in a worker and on an event loop alike."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_workflows.core.notifications.notification import PAUSES_AFTER
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InvalidConnection,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    Throttled,
)
from airflow_provider_workflows.omflow.notifications import OMFlowOpenOrderNotifier
from tests.conftest import OMFlowServer
from tests.core.calling import Call, await_it, call_it, failure, missed_deadline
from tests.core.calling import call as call
from tests.core.calling import hasty as hasty

ORDER: dict[str, Any] = {"api_path": "two-step", "form_data": {"FORMITM_1": "help"}}
MARKED: dict[str, Any] = {**ORDER, "run_key_field": "FORMITM_2"}
NOTIFIER = OMFlowOpenOrderNotifier


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="airflow_provider_workflows")
    return caplog


def fields(omflow: OMFlowServer) -> list[dict[str, str]]:
    return [record["fields"] for record in omflow.control.records(omflow.name)]


def requests(omflow: OMFlowServer, endpoint: str) -> int:
    return int(omflow.effects()["requests"].get(endpoint, 0))


class TestItOpens:
    def test_an_order_and_says_which(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        call(NOTIFIER, failure(), **MARKED)
        (order,) = fields(omflow)
        assert order["FORMITM_1"] == "help"
        assert order["FORMITM_2"].startswith("af-loans-pay-")
        (number,) = (record["id"] for record in omflow.control.records(omflow.name))
        assert number.endswith("1")
        about = "an order of two-step, for try 1 of pay in run monday of loans"
        assert f"Asking OMFlow to open {about} (mark {order['FORMITM_2']})" in caplog.messages
        assert f"OMFlow has opened {about.replace(', for', ', id 1, for')}" in caplog.messages

    def test_an_order_with_values_for_its_start(self, omflow: OMFlowServer, call: Call) -> None:
        call(NOTIFIER, failure(), **MARKED, start_input='{"x": "1"}')
        assert omflow.effects()["opened"] == 1

    def test_templates_with_the_callbacks_context(self, omflow: OMFlowServer, call: Call) -> None:
        title = "{{ ti.task_id }} of {{ run_id }}: {{ exception }}"
        call(NOTIFIER, failure(), **{**MARKED, "form_data": {"FORMITM_1": title}})
        assert fields(omflow)[0]["FORMITM_1"] == "pay of monday: no money"

    def test_templates_of_a_deadline(self, omflow: OMFlowServer, call: Call) -> None:
        title = "{{ dag_run.dag_id }}, {{ dag_run.dag_run_id }}, {{ deadline.id }}"
        call(NOTIFIER, missed_deadline(), **{**MARKED, "form_data": {"FORMITM_1": title}})
        assert fields(omflow)[0]["FORMITM_1"] == "loans, monday, d1"

    def test_text_stays_text(self, omflow: OMFlowServer, call: Call) -> None:
        dag = DAG("loans", schedule=None, render_template_as_native_obj=True)
        context = {**failure(), "dag": dag, "number": "0123"}
        call(NOTIFIER, context, **{**MARKED, "form_data": {"FORMITM_1": "{{ number }}"}})
        assert fields(omflow)[0]["FORMITM_1"] == "0123"

    def test_keeps_its_templates_for_the_next_run(self, omflow: OMFlowServer) -> None:
        # The DAG processor calls the object of one parsing for many runs.
        notifier = NOTIFIER(**{**MARKED, "form_data": {"FORMITM_1": "{{ run_id }}"}})
        for run_id in ("monday", "tuesday"):
            notifier(failure(run_id=run_id))
        assert [order["FORMITM_1"] for order in fields(omflow)] == ["monday", "tuesday"]

    def test_leaves_the_context_to_the_other_callbacks(self, omflow: OMFlowServer) -> None:
        context = failure()
        before = dict(context)
        NOTIFIER(**MARKED)(context)
        assert context == before


class TestOnce:
    def test_a_callback_that_runs_twice_opens_one(
        self, omflow: OMFlowServer, call: Call, caplog: Any
    ) -> None:
        call(NOTIFIER, failure(), **MARKED)
        call(NOTIFIER, failure(), **MARKED)
        assert omflow.effects()["opened"] == 1
        assert requests(omflow, "open") == 1
        assert "OMFlow has opened an order of two-step, id 1, for" in caplog.text
        assert "so Airflow sends nothing now" in caplog.text

    def test_a_deadline_that_fires_twice_opens_one(self, omflow: OMFlowServer, call: Call) -> None:
        for _ in range(2):
            call(NOTIFIER, missed_deadline(), **MARKED)
        call(NOTIFIER, missed_deadline("d2"), **MARKED)
        assert omflow.effects()["opened"] == 2

    def test_what_the_templates_become_makes_no_difference(self, omflow: OMFlowServer, call: Call) -> None:
        arguments = {**MARKED, "form_data": {"FORMITM_1": "{{ now }}"}}
        for now in ("12:00", "12:01"):
            call(NOTIFIER, {**failure(), "now": now}, **arguments)
        assert omflow.effects()["opened"] == 1

    def test_the_worker_and_the_triggerer_write_the_same_mark(self, omflow: OMFlowServer) -> None:
        call_it(NOTIFIER, failure(), **MARKED)
        await_it(NOTIFIER, failure(), **MARKED)
        assert omflow.effects()["opened"] == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"context": failure(try_number=2)},
            {"context": failure(map_index=0)},
            {"form_data": {"FORMITM_1": "another"}},
            {"namespace": "other"},
            {"context": {}},
        ],
        ids=["try", "map index", "content", "namespace", "by hand"],
    )
    def test_another_opens_another(self, omflow: OMFlowServer, call: Call, other: dict[str, Any]) -> None:
        call(NOTIFIER, failure(), **MARKED)
        omflow.connect(extra={"namespace": other.get("namespace", "")})
        arguments = {**MARKED, "form_data": other.get("form_data", ORDER["form_data"])}
        call(NOTIFIER, other.get("context", failure()), **arguments)
        assert omflow.effects()["opened"] == 2

    def test_two_that_differ_in_an_amount_are_two(self, omflow: OMFlowServer, call: Call) -> None:
        for amount in (Decimal("100"), Decimal("200"), Decimal("200")):
            call(NOTIFIER, failure(), **{**MARKED, "form_data": {"FORMITM_1": amount}})
        assert omflow.effects()["opened"] == 2

    def test_without_a_key_field_each_call_opens_one(self, omflow: OMFlowServer, call: Call) -> None:
        for _ in range(2):
            call(NOTIFIER, failure(), **ORDER)
        assert omflow.effects()["opened"] == 2
        assert requests(omflow, "list") == 0


@pytest.mark.usefixtures("hasty")
class TestDoubt:
    def test_an_answer_lost_after_the_effect(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        fault = omflow.fault("open", "lost_answer")
        call(NOTIFIER, failure(), **MARKED)
        assert omflow.control.hits(fault) == 1
        assert omflow.effects()["opened"] == requests(omflow, "open") == 1
        assert "The answer was lost, but Airflow found it by its mark" in caplog.text

    def test_a_request_lost_before_the_effect(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        omflow.fault("open", "reset_before")
        with pytest.raises(OutcomeUnknown) as raised:
            call(NOTIFIER, failure(), **MARKED)
        # It may still be under way; that is not for a callback to wait for.
        assert omflow.effects()["opened"] == 0
        assert requests(omflow, "open") == 1
        assert requests(omflow, "list") == 1 + len(PAUSES_AFTER)
        message = raised.value.message
        assert message.startswith(
            "OMFlow may or may not have opened an order of two-step, for try 1 of pay in run monday"
        )
        assert "the vendor does not show it yet\nAirflow will not send it again\n" in message
        assert "\nCheck OMFlow → Apps → two-step for an order opened around 2" in message
        assert "in the field FORMITM_2\n" in message
        assert "with the mark 'af-loans-pay-" in message
        assert "".join(message.split()) in "".join("".join(caplog.messages).split())

    def test_it_was_sent_and_the_next_run_of_the_callback_finds_it(
        self, omflow: OMFlowServer, call: Call, caplog: Any
    ) -> None:
        omflow.fault("open", "lost_answer")
        omflow.fault("list", "status", status=404, skip=1, times=len(PAUSES_AFTER))
        with pytest.raises(OutcomeUnknown):
            call(NOTIFIER, failure(), **MARKED)
        omflow.control.clear_faults()
        call(NOTIFIER, failure(), **MARKED)
        assert omflow.effects()["opened"] == 1
        assert "sends nothing now" in caplog.text

    def test_without_a_key_field_it_cannot_be_asked(self, omflow: OMFlowServer, call: Call) -> None:
        omflow.fault("open", "lost_answer")
        with pytest.raises(
            OutcomeUnknown, match="OMFlow can search for an order only by a run_key_field"
        ) as raised:
            call(NOTIFIER, failure(), **ORDER)
        assert omflow.effects()["opened"] == 1
        assert "with the mark" not in raised.value.message

    def test_a_process_that_gives_no_number(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        # Its start component validates, and OMFlow does not tell that it refuses.
        with pytest.raises(OutcomeUnknown, match="OMFlow lists no order with the mark"):
            call(NOTIFIER, failure(), **{**MARKED, "api_path": "rejected"})
        assert omflow.effects()["opened"] == 0

    def test_several_with_the_mark(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        call(NOTIFIER, failure(), **MARKED)
        (order,) = fields(omflow)
        call(
            NOTIFIER,
            {},
            api_path="two-step",
            form_data={"FORMITM_1": "by hand", "FORMITM_2": order["FORMITM_2"]},
        )
        with pytest.raises(Rejected, match=r"OMFlow has not opened .*\nSeveral orders of two-step have"):
            call(NOTIFIER, failure(), **MARKED)
        assert omflow.effects()["opened"] == 2


class TestNotSent:
    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ({"api_path": ""}, "api_path"),
            ({"form_data": {"title": "x"}}, "'title' is not a form field"),
            ({"form_data": {"FORMITM_1": None}}, "FORMITM_1"),
            ({"run_key_field": "FORMITM_1"}, "form_data must not have the run_key_field FORMITM_1"),
            ({"run_key_field": "key"}, "'key' is not a form field"),
            ({"start_input": "{"}, "start_input"),
        ],
        ids=str,
    )
    def test_wrong_input_is_named(
        self, omflow: OMFlowServer, call: Call, wrong: dict[str, Any], named: str, caplog: Any
    ) -> None:
        with pytest.raises(InvalidInput, match=named) as raised:
            call(NOTIFIER, failure(), **{**MARKED, **wrong})
        assert raised.value.message.startswith("OMFlowOpenOrderNotifier has sent nothing\n")
        assert "".join(str(raised.value).split()) in "".join("".join(caplog.messages).split())
        assert omflow.effects()["requests"] == {}

    def test_a_template_that_fails(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        with pytest.raises(Exception, match="'missing' is undefined"):
            call(NOTIFIER, failure(), **{**MARKED, "form_data": {"FORMITM_1": "{{ missing.value }}"}})
        said = "form_data was given, but came to nothing: an expression in its template is undefined: "
        assert f"{said}'missing' is undefined" in caplog.messages
        assert omflow.effects()["requests"] == {}

    def test_a_connection_that_is_missing(self, omflow: OMFlowServer, call: Call, caplog: Any) -> None:
        with pytest.raises(Exception, match="nowhere"):
            call(NOTIFIER, failure(), **MARKED, omflow_conn_id="nowhere")
        assert "AirflowNotFoundException: " in caplog.text

    def test_a_connection_that_is_wrong(self, omflow: OMFlowServer, call: Call) -> None:
        omflow.connect(login="")
        with pytest.raises(
            InvalidConnection, match=r"OMFlowOpenOrderNotifier has sent nothing\nConnection 'omflow_d"
        ):
            call(NOTIFIER, failure(), **MARKED)

    def test_a_password_that_is_wrong_is_in_no_message(
        self, omflow: OMFlowServer, call: Call, caplog: Any
    ) -> None:
        omflow.connect(password="not-the-password")
        with pytest.raises(
            AuthenticationFailed, match="OMFlow has not opened an order of two-step"
        ) as raised:
            call(NOTIFIER, failure(), **MARKED)
        assert "not-the-password" not in str(raised.value) + caplog.text
        assert omflow.effects()["opened"] == 0

    def test_what_the_vendor_refuses(self, omflow: OMFlowServer, call: Call) -> None:
        form = {"FORMITM_1": "x", "FORMITM_4": "letters"}
        with pytest.raises(Rejected, match="OMFlow has not opened an order of simple"):
            call(NOTIFIER, failure(), api_path="simple", form_data=form, run_key_field="FORMITM_2")
        assert omflow.effects()["opened"] == 0

    def test_a_vendor_that_cannot_be_asked_is_sent_nothing(self, omflow: OMFlowServer, call: Call) -> None:
        omflow.fault("list", "unavailable", retry_after=20)
        with pytest.raises(ServiceUnavailable, match="OMFlow has not opened an order of two-step"):
            call(NOTIFIER, failure(), **MARKED)
        assert requests(omflow, "open") == 0

    def test_a_vendor_that_is_down(self, omflow: OMFlowServer, call: Call, unused_port: int) -> None:
        omflow.connect(host=f"http://127.0.0.1:{unused_port}")
        with pytest.raises(ConnectionFailed, match="OMFlow has not opened an order of two-step"):
            call(NOTIFIER, failure(), **MARKED)

    def test_a_refusal_for_the_moment_is_repeated(self, omflow: OMFlowServer, call: Call) -> None:
        fault = omflow.fault("open", "throttled", retry_after=0)
        call(NOTIFIER, failure(), **MARKED)
        assert omflow.control.hits(fault) == 1
        assert omflow.effects()["opened"] == 1

    def test_a_refusal_for_longer_than_a_callback_lasts(self, omflow: OMFlowServer, call: Call) -> None:
        omflow.fault("open", "throttled", retry_after=20)
        with pytest.raises(Throttled, match="OMFlow has not opened an order of two-step"):
            call(NOTIFIER, failure(), **MARKED)
        assert requests(omflow, "open") == 1

    def test_an_answer_is_not_awaited_for_longer_than_a_callback_lasts(self, omflow: OMFlowServer) -> None:
        omflow.connect(extra={"timeout": 600})
        assert NOTIFIER(**MARKED).hook.timeout == 8
        omflow.connect(extra={"timeout": 2})
        assert NOTIFIER(**MARKED).hook.timeout == 2
