"""What may be taken out of an execution's detail."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.api.detail import check_fields, count_stays, labels, pick, shows_form

DETAIL: dict[str, Any] = {
    "status": "SUCCESS",
    "labels": ["low risk"],
    "sceneryName": "S",
    "nodes": [
        {"id": "n1", "name": "Person", "form": {"fields": {"rfc": "OLD", "amount": 1}}, "variables": None},
        {"id": "n1", "name": "Person", "form": {"fields": {"rfc": " Toaa ", "amount": 25000}}},
        {
            "id": "n2",
            "name": "Decision",
            "ruleset": {"exit": "accepted", "labels": ["a"], "decision": [{"message": "ok"}]},
            "decisionTree": [{"nameNode": "Decision", "result": True, "message": "fine"}],
            "variables": [{"name": "score", "value": 712}],
        },
    ],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sceneryName", "S"),
        ("labels", ["low risk"]),
        ("nodes.Decision.ruleset.exit", "accepted"),
        ("nodes.n2.ruleset.exit", "accepted"),
        ("nodes.Decision.decisionTree.0.result", True),
        ("nodes.Decision.ruleset.decision.0.message", "ok"),
        ("nodes.Decision.variables.score.value", 712),
        ("nodes.Person.form.fields.rfc", " Toaa "),
        ("nodes.0.form.fields.rfc", "OLD"),
        ("nodes.Person.variables.score", None),
        ("nodes.Nobody.ruleset.exit", None),
        ("nodes.9.name", None),
        ("status.more", None),
    ],
)
def test_pick(path: str, value: Any) -> None:
    assert pick(DETAIL, path) == value


@pytest.mark.parametrize("path", ["nodes.Decision.ruleset.exit", "labels.0", "x"])
def test_pick_where_arrays_are_null(path: str) -> None:
    assert pick({"nodes": None, "labels": None}, path) is None


@pytest.mark.parametrize(
    ("detail", "expected"),
    [(DETAIL, ["low risk"]), ({"labels": None}, []), ({}, []), ({"labels": "x"}, [])],
    ids=["some", "null", "absent", "text"],
)
def test_labels(detail: dict[str, Any], expected: list[str]) -> None:
    assert labels(detail) == expected


@pytest.mark.parametrize(
    ("node", "sent", "shown"),
    [
        ("n1", {"rfc": "TOAA", "amount": "25000"}, True),
        ("n1", {"amount": Decimal("25000.00")}, True),
        ("n1", {"amount": "nan"}, False),
        ("n1", {"rfc": "OLD"}, True),
        ("n1", {"rfc": "NEW"}, False),
        ("n1", {"rfc": "TOAA", "amount": 3}, False),
        ("n1", {"elsewhere": "x"}, None),
        ("n1", {"rfc": "TOAA", "elsewhere": "x"}, None),
        ("n1", {"rfc": "TOAA", "elsewhere": ""}, True),
        ("n1", {"rfc": "NEW", "elsewhere": "x"}, False),
        ("n1", {}, None),
        ("n1", {"rfc": None}, None),
        ("n2", {"rfc": "TOAA"}, None),
        ("n9", {"rfc": "TOAA"}, None),
    ],
    ids=[
        "same but for case",
        "same number",
        "no number",
        "an earlier stay's",
        "no stay's",
        "one differs",
        "not kept",
        "one is not kept",
        "what is empty need not be kept",
        "one differs, one is not kept",
        "nothing sent",
        "nothing but null sent",
        "no form",
        "no node",
    ],
)
def test_shows_form(node: str, sent: dict[str, Any], shown: bool | None) -> None:
    assert shows_form(DETAIL, node, sent) is shown


def test_shows_form_does_not_look_at_stays_that_are_too_early() -> None:
    assert shows_form(DETAIL, "n1", {"rfc": "OLD"}, after=1) is False
    assert shows_form(DETAIL, "n1", {"rfc": "TOAA"}, after=1) is True
    assert shows_form(DETAIL, "n1", {"rfc": "TOAA"}, after=2) is None


def test_stays_are_counted_by_node() -> None:
    assert [count_stays(DETAIL, node) for node in ("n1", "n2", "n9")] == [2, 1, 0]
    assert count_stays({"nodes": None}, "n1") == 0


def test_shows_form_before_the_first_step_has_ended() -> None:
    assert shows_form({"nodes": None}, "n1", {"rfc": "TOAA"}) is None


@pytest.mark.parametrize("wrong", ["nodes.a", [1], [""], ["..."], {"a": 1}, None, 7], ids=repr)
def test_check_fields(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="result_fields"):
        check_fields(wrong)
