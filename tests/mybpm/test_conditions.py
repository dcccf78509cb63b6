"""What can be waited for, driven by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import NotFound, RunFailed
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.conditions import FieldReached, StateReached
from tests.mybpm.driving import BOI_ID, Driven, answer, boi

API = MyBPMApi(token=Token(header="TOKEN"))
NUMBER = {"displayValue": "7,00", "type": "INPUT_NUMBER"}
DATE = {"displayValue": "02.01.2030 09:04", "type": "FULL_DATE"}


def field(**how: Any) -> FieldReached:
    return FieldReached(**{"bo_code": "ORD", "boi_id": BOI_ID, "field": "NUM", **how})


def state(*states: str, **how: Any) -> StateReached:
    return StateReached(**{"bo_code": "ORD", "boi_id": BOI_ID, "states": list(states), **how})


def look(condition: FieldReached | StateReached, raw: Any) -> Any:
    return Driven(condition.check(API), [answer(raw)]).result


class TestField:
    @pytest.mark.parametrize(
        ("values", "raw", "come"),
        [
            (["7"], boi(NUM="7"), True),
            (["7", "8"], boi(NUM="8"), True),
            (["7"], boi(NUM="8"), False),
            (["7"], boi(), False),
            ([""], boi(), True),
            (["7"], {"boiId": BOI_ID, "fieldValues": {"NUM": "7"}}, True),
            (["7.0"], boi(NUM={**NUMBER, "apiValue": "7"}), True),
            (["7.0"], boi(NUM="7"), False),
            (["2030-01-02T03:04:05.123Z"], boi(NUM={**DATE, "apiValue": "2030-01-02T09:04:05.123+06"}), True),
            (["7,00"], boi(NUM={**NUMBER, "apiValue": "7"}), False),
        ],
        ids=[
            "value",
            "any of several",
            "other value",
            "no value",
            "empty",
            "flat answer",
            "number in another spelling",
            "text in another spelling",
            "date in the user's zone",
            "not by the display value",
        ],
    )
    def test_reached(self, values: list[str], raw: Any, come: bool) -> None:
        assert isinstance(look(field(values=values), raw), Done if come else Pending)

    @pytest.mark.parametrize(
        ("before", "raw", "come"),
        [
            ("7", boi(NUM="8"), True),
            ("7", boi(NUM="7"), False),
            ("7", boi(), True),
            ("", boi(), False),
            ("", boi(NUM="7"), True),
            ("7.0", boi(NUM={**NUMBER, "apiValue": "7"}), False),
        ],
        ids=["changed", "same", "emptied", "still empty", "filled", "only spelt otherwise"],
    )
    def test_changed(self, before: str, raw: Any, come: bool) -> None:
        assert isinstance(look(field(changed_from=before), raw), Done if come else Pending)

    def test_result(self) -> None:
        assert look(field(values=["7"]), boi(NUM={**NUMBER, "apiValue": "7"})) == Done(
            {
                "boi_id": BOI_ID,
                "boCode": "ORD",
                "state": "ALL",
                "isTouched": True,
                "field": "NUM",
                "apiValue": "7",
                "displayValue": "7,00",
                "type": "INPUT_NUMBER",
            }
        )

    def test_detail_says_where_it_stands(self) -> None:
        assert look(field(values=["7"]), boi(NUM="8")) == Pending("NUM has another value; state ALL")
        assert look(field(values=["7"]), boi(NUM="")) == Pending("NUM is empty; state ALL")
        assert look(field(changed_from="7"), boi(NUM="7")) == Pending("NUM has not changed; state ALL")
        assert look(field(values=["7"]), boi(NIM="8", NAME="x")) == Pending(
            "NUM is not among the fields NIM, NAME; state ALL"
        )
        assert look(field(values=["7"]), boi()) == Pending("NUM is not among the fields (none); state ALL")

    @pytest.mark.parametrize("ended", ["REMOVED", "ARCHIVED"])
    def test_ended_without_the_value(self, ended: str) -> None:
        failing = field(values=["7"], failed_states=["REMOVED", "ARCHIVED"])
        with pytest.raises(RunFailed, match=f"ORD/{BOI_ID} is {ended}"):
            look(failing, boi(state=ended, NUM="8"))
        assert isinstance(look(failing, boi(state=ended, NUM="7")), Done)
        assert isinstance(look(field(values=["7"]), boi(state=ended, NUM="8")), Pending)


class TestState:
    @pytest.mark.parametrize("now", ["ALL", "REMOVED", "ARCHIVED", "DEV"])
    @pytest.mark.parametrize("wanted", ["ALL", "REMOVED", "ARCHIVED", "DEV"])
    def test_reached(self, now: str, wanted: str) -> None:
        assert isinstance(look(state(wanted), boi(state=now)), Done if now == wanted else Pending)

    def test_any_of_several(self) -> None:
        assert look(state("REMOVED", "ARCHIVED"), boi(state="ARCHIVED")) == Done(
            {"boi_id": BOI_ID, "boCode": "ORD", "state": "ARCHIVED", "isTouched": True}
        )

    def test_failed_unless_waited_for(self) -> None:
        with pytest.raises(RunFailed, match="is REMOVED"):
            look(state("ARCHIVED", failed_states=["REMOVED"]), boi(state="REMOVED"))
        assert isinstance(look(state("REMOVED", failed_states=["REMOVED"]), boi(state="REMOVED")), Done)

    def test_detail(self) -> None:
        assert look(state("ARCHIVED"), boi()) == Pending("state ALL")


@pytest.mark.parametrize("condition", [field(values=["7"]), state("ARCHIVED")], ids=["field", "state"])
def test_an_instance_that_is_not_there(condition: Any) -> None:
    with pytest.raises(NotFound):
        Driven(condition.check(API), [answer({}, status=404)])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (field(values=["7", "8"]), f"field NUM of MyBPM instance ORD/{BOI_ID} to be '7' or '8'"),
        (field(changed_from="7"), f"field NUM of MyBPM instance ORD/{BOI_ID} to change"),
        (state("ALL", "DEV"), f"MyBPM instance ORD/{BOI_ID} to be ALL or DEV"),
    ],
    ids=["values", "change", "states"],
)
def test_words_and_json(condition: Condition, words: str) -> None:
    assert str(condition) == words
    assert condition.remote_id == f"ORD/{BOI_ID}"
    stored = json.loads(json.dumps(condition.to_json()))
    back = Condition.from_json(stored)
    assert (type(back), back.to_json()) == (type(condition), stored)
