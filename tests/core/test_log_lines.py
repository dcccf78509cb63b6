"""What a person on night shift reads in a task's log: what happened, to which remote id, and what follows."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from airflow_provider_workflows.exceptions import AuthenticationFailed, OutcomeUnknown, WorkflowError
from tests.conftest import OMFlowServer
from tests.core.harness import Clock
from tests.core.test_metrics import sensor
from tests.omflow.orders import open_order, opening

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"
OURS = "airflow_provider_workflows"


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=OURS)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the package's lines so far, marks left out, and forget them."""
    found = [re.sub(r"af-[\w-]+", "af-…", one.message) for one in caplog.records if one.name.startswith(OURS)]
    caplog.clear()
    return found


def test_a_retry_says_what_it_goes_on_with(omflow: OMFlowServer, caplog: pytest.LogCaptureFixture) -> None:
    runner = opening()
    runner.run()
    assert lines(caplog) == [
        "Asking OMFlow to open an order of purchase (mark af-…)",
        "OMFlow has opened an order of purchase, id 1",
    ]
    runner.retry()
    assert lines(caplog) == [
        "OMFlow has already opened an order of purchase, id 1: continuing with it",
        "Airflow sends nothing",
        "To send the request again, delete the record 'workflow_submission' from this task's state store and "
        "clear the task",
    ]


def test_a_login_that_fails_is_no_request(omflow: OMFlowServer, caplog: pytest.LogCaptureFixture) -> None:
    omflow.connect(password="not it")
    with pytest.raises(AuthenticationFailed):
        opening().run()
    assert lines(caplog) == []


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("lost_answer", "Found after the answer was lost: OMFlow has opened an order of purchase, id 1"),
        ("reset_before", "Asking OMFlow again to open an order of purchase: the request did not arrive"),
    ],
)
def test_a_lost_answer_says_what_became_of_it(
    omflow: OMFlowServer, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str, ending: str
) -> None:
    omflow.fault("open", fault)
    opening(clock, run_key_field="FORMITM_3").run()
    _, lost, error, checking, found, *_ = lines(caplog)
    assert lost == "OMFlow may or may not have opened an order of purchase"
    assert error.startswith("The request was sent, but no answer arrived (")
    assert checking == "Checking with OMFlow before anything else is sent"
    assert found == ending


def test_a_doubt_says_where_to_look(omflow: OMFlowServer, clock: Clock) -> None:
    omflow.fault("open", "lost_answer")
    with pytest.raises(OutcomeUnknown) as caught:
        opening(clock).run()
    said = str(caught.value)
    assert said.startswith("OMFlow may or may not have opened an order of purchase: the request was sent")
    assert "\nAirflow will not send it again\nCheck OMFlow → Apps → purchase for an order opened" in said


def test_a_silent_vendor_is_told_with_since_when_and_what_follows(
    omflow: OMFlowServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    open_order(omflow, "two-step")
    omflow.fault("list", "throttled", times=9999, retry_after=99)
    with pytest.raises(WorkflowError, match="Lost track of the end of OMFlow order two-step/1"):
        sensor(clock, deferrable=False, tolerance=300).run()
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    silence = (
        rf"No answer about the end of OMFlow order two-step/1 since {date}\. Next check at {date}\. "
        r"Last failure: "
    )
    assert [line for line in lines(caplog) if re.match(silence, line)]


@pytest.mark.parametrize(
    "words",
    [
        "Asking OMFlow to open an order of purchase (mark",
        "OMFlow has opened an order of purchase, id 7",
        "OMFlow has already opened an order of purchase, id 7: continuing with it",
        "OMFlow may or may not have opened an order of purchase",
        "Checking with OMFlow before anything else is sent",
        "Found after the answer was lost: OMFlow has opened an order of purchase, id 7",
        "Asking OMFlow again to open an order of purchase: the request did not arrive",
        "Airflow will not send it again",
        "Check OMFlow → Apps → purchase for",
        "Lost track of ",
    ],
)
def test_the_page_quotes_them(words: str) -> None:
    assert words in PAGE.read_text()
