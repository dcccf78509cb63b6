"""Mails sent by callbacks, over a real socket, in a worker and on an event loop alike."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.answer import ResultCode
from airflow_provider_workflows.blizwork.notifications import BlizWorkSendNotificationNotifier
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    Throttled,
)
from tests.blizwork.conftest import TOKEN, BlizWorkServer
from tests.core.calling import Call, failure, missed_deadline
from tests.core.calling import call as call

NOTIFIER = BlizWorkSendNotificationNotifier
MAIL: dict[str, Any] = {
    "template": "incident",
    "to": ["ana@example.com", "bo@example.com"],
    "params": {"p1": "{{ ti.task_id }}"},
}
ABOUT = "a mail from template incident, for try 1 of pay in run monday of loans"


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="airflow_provider_workflows")
    return caplog


def test_a_mail_is_sent(blizwork: BlizWorkServer, call: Call, caplog: Any) -> None:
    call(NOTIFIER, failure(), **MAIL)
    assert blizwork.effects()["notified"] == blizwork.requests("notify") == 1
    (record,) = blizwork.control.records("blizwork")
    assert record["fields"] == {"template": "incident", "recipients": "2"}
    assert [text for text in caplog.messages if ABOUT in text] == [
        f"Asking BlizWork to send {ABOUT}",
        f"BlizWork has sent {ABOUT}",
    ]
    # Neither whom it went to nor what it says is anybody's business.
    assert "example.com" not in caplog.text


def test_of_a_deadline(blizwork: BlizWorkServer, call: Call, caplog: Any) -> None:
    call(NOTIFIER, missed_deadline(), **{**MAIL, "params": '{"p1": "{{ deadline.id }}"}'})
    assert blizwork.effects()["notified"] == 1
    assert "for the deadline of run monday of loans" in caplog.text


@pytest.mark.parametrize(("kind", "sent"), [("lost_answer", 1), ("reset_before", 0), ("bad_gateway", 0)])
def test_a_lost_answer_is_a_doubt_and_no_second_mail(
    blizwork: BlizWorkServer, call: Call, kind: str, sent: int
) -> None:
    fault = blizwork.fault("notify", kind)
    with pytest.raises(OutcomeUnknown) as raised:
        call(NOTIFIER, failure(), **MAIL)
    assert blizwork.control.hits(fault) == blizwork.requests("notify") == 1
    assert blizwork.effects()["notified"] == sent
    message = raised.value.message
    assert message.startswith(f"BlizWork may or may not have sent {ABOUT}\n")
    assert "BlizWork does not list the mails that it has sent\nAirflow will not send it again\n" in message
    assert "Check with the recipients for a mail from template 'incident' sent around 2" in message
    assert TOKEN not in str(raised.value)


def test_code_101_is_a_doubt(blizwork: BlizWorkServer, call: Call) -> None:
    blizwork.answer("notify", ResultCode.UNEXPECTED)
    with pytest.raises(OutcomeUnknown, match="may or may not have sent"):
        call(NOTIFIER, failure(), **MAIL)
    assert blizwork.requests("notify") == 1


def test_code_200_was_not_carried_out_and_is_sent_again(blizwork: BlizWorkServer, call: Call) -> None:
    blizwork.answer("notify", ResultCode.LIMIT_EXCEEDED)
    call(NOTIFIER, failure(), **MAIL)
    assert (blizwork.effects()["notified"], blizwork.requests("notify")) == (1, 2)


def test_code_200_for_good(blizwork: BlizWorkServer, call: Call) -> None:
    blizwork.answer("notify", ResultCode.LIMIT_EXCEEDED, times=4)
    with pytest.raises(Throttled, match=f"BlizWork has not sent {ABOUT}"):
        call(NOTIFIER, failure(), **MAIL)
    assert (blizwork.effects()["notified"], blizwork.requests("notify")) == (0, 4)


def test_a_token_that_is_wrong_is_in_no_message(blizwork: BlizWorkServer, call: Call, caplog: Any) -> None:
    blizwork.connect(password="another-token")
    with pytest.raises(AuthenticationFailed, match=f"BlizWork has not sent {ABOUT}") as raised:
        call(NOTIFIER, failure(), **MAIL)
    assert "another-token" not in str(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"template": ""}, "template"),
        ({"template": "{{ none }}"}, "template"),
        ({"to": ""}, "to must be a non-empty string"),
        ({"to": ["a@x.y", None]}, "to must be a non-empty string"),
        ({"params": "p1"}, "params"),
    ],
    ids=str,
)
def test_wrong_input_is_named(
    blizwork: BlizWorkServer, call: Call, wrong: dict[str, Any], named: str, caplog: Any
) -> None:
    with pytest.raises(InvalidInput, match=named) as raised:
        call(NOTIFIER, failure(), **{**MAIL, **wrong})
    assert raised.value.message.startswith("BlizWorkSendNotificationNotifier has sent nothing\n")
    assert "".join(str(raised.value).split()) in "".join("".join(caplog.messages).split())
    assert blizwork.effects()["requests"] == {}


def test_what_blizwork_refuses(blizwork: BlizWorkServer, call: Call) -> None:
    with pytest.raises(Rejected, match=f"BlizWork has not sent {ABOUT}"):
        call(NOTIFIER, failure(), **{**MAIL, "to": "nobody"})
    assert blizwork.effects()["notified"] == 0


def test_a_callback_that_runs_twice_sends_two(blizwork: BlizWorkServer, call: Call) -> None:
    # The documented limit: nothing tells the second run of the first.
    for _ in range(2):
        call(NOTIFIER, failure(), **MAIL)
    assert blizwork.effects()["notified"] == 2
