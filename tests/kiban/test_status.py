"""Where an execution stands: words, steps, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.kiban.api.status import (
    Status,
    Step,
    describe,
    ending,
    is_alarming,
    read_status,
)


def status(node_type: str = "", *, word: str = "PROGRESS", **needs: Any) -> Status:
    body = {
        "id": "e1",
        "status": word,
        "currentNodeType": node_type,
        "currentNodeName": "Node",
        "currentNodeId": "n1",
        **needs,
    }
    read = read_status(body)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("word", "has_ended", "is_unknown"),
    [
        ("PROGRESS", False, False),
        ("SUCCESS", True, False),
        ("ERROR", True, False),
        ("ABANDONED", True, False),
        ("PAUSED", False, True),
        ("progress", False, False),
    ],
)
def test_words(word: str, has_ended: bool, is_unknown: bool) -> None:
    read = status("FORM", word=word)
    assert (read.has_ended, read.is_unknown) == (has_ended, is_unknown)
    assert (read.step is None) is has_ended


@pytest.mark.parametrize(
    ("node_type", "needs", "says"),
    [
        ("", {}, "processing"),
        ("FORM_PROCESSING", {}, "processing"),
        ("RULESET_PROGRESS", {}, "processing"),
        ("FORM", {"form": {}}, "waits for its form"),
        ("DOCUMENT", {"document": {}}, "waits for its document"),
        ("LINK", {"link": {"phase": "CREATE_ACCOUNT"}}, "NIP to be sent"),
        ("LINK", {"link": {"phase": "VALIDATE"}}, "NIP that was sent to a person"),
        ("LINK", {"link": {"phase": "VALIDATE_2"}}, "NIP that was sent to a person"),
        ("LINK", {"link": {"phase": "VALIDATE"}, "verification": {"channel": "SMS"}}, "that a provider sent"),
        ("LINK", {"link": {"widget": {"token": "x"}}}, "widget"),
        ("LINK", {}, "waits for its link"),
        ("VALIDATION", {"validation": {"state": "CORRECTION"}}, "corrections"),
        ("VALIDATION", {"validation": {"state": "REVIEW"}}, "reviewer"),
        ("TIMER", {"timer": {"endWaitDate": "2026-01-01T00:00:00Z"}}, "until 2026-01-01"),
        ("SIGNATURE", {}, "does not know"),
    ],
)
def test_node_types(node_type: str, needs: dict[str, Any], says: str) -> None:
    read = status(node_type, **needs)
    assert says in describe(read)
    assert (read.step is None) is (says == "processing")
    assert is_alarming(read) is (node_type == "SIGNATURE")


@pytest.mark.parametrize(
    ("recoverable", "says"), [(True, "it can be sent again"), (False, "sending again will not help")]
)
def test_a_code_that_was_not_delivered_is_alarming(recoverable: bool, says: str) -> None:
    error = {"code": "INVALID_PHONE", "recoverable": recoverable}
    read = status("LINK", link={"phase": "CREATE_ACCOUNT", "sendError": error})
    assert is_alarming(read)
    assert "INVALID_PHONE" in describe(read)
    assert says in describe(read)


def test_a_step_is_told_apart_by_node_type_phase_and_state() -> None:
    link = status("LINK", link={"phase": "VALIDATE"})
    assert link.step == Step("n1", "LINK", phase="VALIDATE")
    validation = status("VALIDATION", validation={"state": "REVIEW"})
    assert validation.step == Step("n1", "VALIDATION", state="REVIEW")
    assert Step.from_json({**validation.step.to_json(), "node_name": "Node"}) == validation.step


@pytest.mark.parametrize(
    ("needs", "awaits"),
    [
        ({}, False),
        ({"verification": None}, False),
        ({"verification": {"remainingRetries": 2}}, True),
        ({"verification": {"channel": "SMS"}}, True),
        ({"verification": {"remainingRetries": 0}}, False),
    ],
    ids=["none", "null", "tries left", "tries not told", "used up"],
)
def test_a_pending_code(needs: dict[str, Any], awaits: bool) -> None:
    assert status("LINK", **needs).awaits_code is awaits


def test_expired_and_cancelled_are_told_apart_without_a_name() -> None:
    expired = status(word="ABANDONED")
    cancelled = status(word="ABANDONED", cancelledAt="2026-01-01T10:00:00Z", cancelledBy="ana@example.com")
    assert "expired" in ending(expired)
    assert "cancelled by a person at 2026-01-01" in ending(cancelled)
    assert "ana@" not in ending(cancelled) + describe(cancelled) + repr(cancelled)
    assert ending(status(word="ERROR")) == "ended with ERROR"


@pytest.mark.parametrize("body", [None, [], "PROGRESS", {}, {"status": None}, {"status": ""}, {"status": 3}])
def test_what_is_no_status(body: Any) -> None:
    assert read_status(body) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    node_type=st.sampled_from(["FORM", "LINK", "VALIDATION", "TIMER", "DOCUMENT", "X", ""]),
    needs=st.dictionaries(
        st.sampled_from(["form", "document", "link", "timer", "validation", "verification"]), json_values
    ),
)
def test_whatever_the_parts_hold_it_can_be_described(node_type: str, needs: dict[str, Any]) -> None:
    read = status(node_type, **needs)
    assert describe(read).startswith("PROGRESS")
    assert is_alarming(read) in (True, False)
