"""What MyBPM answers, in the old form and the new."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.mybpm.api.boi import FieldValue, read_boi, read_bois, read_structure
from tests.mybpm.driving import BOI_ID, boi, structure


def test_new_form() -> None:
    read = read_boi(boi(NUM={"apiValue": "7", "displayValue": "No. 7", "type": "INPUT_NUMBER"}))
    assert (read.boi_id, read.bo_code, read.state, read.is_touched) == (BOI_ID, "ORD", "ALL", True)
    assert read.fields == {"NUM": FieldValue("7", "No. 7", "INPUT_NUMBER")}
    assert read.fields["NUM"].to_python() == Decimal(7)


def test_old_flat_form() -> None:
    read = read_boi({"boiId": BOI_ID, "fieldValues": {"NUM": "7", "NOTE": None}}, bo_code="ORD")
    assert (read.bo_code, read.state, read.is_touched) == ("ORD", None, None)
    assert read.fields == {"NUM": FieldValue("7"), "NOTE": FieldValue(None)}
    assert read.fields["NUM"].to_python() == "7"
    assert read.fields["NUM"].to_python(int) == 7


@pytest.mark.parametrize(
    ("told", "flag"),
    [(True, True), (False, False), ("true", True), ("False", False), (None, None), ("?", None)],
)
def test_is_touched_as_boolean_or_text(told: Any, flag: bool | None) -> None:
    assert read_boi({**boi(), "isTouched": told}).is_touched is flag


@pytest.mark.parametrize("display", [7, 7.5, True, ["a"]], ids=repr)
def test_display_value_that_is_no_text_becomes_one(display: Any) -> None:
    read = read_boi(boi(NUM={"apiValue": display, "displayValue": display, "type": "INPUT_NUMBER"}))
    value = read.fields["NUM"]
    assert isinstance(value.display_value, str)
    assert value.display_value == value.api_value


def test_options_have_their_id_and_their_label() -> None:
    option = {"apiValue": "decisionYes~0001", "displayValue": "yes", "type": "RADIO_BUTTON_GROUP"}
    value = read_boi(boi(DECISION=option)).fields["DECISION"]
    assert (value.to_python(), value.display_value) == ("decisionYes~0001", "yes")


def test_dates_come_with_the_users_zone() -> None:
    due = {"apiValue": "2030-01-02T09:04:05.123+06", "displayValue": "02.01.2030 09:04", "type": "FULL_DATE"}
    assert read_boi(boi(DUE=due)).fields["DUE"].to_python() == datetime(
        2030, 1, 2, 3, 4, 5, 123000, tzinfo=UTC
    )


def test_languages_are_passed_on() -> None:
    assert read_boi({**boi(), "fieldValuesLang": {"NUM": {"ENG": "x"}}}).languages == {"NUM": {"ENG": "x"}}


def test_json_has_all_fields_or_those_asked_for() -> None:
    read = read_boi(boi(NUM="7", NAME="Asel"))
    told = {"apiValue": "7", "displayValue": "7", "type": "INPUT_TEXT"}
    assert read.to_json() == {
        "boi_id": BOI_ID,
        "boCode": "ORD",
        "state": "ALL",
        "isTouched": True,
        "fields": {"NUM": told, "NAME": {**told, "apiValue": "Asel", "displayValue": "Asel"}},
    }
    nothing = {"apiValue": None, "displayValue": None, "type": None}
    assert read.to_json(["NUM", "OTHER"])["fields"] == {"NUM": told, "OTHER": nothing}


@pytest.mark.parametrize(
    "raw", [None, [], "x", {}, {"boiId": None}, {"boiId": ""}, {**boi(), "fieldValues": [1]}]
)
def test_what_is_no_instance(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"boiId|fieldValues"):
        read_boi(raw)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ([], 0),
        ([boi(), boi()], 2),
        (boi(), 1),
        ({"records": [boi()]}, 1),
        ({"records": boi()}, 1),
        ({"records": []}, 0),
    ],
    ids=["none", "array", "object", "records", "one record as object", "no records"],
)
def test_object_where_an_array_is_promised(raw: Any, number: int) -> None:
    assert [one.boi_id for one in read_bois(raw)] == [BOI_ID] * number


@pytest.mark.parametrize("raw", [None, {}, {"rows": [boi()]}, "x", {"records": None}, [1], [{}]], ids=repr)
def test_what_are_no_instances(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"records|boiId"):
        read_bois(raw)


def test_instances_under_another_key() -> None:
    assert len(read_bois({"rows": [boi()]}, key="rows")) == 1


def test_structure() -> None:
    raw = structure(
        "NUM",
        IIN={"type": "INPUT_TEXT", "unique": True},
        STATUS={"type": "RADIO_BUTTON_GROUP", "options": [{"id": "a" * 16, "label": "new"}]},
    )
    read = read_structure(raw)
    assert (read.bo_id, read.bo_code, read.bo_type, read.actual) == ("ordOrdOrdOrdOrd1", "ORD", "BO", True)
    assert read.names == {
        "name": "Order",
        "nameEng": "Order",
        "nameKaz": "Tapsyrys",
        "recordName": "Order no.",
    }
    assert list(read.fields) == ["NUM", "IIN", "STATUS"]
    num, iin, status = read.fields.values()
    assert (num.id, num.label, num.type, num.unique, num.options) == (
        "field~0000000NUM",
        "Num",
        None,
        None,
        None,
    )
    assert (iin.type, iin.unique) == ("INPUT_TEXT", True)
    assert status.options == frozenset({"a" * 16})


@pytest.mark.parametrize("name", ["unique", "isUnique", "uniq", "isUniq"])
@pytest.mark.parametrize(("told", "flag"), [(True, True), ("false", False), (None, None)])
def test_structure_may_tell_uniqueness_under_several_names(name: str, told: Any, flag: Any) -> None:
    assert read_structure(structure(NUM={name: told})).fields["NUM"].unique is flag


def test_structure_with_fields_as_an_array() -> None:
    raw = structure("NUM", "NAME")
    assert set(read_structure({**raw, "fields": list(raw["fields"].values())}).fields) == {"NUM", "NAME"}


@pytest.mark.parametrize(
    "raw", [None, [], {}, {"fields": None}, {"fields": [1]}, {"fields": {"id": {}}}], ids=repr
)
def test_what_is_no_structure(raw: Any) -> None:
    with pytest.raises(ValueError, match="field"):
        read_structure(raw)
