"""What can be waited for: each look ends in one way, and personal data stays out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import RunFailed
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded, StepPending
from tests.kiban.driving import Driven, ok

API = KibanApi(key="the-key")
ENDED = ExecutionSucceeded(execution_id="e1", result_fields=["nodes.Decision.ruleset.exit"])
PERSONAL = "TOAA900101AB1"
DETAIL = {
    "labels": ["low risk"],
    "nodes": [
        {"name": "Person", "form": {"fields": {"rfc": PERSONAL}}},
        {"name": "Decision", "ruleset": {"exit": "accepted"}},
    ],
}


def status(word: str = "PROGRESS", node_type: str = "", **more: Any) -> dict[str, Any]:
    node = {"currentNodeType": node_type, "currentNodeName": "Person", "currentNodeId": "n1"}
    return {"id": "e1", "status": word, **node, **more}


def look(condition: Condition, *answers: Any) -> Any:
    return Driven(condition.check(API), [ok(answer) for answer in answers]).result


class TestExecutionSucceeded:
    def test_done(self) -> None:
        assert look(ENDED, status("SUCCESS"), DETAIL) == Done(
            {
                "id": "e1",
                "status": "SUCCESS",
                "labels": ["low risk"],
                "fields": {"nodes.Decision.ruleset.exit": "accepted"},
            }
        )

    def test_nothing_leaves_that_was_not_asked_for(self) -> None:
        plain = look(ExecutionSucceeded(execution_id="e1"), status("SUCCESS"), DETAIL)
        assert plain.result["fields"] == {}
        assert PERSONAL not in json.dumps(plain.result)
        chosen = ExecutionSucceeded(execution_id="e1", result_fields=["nodes.Person.form.fields.rfc"])
        found = look(chosen, status("SUCCESS"), DETAIL)
        assert found.result["fields"] == {"nodes.Person.form.fields.rfc": PERSONAL}

    def test_done_where_arrays_are_null(self) -> None:
        found = look(ENDED, status("SUCCESS"), {"labels": None, "nodes": None})
        assert (found.result["labels"], list(found.result["fields"].values())) == ([], [None])

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (status("ERROR"), "ended with ERROR; its last step was 'Person'"),
            (status("ABANDONED"), "expired"),
            (
                status("ABANDONED", cancelledAt="2026-01-02", cancelledBy="Eva"),
                "cancelled by a person at 2026-01-02",
            ),
        ],
        ids=["error", "expired", "cancelled"],
    )
    def test_bad_ends(self, answer: dict[str, Any], says: str) -> None:
        with pytest.raises(RunFailed, match=says) as caught:
            look(ENDED, answer)
        assert "Eva" not in str(caught.value)

    @pytest.mark.parametrize(
        ("answer", "detail", "warning"),
        [
            (status(), "processing", False),
            (status(node_type="FORM_PROCESSING"), "processing", False),
            (status(node_type="FORM", form={}), "(FORM), waits for its form", False),
            (status(node_type="TIMER", timer={"endWaitDate": "soon"}), "until soon", False),
            (status(node_type="SIGNATURE"), "(SIGNATURE), which this package does not know", True),
            (status("PAUSED", "FORM"), "PAUSED at 'Person' (FORM), which this package does not know", True),
            (status("PAUSED"), "PAUSED at 'Person' (no node type)", True),
        ],
    )
    def test_pending(self, answer: dict[str, Any], detail: str, warning: bool) -> None:
        found = look(ENDED, answer)
        assert isinstance(found, Pending)
        assert detail in found.detail
        assert found.warning is warning


class TestStepPending:
    @pytest.mark.parametrize(
        "wanted",
        [
            {"node": "Person"},
            {"node": "n1"},
            {"node_type": "VALIDATION"},
            {"node": "Person", "node_type": "VALIDATION", "state": "CORRECTION"},
        ],
        ids=str,
    )
    def test_there(self, wanted: dict[str, Any]) -> None:
        validation = {"state": "CORRECTION", "fields": [{"fieldId": "rfc", "value": PERSONAL}]}
        found = look(
            StepPending(execution_id="e1", **wanted), status("PROGRESS", "VALIDATION", validation=validation)
        )
        assert found == Done(
            {
                "id": "e1",
                "node_name": "Person",
                "node_id": "n1",
                "node_type": "VALIDATION",
                "phase": "",
                "state": "CORRECTION",
            }
        )

    @pytest.mark.parametrize(
        ("wanted", "answer"),
        [
            ({"node": "Other"}, status(node_type="FORM")),
            ({"node_type": "DOCUMENT"}, status(node_type="FORM")),
            ({"node": "Person"}, status(node_type="FORM_PROCESSING")),
            ({"node": "Person"}, status()),
            ({"node_type": "VALIDATION", "state": "REVIEW"}, status(node_type="VALIDATION")),
            ({"node_type": "LINK", "phase": "VALIDATE"}, status(node_type="LINK", link={"phase": "X"})),
        ],
        ids=["another node", "another type", "at work", "between", "another state", "another phase"],
    )
    def test_not_there(self, wanted: dict[str, Any], answer: dict[str, Any]) -> None:
        assert isinstance(look(StepPending(execution_id="e1", **wanted), answer), Pending)

    def test_a_node_type_that_the_vendor_adds_can_be_waited_for(self) -> None:
        wanted = StepPending(execution_id="e1", node_type="SIGNATURE")
        assert isinstance(look(wanted, status(node_type="SIGNATURE")), Done)
        other = look(StepPending(execution_id="e1", node_type="FORM"), status(node_type="SIGNATURE"))
        assert other.warning

    @pytest.mark.parametrize("word", ["SUCCESS", "ERROR", "ABANDONED"])
    def test_after_the_end(self, word: str) -> None:
        with pytest.raises(RunFailed, match=r"so it will not reach step FORM 'Person' \["):
            look(StepPending(execution_id="e1", node="Person", node_type="FORM"), status(word, "FORM"))


@pytest.mark.parametrize(
    "condition", [ENDED, StepPending(execution_id="e1", node="Person", state="REVIEW")], ids=str
)
def test_survives_the_triggers_row(condition: Condition) -> None:
    assert Condition.from_json(json.loads(json.dumps(condition.to_json()))) == condition
    assert condition.remote_id == "e1"
