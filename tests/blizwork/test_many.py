"""Many cases: each is opened, or its activity run, as the operator for one does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.many import (
    BlizWorkCaseManySensor,
    BlizWorkExecManyOperator,
    BlizWorkInitManyOperator,
)
from airflow_provider_workflows.core.submission.effect import Found, NotSent, Unknown
from airflow_provider_workflows.exceptions import InvalidInput
from tests.blizwork.cases import opened, pending, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.core.bulk.ends import MODES, begun, ends_in, result_of, waiting
from tests.core.harness import Clock
from tests.core.many import intent, prepared, send


def opening(**arguments: Any) -> BlizWorkInitManyOperator:
    return BlizWorkInitManyOperator(task_id="init", records=[], **{"workflow_id": "one-step", **arguments})


def running(**arguments: Any) -> BlizWorkExecManyOperator:
    arguments = {"workflow_id": "one-step", "form_id": "request", "next_form_id": "done", **arguments}
    return BlizWorkExecManyOperator(task_id="exec", records=[], **arguments)


class TestInit:
    def test_opens_a_case_for_each(self, blizwork: BlizWorkServer) -> None:
        operator = prepared(opening())
        numbers = [send(operator, {"name": "Ana"}), send(operator, {"name": "Bo"})]
        assert len({*numbers}) == 2
        assert blizwork.effects()["opened"] == 2

    def test_a_user_from_a_column(self, blizwork: BlizWorkServer) -> None:
        operator = opening(exec_user_id="airflow@example.com")
        assert operator.effect({}, {}).payload["execUserId"] == "airflow@example.com"
        effect = operator.effect({}, {"exec_user_id": "analyst@example.com"})
        assert effect.payload == {"workflowId": "one-step", "execUserId": "analyst@example.com"}

    def test_nothing_finds_a_case(self, blizwork: BlizWorkServer) -> None:
        operator = prepared(opening())
        effect = operator.effect({}, {})
        assert effect.group is None
        found = operator.hook.run(lambda api: effect.look_up_many(api, [intent(1), intent(2)]))
        assert [type(one) for one in found.values()] == [Unknown, Unknown]

    def test_takes_no_fields(self) -> None:
        with pytest.raises(InvalidInput, match="fields must be left out"):
            opening(fields={"applicant": "name"}).check_ahead()
        opening().check_ahead()

    def test_bad_arguments(self, blizwork: BlizWorkServer) -> None:
        with pytest.raises(InvalidInput, match="workflow_id"):
            prepared(opening(workflow_id=""))
        with pytest.raises(InvalidInput, match="company_id"):
            prepared(opening()).effect({}, {"company_id": ""})


class TestExec:
    def test_runs_the_activity_of_each(self, blizwork: BlizWorkServer) -> None:
        cases = [opened(), opened()]
        operator = prepared(running())
        results = [send(operator, {"text": "x"}, case_number=str(case)) for case in cases]
        assert [result["case_number"] for result in results] == cases
        assert blizwork.effects()["executed"] == 2

    def test_the_activity_from_columns(self, blizwork: BlizWorkServer) -> None:
        case = opened("credit")
        operator = prepared(running(workflow_id="credit", form_id=None, next_form_id=None))
        chosen: dict[str, Any] = {"case_number": case, "form_id": "application", "next_form_id": "scoring"}
        send(operator, {"applicant": "Ana", "age": 30, "amount": 1000}, **chosen)
        assert pending("credit", case) == "scoring"

    def test_looked_up_by_the_history(self, blizwork: BlizWorkServer) -> None:
        case, operator = opened(), prepared(running())
        effect = operator.effect({"text": "x"}, {"case_number": case})
        record = intent(1, baseline=operator.hook.run(effect.baseline))
        look = lambda api: effect.look_up_many(api, [record])  # noqa: E731
        assert [*operator.hook.run(look).values()] == [NotSent()]
        send(operator, {"text": "x"}, case_number=case)
        assert [type(one) for one in operator.hook.run(look).values()] == [Found]

    @pytest.mark.parametrize(
        ("values", "arguments"),
        [({}, {}), ({}, {"case_number": "x"}), ({"text": True}, {"case_number": 1})],
        ids=["no case", "no number", "a truth value"],
    )
    def test_bad_rows(
        self, blizwork: BlizWorkServer, values: dict[str, Any], arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidInput):
            prepared(running()).effect(values, arguments)


class TestEnds:
    @pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
    def test_cases_are_closed(
        self, blizwork: BlizWorkServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        """The results of both operators name them: as a number, and as a mapping."""
        first, second = opened(), opened()
        ids = [first, {"case_number": second, "form_id": "request"}]
        for case in (first, second):
            clock.after(30, lambda case=case: ran("one-step", case, "request", "done"))  # type: ignore[misc]
        sensor = waiting(
            BlizWorkCaseManySensor,
            clock,
            results=begun(tmp_path / "cases", *ids),
            workflow_id="one-step",
            end_forms=["done"],
            **mode,
        )
        ends = ends_in(sensor.run())
        assert [end.id for end in ends.values()] == [first, second]
        assert result_of(ends["C-1"])["last_form_id"] == "request"
