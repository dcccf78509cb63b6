"""What a person on night shift reads in a task's log: what happened, to which remote id, and what follows."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from airflow_provider_workflows.protocol.errors import OutcomeUnknown, WorkflowError
from tests.base.harness import Clock
from tests.base.test_metrics import sensor
from tests.conftest import OMFlowServer
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
    assert lines(caplog) == ["Sending an order of purchase (mark af-…)", "Done: an order of purchase, id 1"]
    runner.retry()
    assert lines(caplog) == [
        "Going on with an order of purchase, id 1; nothing is sent. To have another one, delete the key "
        "'workflow_submission' from this task's state store and clear the task"
    ]


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("lost_answer", "Found an order of purchase, id 1, whose answer was lost; nothing is sent again"),
        ("reset_before", "Sending an order of purchase again: nothing of it has arrived"),
    ],
)
def test_a_lost_answer_says_what_became_of_it(
    omflow: OMFlowServer, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str, ending: str
) -> None:
    omflow.fault("open", fault)
    opening(clock, run_key_field="FORMITM_3").run()
    _, lost, found, *_ = lines(caplog)
    assert lost.startswith("an order of purchase: Sent, but the answer is lost (")
    assert lost.endswith("]. Finding out what became of it")
    assert found == ending


def test_a_doubt_says_where_to_look(omflow: OMFlowServer, clock: Clock) -> None:
    omflow.fault("open", "lost_answer")
    with pytest.raises(OutcomeUnknown) as caught:
        opening(clock).run()
    assert "an order of purchase: whether it happened is not known" in str(caught.value)
    assert "Nothing is sent again. Look at the vendor for" in str(caught.value)


def test_a_silent_vendor_is_told_with_since_when_and_what_follows(
    omflow: OMFlowServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    open_order(omflow, "two-step")
    omflow.fault("list", "throttled", times=9999, retry_after=99)
    with pytest.raises(WorkflowError, match="Lost track of end of OMFlow order two-step/1"):
        sensor(clock, deferrable=False, tolerance=300).run()
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    silence = rf"No answer about end of OMFlow order two-step/1 since {date}, looking again at {date}: "
    assert [line for line in lines(caplog) if re.match(silence, line)]


@pytest.mark.parametrize(
    "words",
    [
        "Sending an order of purchase (mark",
        "Done: an order of purchase, id 7",
        "Going on with an order of purchase, id 7; nothing is sent.",
        "an order of purchase: Sent, but the answer is lost (",
        "Found an order of purchase, id 7, whose answer was lost; nothing is sent again",
        "Sending an order of purchase again: nothing of it has arrived",
        "whether it happened is not known (",
        "Lost track of ",
    ],
)
def test_the_page_quotes_them(words: str) -> None:
    assert words in PAGE.read_text()
