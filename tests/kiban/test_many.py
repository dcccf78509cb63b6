"""Many executions: each is started as by the operator for one, and one reading of the history finds all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Found, NotSent, Unknown
from airflow_provider_workflows.exceptions import Conflict, InvalidInput
from airflow_provider_workflows.kiban.effects.marks import Marks
from airflow_provider_workflows.kiban.many import KibanStartManyOperator, KibanWorkflooManySensor
from tests.core.bulk.ends import MODES, begun, ends_in, result_of, waiting
from tests.core.harness import Clock
from tests.core.many import intent, look_up, mark_of, prepared, send
from tests.kiban.server import FAILING, FORM, LOAN, LOAN_SCENARIO, KibanServer

KEYED = {"workfloo_id": LOAN, "scenario_id": LOAN_SCENARIO, "run_key_field": "airflow_key"}


def starting(**arguments: Any) -> KibanStartManyOperator:
    return KibanStartManyOperator(task_id="start", records=[], **{**KEYED, **arguments})


def test_starts_an_execution_for_each(kiban: KibanServer) -> None:
    operator = prepared(starting())
    ids = [send(operator, FORM, mark) for mark in (1, 2)]
    assert kiban.effects()["started"] == len({*ids}) == 2


def test_what_differs_by_record(kiban: KibanServer) -> None:
    operator = prepared(starting(callback_url="https://example.com/hook"))
    effect = operator.effect(FORM, {"scenario_id": "f" * 24, "document": {"id_card": "JVBERi0xLjQ="}})
    assert effect.payload == {
        "idWorkflooDefinition": LOAN,
        "scenarioId": "f" * 24,
        "form": FORM,
        "document": {"id_card": "JVBERi0xLjQ="},
        "callbackUrl": "https://example.com/hook",
    }
    assert operator.effect(FORM, {}).payload["scenarioId"] == LOAN_SCENARIO


def test_one_reading_of_the_history_finds_all(kiban: KibanServer) -> None:
    operator = prepared(starting())
    ids = {mark: send(operator, FORM, mark) for mark in (1, 2, 3)}
    kiban.control.advance(5)
    before = kiban.requests("history_v2")
    found = look_up(operator, *map(intent, range(1, 5)))
    assert kiban.requests("history_v2") == before + 1
    assert found == {**{mark_of(mark): Found(id) for mark, id in ids.items()}, mark_of(4): NotSent()}


def test_from_the_first_request_on(kiban: KibanServer) -> None:
    """The look-up of one record serves all, so it must reach back to the oldest."""
    operator = prepared(starting())
    first = send(operator, FORM, 1)
    kiban.control.advance(5)
    found = look_up(operator, intent(2, intended_at=time.time() + 7200), intent(1))
    assert found[mark_of(1)] == Found(first)


def test_several_with_a_mark(kiban: KibanServer) -> None:
    operator = prepared(starting())
    for mark in (1, 1, 2):
        send(operator, FORM, mark)
    kiban.control.advance(5)
    found = look_up(operator, intent(1), intent(2))
    several = found[mark_of(1)]
    assert isinstance(several, Unknown)
    assert isinstance(several.forbids, Conflict)
    assert isinstance(found[mark_of(2)], Found)


def test_without_marks_any_execution_is_a_doubt(kiban: KibanServer) -> None:
    operator = prepared(starting(run_key_field=None))
    assert {*look_up(operator, intent(1), intent(2)).values()} == {NotSent()}
    send(operator, FORM)
    before = kiban.requests("history_v2")
    found = look_up(operator, intent(1), intent(2))
    assert kiban.requests("history_v2") == before + 1
    assert [type(one) for one in found.values()] == [Unknown, Unknown]


def test_a_record_without_a_time(kiban: KibanServer) -> None:
    found = look_up(prepared(starting()), intent(1, intended_at=0.0), intent(2))
    assert found[mark_of(2)] == NotSent()
    assert isinstance(found[mark_of(1)], Unknown)


def test_groups() -> None:
    one, other = starting().effect(FORM, {}), starting(workfloo_id="f" * 24).effect({}, {})
    assert one.group == other.group
    assert starting(run_key_field="other_field").effect({}, {}).group != one.group


def test_bad_arguments(kiban: KibanServer) -> None:
    with pytest.raises(InvalidInput, match="workfloo_id"):
        prepared(starting(workfloo_id=""))
    with pytest.raises(InvalidInput, match="run_key_field"):
        prepared(starting()).effect({KEYED["run_key_field"]: "x"}, {})
    kiban.connect(extra={"environment": "production"})
    with pytest.raises(InvalidInput, match="sandbox"):
        prepared(starting())


@pytest.mark.parametrize(
    ("shown", "held", "perhaps"),
    [
        ("af-t-0000000000aa", ["af-t-0000000000aa"], []),
        ("AF T 0000000000AB", ["af-t-0000000000ab"], []),
        ("af-t-", [], ["af-t-0000000000aa", "af-t-0000000000ab"]),
        ("ref 0000000000aa!", [], ["af-t-0000000000aa"]),
        ("af-t-0000000000ac", [], []),
        ("another", [], []),
        ("", [], ["af-t-0000000000aa", "af-t-0000000000ab"]),
    ],
)
def test_which_of_several_marks(shown: str, held: list[str], perhaps: list[str]) -> None:
    marks = Marks("key", ["af-t-0000000000aa", "af-t-0000000000ab"])
    found = marks.judge({"nodes": [{"form": {"fields": {"key": shown}}}]})
    assert [sorted(one) for one in found] == [held, perhaps]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_executions_have_ended(
    kiban: KibanServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
) -> None:
    ids = [kiban.start(form=FORM, scenario_id=LOAN_SCENARIO), kiban.start(FAILING, form={"a": "one"})]
    sensor = waiting(
        KibanWorkflooManySensor,
        clock,
        results=begun(tmp_path / "executions", *ids),
        result_fields=["nodes.Decision.exit"],
        max_failed=1,
        **mode,
    )
    result = sensor.run()
    assert (result["succeeded"], result["failed"]) == (1, 1)
    ends = ends_in(result)
    assert result_of(ends["C-1"])["labels"]
    assert "ERROR" in str(ends["C-2"].message)
