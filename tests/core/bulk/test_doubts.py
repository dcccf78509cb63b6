"""Records in doubt about which a person is asked, and what the answer does to all of them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.tasks.question import GIVE_UP, NOT_THERE, THERE
from airflow_provider_workflows.exceptions import OutcomeUnknown, RecordsRejected
from tests.core.bulk.crowd import Crowd, Table, rows
from tests.core.questions import PARKED, Questions, answer, parked
from tests.core.questions import questions as questions

NAMES = [f"r{number}" for number in range(40)]


def asking(crowd: Crowd, folder: Path, *, lasting: bool = True, **how: Any) -> Table:
    table = Table(crowd, folder, kind="blind", lasting=lasting, on_lost_answer="ask", **how)
    parked(lambda: table.run(rows(*NAMES)))
    return table


@pytest.fixture(params=[True, False], ids=["store", "no store"])
def lasting(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_one_question_for_all_with_their_list(tmp_path: Path, questions: Questions) -> None:
    asking(Crowd({"r3": ["lost after"], "r5": ["lost before"]}), tmp_path)
    (asked,) = questions.asked
    assert asked.subject == "Has Vendor done what the records in doubt say? (run run)"
    assert asked.params == {}
    address = asked.body.split("`")[1]
    listed = json.loads(Path(address).read_text())["records"]
    assert [one["line"] for one in listed] == [4, 6]
    assert "Check the list for an entry written" in listed[0]["message"]


def test_they_are_there(tmp_path: Path, questions: Questions, lasting: bool) -> None:
    crowd = Crowd({"r3": ["lost after"], "r5": ["lost after"]})
    table = asking(crowd, tmp_path, lasting=lasting)
    summary = table.resume(rows(*NAMES), answer(THERE))
    assert (summary["done"], summary["unknown"], summary["records"]) == (40, 0, 40)
    assert table.results[4] == {"line": 4, "key": 4, "outcome": "done", "message": "Ada (7): it is there"}
    assert len(crowd.sent) == 40
    assert table.run(rows(*NAMES)) == summary


def test_they_are_not_there(tmp_path: Path, questions: Questions, lasting: bool) -> None:
    crowd = Crowd({"r3": ["lost before"], "r5": ["lost before"]})
    table = asking(crowd, tmp_path, lasting=lasting)
    summary = table.resume(rows(*NAMES), answer(NOT_THERE))
    assert (summary["done"], summary["unknown"], summary["records"]) == (40, 0, 40)
    assert crowd.sent.count("r3") == crowd.sent.count("r5") == 2
    assert {len(ids) for ids in crowd.effects.values()} == {1}
    assert table.run(rows(*NAMES)) == summary


def test_what_is_lost_again_is_asked_again(tmp_path: Path, questions: Questions) -> None:
    crowd = Crowd({"r3": ["lost before", "lost after"], "r5": ["lost before", "rejected"]})
    table = asking(crowd, tmp_path)
    parked(lambda: table.resume(rows(*NAMES), answer(NOT_THERE)))
    assert table.results[4]["outcome"] == "unknown"
    with pytest.raises(RecordsRejected, match="1 of 40 records"):
        table.resume(rows(*NAMES), answer(THERE))
    assert {len(ids) for ids in crowd.effects.values()} == {1}


def test_given_up_fails_and_a_clear_asks_again(tmp_path: Path, questions: Questions) -> None:
    table = asking(Crowd({"r3": ["lost after"]}), tmp_path)
    with pytest.raises(OutcomeUnknown, match="1 of 40 records"):
        table.resume(rows(*NAMES), answer(GIVE_UP))
    parked(lambda: table.run(rows(*NAMES)))
    assert len(questions.asked) == 2


@pytest.mark.parametrize("event", [None, {"chosen_options": []}, answer(THERE, "17")], ids=str)
def test_an_unusable_answer_is_asked_again(tmp_path: Path, questions: Questions, event: Any) -> None:
    crowd = Crowd({"r3": ["lost after"]})
    table = asking(crowd, tmp_path)
    parked(lambda: table.resume(rows(*NAMES), event))
    assert table.results[4]["outcome"] == "unknown"
    assert len(crowd.sent) == 40


@pytest.mark.parametrize("option", [THERE, NOT_THERE])
@pytest.mark.parametrize("write", range(1, 7))
def test_a_process_may_die_at_any_write(
    tmp_path: Path, questions: Questions, option: str, write: int
) -> None:
    fate = "lost after" if option == THERE else "lost before"
    crowd = Crowd({"r3": [fate], "r35": [fate]})
    table = asking(crowd, tmp_path)
    table.store.dies_at = {table.store.writes + write}
    summary = None
    for _ in range(6):  # Airflow begins another attempt, which asks if there is still something to ask
        with contextlib.suppress(ConnectionError, PARKED):
            summary = table.resume(rows(*NAMES), answer(option))
            break
        with contextlib.suppress(ConnectionError, PARKED):
            summary = table.run(rows(*NAMES))
            break
    assert summary is not None
    assert (summary["done"], summary["records"]) == (40, 40)
    assert len(table.results) == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}
