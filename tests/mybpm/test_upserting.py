"""An upsert before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown
from airflow_provider_workflows.mybpm.api.boi import read_boi, read_structure
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.api.upsert import Upsert, check_against, read_values, still_pending
from tests.mybpm.driving import BOI_ID, boi, structure

REF = FieldReference("CLIENT", "IIN", ["900101", "900102"])


def test_body() -> None:
    due = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert Upsert.read("ORD", {"NUM": 7, "DUE": due, "SUM": Decimal("1E+2"), "OK": True}).body() == {
        "boCode": "ORD",
        "fieldValues": {"NUM": "7", "DUE": "2030-01-02T03:04:05.000Z", "SUM": "100", "OK": "true"},
    }


def test_body_with_everything() -> None:
    other = FieldReference("CLIENT", "PHONE", ["1"], bo_code="ORD")
    wanted = Upsert.read(
        "ORD", {"NUM": "7"}, boi_id=BOI_ID, field_ref_add=[REF], field_ref_remove=[other], remove_after=True
    )
    assert wanted.body() == {
        "boCode": "ORD",
        "boiId": BOI_ID,
        "fieldValues": {"NUM": "7"},
        "fieldRefAdd": [
            {"fieldCode": "CLIENT", "fieldRefUniqCode": "IIN", "apiValues": ["900101", "900102"]}
        ],
        "fieldRefRemove": [
            {"fieldCode": "CLIENT", "boCode": "ORD", "fieldRefUniqCode": "PHONE", "apiValues": ["1"]}
        ],
        "removeAfter": True,
    }
    assert wanted.without_references().body() == {
        "boCode": "ORD",
        "boiId": BOI_ID,
        "fieldValues": {"NUM": "7"},
    }


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (None, {}),
        ('{"NUM": 7, "SUM": 0.10}', {"NUM": "7", "SUM": "0.10"}),
        ({"ON": "decisionYes~0001"}, {"ON": "decisionYes~0001"}),
    ],
    ids=["none", "JSON text keeps its digits", "option id"],
)
def test_values(values: Any, read: dict[str, str]) -> None:
    assert read_values(values) == read


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"bo_code": ""}, "bo_code must be a non-empty code"),
        ({"bo_code": "None"}, "bo_code must be a non-empty code"),
        ({"boi_id": "None"}, "boi_id must be 16"),
        ({"boi_id": ""}, "boi_id must be 16"),
        ({"field_values": {}}, "nothing to write"),
        ({"field_values": [("NUM", "7")]}, "must be a mapping"),
        ({"field_values": "NUM=7"}, "field_values is text but not JSON"),
        ({"field_values": {"NUM": None}}, "field_values NUM: None is not a text"),
        ({"field_values": {"NUM": datetime(2030, 1, 2)}}, "field_values NUM: the datetime has no time zone"),
        ({"field_values": {"": "x"}}, "each key of field_values"),
        ({"field_ref_add": [7]}, r"field_ref_add\[0\]"),
        ({"field_ref_remove": [7]}, r"field_ref_remove\[0\]"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_input_is_named(wrong: dict[str, Any], expected: str) -> None:
    given = {"bo_code": "ORD", "field_values": {"NUM": "7"}, **wrong}
    with pytest.raises(InvalidInput, match=expected):
        Upsert.read(**given)


#: Structure's word on NUM -> whether a sending with the unique field NUM may be repeated.
WORD: dict[str, tuple[Any, bool]] = {
    "unknown structure": (None, True),
    "no word": (structure("NUM"), True),
    "unique": (structure(NUM={"unique": True}), True),
    "not unique": (structure(NUM={"unique": False}), False),
    "no such field": (structure("OTHER"), True),
}


@pytest.mark.parametrize("word", WORD)
def test_unique_field_counts_unless_the_structure_denies_it(word: str) -> None:
    raw, repeatable = WORD[word]
    told = None if raw is None else read_structure(raw)
    reason = Upsert.read("ORD", {"NUM": "7"}).why_once("NUM", told)
    assert (reason is None) is repeatable


@pytest.mark.parametrize(
    ("upsert", "unique_field", "expected"),
    [
        ({"field_values": {"NUM": "7"}}, None, "neither boi_id nor unique_field"),
        ({"field_values": {"NAME": "x"}}, "NUM", "no value for the unique_field 'NUM'"),
        ({"field_values": {"NUM": "7"}, "boi_id": BOI_ID}, None, None),
        ({"field_values": {"NUM": "7"}, "boi_id": BOI_ID}, "OTHER", None),
    ],
    ids=["neither", "not among the values", "boi_id", "boi_id and another field"],
)
def test_why_a_call_is_sent_once(upsert: Any, unique_field: Any, expected: str | None) -> None:
    reason = Upsert.read("ORD", **upsert).why_once(unique_field, None)
    assert reason == expected if expected is None else expected in str(reason)


@pytest.mark.parametrize("value", ["", " \t"])
def test_an_empty_value_of_the_unique_field_is_refused(value: str) -> None:
    """It would select nothing, so each call would create another instance."""
    upsert = Upsert.read("ORD", {"NUM": value})
    with pytest.raises(InvalidInput, match="field_values has an empty value for the unique_field 'NUM'"):
        upsert.why_once("NUM", None)


@pytest.mark.parametrize(
    ("upsert", "unique_field", "target"),
    [
        ({"field_values": {"NUM": "7", "NAME": "x"}}, "NUM", ("ORD", "NUM", "7")),
        ({"field_values": {"NUM": "7"}, "boi_id": BOI_ID}, None, ("ORD", BOI_ID)),
        ({"field_values": {"NUM": "7"}, "boi_id": BOI_ID}, "NUM", ("ORD", BOI_ID)),
    ],
    ids=["unique field", "boi_id", "both: boi_id names it"],
)
def test_what_names_the_instance(upsert: Any, unique_field: Any, target: tuple[str, ...]) -> None:
    assert Upsert.read("ORD", **upsert).target(unique_field) == target


FIELDS = structure(
    "FREE",
    "CLIENT",
    NUM={"type": "INPUT_NUMBER"},
    DUE={"type": "FULL_DATE"},
    STATUS={"type": "RADIO_BUTTON_GROUP", "options": [{"id": "statusNew~000001", "label": "new"}]},
    CHOICE={"type": "RADIO_BUTTON_GROUP"},
    ODD={"type": "SOMETHING_ELSE"},
)


def checked(bo_type: str = "BO", **upsert: Any) -> None:
    own = read_structure({**FIELDS, "boType": bo_type})
    holder = read_structure({**structure("LAWYER"), "boCode": "FIRM"})
    check_against(Upsert.read("ORD", **upsert), {"ORD": own, "FIRM": holder})


def test_what_fits_the_structure() -> None:
    checked(
        field_values={
            "FREE": "any",
            "NUM": Decimal("7.5"),
            "DUE": datetime.now(UTC),
            "STATUS": "statusNew~000001",
            "CHOICE": "aaaaBBBBcccc0001",
            "ODD": "any",
        },
        field_ref_add=[REF, FieldReference("LAWYER", "IIN", ["1"], bo_code="FIRM")],
    )
    checked(field_values=dict.fromkeys(("NUM", "DUE", "STATUS", "CHOICE"), ""))


def test_each_wrong_field_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(
            field_values={
                "FREE": "any",
                "NIM": "7",
                "NUM": "seven",
                "DUE": "tomorrow",
                "STATUS": "new",
                "CHOICE": "yes",
            },
            field_ref_add=[FieldReference("KLIENT", "IIN", ["1"])],
            field_ref_remove=[FieldReference("CLIENT", "IIN", ["1"], bo_code="FIRM")],
        )
    message = str(caught.value)
    for part in (
        "The values do not fit ORD",
        "field_values NIM: no such field",
        "field_values NUM: the value is not valid for the type INPUT_NUMBER",
        "field_values DUE:",
        "field_values STATUS: the value is not the id of one of its options",
        "field_values CHOICE: the value is not the id of an option",
        "field_ref_add KLIENT: ORD has no such field",
        "field_ref_remove CLIENT: FIRM has no such field",
    ):
        assert part in message
    assert "FREE" not in message


def test_fields_inside_a_co_need_a_bo_code() -> None:
    with pytest.raises(InvalidInput, match="field_ref_add CLIENT: requires bo_code, because ORD is a CO"):
        checked("CO", field_ref_add=[REF])
    checked("CO", field_ref_add=[FieldReference("LAWYER", "IIN", ["1"], bo_code="FIRM")])


def test_what_is_still_to_link_and_to_unlink() -> None:
    wanted = Upsert.read(
        "ORD",
        {"NUM": "7"},
        boi_id=BOI_ID,
        field_ref_add=[REF],
        field_ref_remove=[FieldReference("LAWYER", "IIN", ["1", "2"])],
    )
    nested: dict[Any, Any] = {
        (None, "CLIENT"): [read_boi(boi(IIN="900102"))],
        (None, "LAWYER"): [read_boi(boi(IIN="2"))],
    }
    left = still_pending(wanted, nested)
    assert [one.values for one in left.add] == [("900101",)]
    assert [one.values for one in left.remove] == [("2",)]
    assert left.values == wanted.values
    done: dict[Any, Any] = {
        (None, "CLIENT"): [read_boi(boi(IIN=iin)) for iin in REF.values],
        (None, "LAWYER"): [],
    }
    assert still_pending(wanted, done) == wanted.without_references()


def test_what_cannot_be_told_is_a_doubt() -> None:
    wanted = Upsert.read("ORD", {"NUM": "7"}, boi_id=BOI_ID, field_ref_add=[REF])
    with pytest.raises(
        OutcomeUnknown, match=r"in CLIENT cannot be checked\nNested instances lack IIN"
    ) as caught:
        still_pending(wanted, {(None, "CLIENT"): [read_boi(boi(NAME="Asel"))]})
    assert "9001" not in str(caught.value), "the value may be a person's number"
