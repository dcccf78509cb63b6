"""An answer held against the step that is pending, before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, Rejected
from airflow_provider_workflows.kiban.api.status import Status
from airflow_provider_workflows.kiban.api.steps import Answer, check_documents, pending, read_answer
from tests.kiban.server import PDF
from tests.kiban.test_status import status

FIELDS = [
    {"id": "rfc", "name": "Tax number", "required": True},
    {"id": "note", "name": "Note", "required": False},
    {"id": "spouse", "name": "Spouse", "required": True, "showIf": [{"field": "note", "values": ["x"]}]},
    {"id": "since", "name": "Since", "required": True, "fieldMetadata": {"defaultValue": "today"}},
    {"id": "bank", "name": "Bank", "required": True, "fieldMetadata": {"autofillNodeId": "n0"}},
]
AT_FORM = status("FORM", form={"formFieldSection": [{"fields": FIELDS[:2]}, {"fields": FIELDS[2:]}, None]})
AT_DOCUMENT = status(
    "DOCUMENT",
    document={
        "documentField": [
            {"id": "card", "name": "Card", "required": True},
            {"id": "bills", "name": "Bills", "required": False},
            {"id": "contract", "name": "Contract", "required": True, "sourcePdfNodeId": "n9"},
        ]
    },
)
AT_CORRECTION = status("VALIDATION", validation={"state": "CORRECTION", "fields": [{"fieldId": "rfc"}]})
AT_REVIEW = status("VALIDATION", validation={"state": "REVIEW"})


def check(at: Status, answer: Answer, node: str | None = None) -> Any:
    return pending(at, answer, execution_id="e1", node=node)


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        (AT_FORM, Answer("form", {"rfc": "X"})),
        (AT_FORM, Answer("form", {"rfc": 0, "note": None, "spouse": "Y"})),
        (AT_DOCUMENT, Answer("document", {"card": PDF})),
        (AT_DOCUMENT, Answer("document", {"card": PDF, "bills": [{"file": PDF}]})),
        (AT_CORRECTION, Answer("correction", {"rfc": "X"})),
        (AT_REVIEW, Answer("review", {"decision": "APPROVED"})),
        (status("VALIDATION", validation={}), Answer("review", {"decision": "APPROVED"})),
        (status("FORM"), Answer("form", {"whatever": "X"})),
        (status("FORM", form={"formFieldSection": None}), Answer("form", {"whatever": "X"})),
    ],
    ids=["form", "form whole", "document", "set", "correction", "review", "no state", "no form", "null"],
)
def test_what_the_step_asks_for(at: Status, answer: Answer) -> None:
    assert check(at, answer) == at.step
    assert check(at, answer, "Node") == check(at, answer, "n1") == at.step


@pytest.mark.parametrize(
    ("at", "answer", "says"),
    [
        (AT_FORM, Answer("form", {}), r"requires rfc \(Tax number\)"),
        (AT_FORM, Answer("form", {"rfc": ""}), r"requires rfc"),
        (AT_FORM, Answer("form", {"rfc": "X", "rfcc": "Y"}), "has no rfcc"),
        (AT_DOCUMENT, Answer("document", {"bills": []}), r"requires card \(Card\)"),
        (
            AT_DOCUMENT,
            Answer("document", {"card": PDF, "contract": PDF}),
            "document contract: Kiban generates it",
        ),
        (AT_DOCUMENT, Answer("document", {"card": PDF, "x": PDF}), "has no x"),
        (AT_CORRECTION, Answer("correction", {"note": "X"}), "has no note"),
    ],
)
def test_what_the_step_does_not_ask_for(at: Status, answer: Answer, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check(at, answer)


@pytest.mark.parametrize(
    ("at", "answer", "node", "says"),
    [
        (AT_DOCUMENT, Answer("form", {}), None, r"PROGRESS at 'Node' \(DOCUMENT\)"),
        (AT_CORRECTION, Answer("review", {}), None, "VALIDATION in state REVIEW"),
        (AT_REVIEW, Answer("correction", {}), None, "VALIDATION in state CORRECTION"),
        (AT_FORM, Answer("form", {"rfc": "X"}), "Other", "FORM 'Other'"),
        (status("FORM_PROCESSING"), Answer("form", {}), None, "processing"),
        (status(""), Answer("form", {}), None, "processing"),
        (status("FORM", word="SUCCESS"), Answer("form", {}), None, "Its status is SUCCESS"),
        (status("FORM", word="ABANDONED"), Answer("form", {}), None, "Its status is ABANDONED"),
    ],
)
def test_another_step_is_pending(at: Status, answer: Answer, node: str | None, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        check(at, answer, node)


@pytest.mark.parametrize(
    "given",
    [
        {"form": {"a": 1, "b": Decimal("1.10"), "c": [1], "d": None, "e": True}},
        {"form": '{"a": "0123"}'},
        {"form": {}},
        {"correction": {"a": "x"}},
        {"document": {"a": PDF, "b": [PDF], "c": [{"file": PDF}]}},
        {"review": {"decision": "REJECTED", "reviewerNote": "n", "reviews": [{"fieldId": "a"}]}},
    ],
    ids=lambda given: str(given)[:40],
)
def test_read_answer(given: dict[str, Any]) -> None:
    answer = read_answer(**given)
    assert {answer.kind} == set(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "got none"),
        ({"form": None}, "got none"),
        ({"form": {}, "review": {}}, "form and review"),
        ({"form": "no JSON"}, "form is text but not JSON"),
        ({"form": "[1]"}, "form must be a mapping"),
        ({"form": {1: "x"}}, "form: 1 is not an id"),
        ({"document": {"card": "no base64!"}}, "document card"),
        ({"document": {"card": ""}}, "document card"),
        ({"document": {"card": b"x"}}, "document card"),
        ({"document": {"card": 7}}, "document card"),
        ({"review": {}}, "review decision"),
        ({"review": {"decision": " "}}, "review decision"),
        ({"review": {"decision": "A", "note": "x"}}, "review has unknown keys: note"),
        ({"review": {"decision": "A", "reviews": ["x"]}}, "review reviews"),
        ({"review": {"decision": "A", "reviews": [{"message": "x"}]}}, "review reviews"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_cannot_be_sent(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_answer(**given)


def test_what_is_wrong_is_named_and_its_content_is_not() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_documents({"card": "secret content!"})
    assert "secret" not in str(caught.value)
    assert "TOAA" not in repr(Answer("form", {"rfc": "TOAA"}))
