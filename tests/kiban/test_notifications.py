"""Executions started by callbacks, over a real socket, in a worker and on an event loop alike."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, NotFound, OutcomeUnknown
from airflow_provider_workflows.kiban.notifications import KibanStartWorkflooNotifier
from tests.core.calling import Call, failure, missed_deadline
from tests.core.calling import call as call
from tests.core.calling import hasty as hasty
from tests.kiban.server import FORM, LOAN, TWO_FORMS, KibanServer

NOTIFIER = KibanStartWorkflooNotifier
PLAIN: dict[str, Any] = {"workfloo_id": LOAN, "form": FORM}
MARKED: dict[str, Any] = {**PLAIN, "run_key_field": "airflow_key"}
ABOUT = f"an execution of workfloo {LOAN}, for try 1 of pay in run monday of loans"


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture, new_process: None) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="airflow_provider_workflows")
    return caplog


def test_an_execution_is_started(kiban: KibanServer, call: Call, caplog: Any) -> None:
    call(NOTIFIER, failure(), **MARKED)
    kiban.control.advance(5)
    (record,) = kiban.control.records("kiban")
    assert kiban.effects()["started"] == 1
    assert f"Kiban has started {ABOUT}".replace(", for", f", id {record['id']}, for") in caplog.messages
    assert any(value.startswith("af-loans-pay-") for value in record["fields"].values())


def test_of_a_deadline_with_templates(kiban: KibanServer, call: Call) -> None:
    form = {**FORM, "first_name": "{{ dag_run.dag_id }}"}
    call(NOTIFIER, missed_deadline(), **{**MARKED, "form": form})
    kiban.control.advance(5)
    (record,) = kiban.control.records("kiban")
    assert "loans" in record["fields"].values()


@pytest.mark.usefixtures("hasty")
def test_a_callback_that_runs_twice_starts_one(kiban: KibanServer, call: Call, caplog: Any) -> None:
    call(NOTIFIER, failure(), **MARKED)
    kiban.control.advance(5)  # until the form is shown
    call(NOTIFIER, failure(), **MARKED)
    assert kiban.effects()["started"] == 1
    assert "sends nothing now" in caplog.text


def test_a_form_that_is_not_shown_yet_is_waited_for(kiban: KibanServer, call: Call) -> None:
    call(NOTIFIER, failure(), **MARKED)
    call(NOTIFIER, failure(), **MARKED)
    assert kiban.effects()["started"] == 1


@pytest.mark.usefixtures("hasty")
def test_what_others_have_started_holds_nobody_up(kiban: KibanServer, call: Call, caplog: Any) -> None:
    # Nothing tells whether the forms of other workfloos would show the field.
    kiban.start(TWO_FORMS)
    call(NOTIFIER, failure(), **MARKED)
    assert kiban.effects()["started"] == 2
    assert "Airflow cannot find out whether an earlier run of this callback sent it" in caplog.text


def test_an_answer_lost_after_the_effect(kiban: KibanServer, call: Call, caplog: Any) -> None:
    fault = kiban.fault("start", "lost_answer")
    call(NOTIFIER, failure(), **MARKED)
    assert kiban.control.hits(fault) == 1
    assert kiban.effects()["started"] == kiban.requests("start") == 1
    assert "The answer was lost, but Airflow found it by its mark" in caplog.text


@pytest.mark.usefixtures("hasty")
def test_a_request_lost_before_the_effect(kiban: KibanServer, call: Call) -> None:
    kiban.fault("start", "reset_before")
    with pytest.raises(OutcomeUnknown) as raised:
        call(NOTIFIER, failure(), **MARKED)
    assert (kiban.effects()["started"], kiban.requests("start")) == (0, 1)
    message = raised.value.message
    assert message.startswith(f"Kiban may or may not have started {ABOUT}\n")
    assert (
        "the vendor does not show it yet\nAirflow will not send it again\nCheck Kiban's history for"
        in message
    )
    assert "in the form field 'airflow_key'\n" in message


@pytest.mark.parametrize(("kind", "started"), [("lost_answer", 1), ("reset_before", 0)])
def test_without_a_key_field_it_stays_a_doubt(
    kiban: KibanServer, call: Call, kind: str, started: int
) -> None:
    kiban.fault("start", kind)
    with pytest.raises(OutcomeUnknown, match="may or may not have started"):
        call(NOTIFIER, failure(), **PLAIN)
    assert (kiban.effects()["started"], kiban.requests("start")) == (started, 1)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"workfloo_id": ""}, "workfloo_id"),
        ({"form": "["}, "form"),
        ({"run_key_field": ""}, "run_key_field"),
        ({"run_key_field": "first_name"}, "must not have the run_key_field 'first_name'"),
    ],
    ids=str,
)
def test_wrong_input_is_named(
    kiban: KibanServer, call: Call, wrong: dict[str, Any], named: str, caplog: Any
) -> None:
    with pytest.raises(InvalidInput, match=named) as raised:
        call(NOTIFIER, failure(), **{**MARKED, **wrong})
    assert raised.value.message.startswith("KibanStartWorkflooNotifier has sent nothing\n")
    assert "".join(str(raised.value).split()) in "".join("".join(caplog.messages).split())
    assert kiban.effects()["requests"] == {}


def test_what_kiban_refuses(kiban: KibanServer, call: Call) -> None:
    with pytest.raises(NotFound, match="Kiban has not started an execution of workfloo"):
        call(NOTIFIER, failure(), **{**PLAIN, "scenario_id": "no scenario"})
    assert kiban.effects()["started"] == 0
