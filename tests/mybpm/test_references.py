"""References to nested instances."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.api.boi import read_boi
from airflow_provider_workflows.mybpm.api.references import (
    FieldReference,
    Reference,
    linked,
    only,
    read_references,
)
from tests.mybpm.driving import boi

CLIENT = Reference(field_code="CLIENT", unique_code="IIN", values=("900101", "900102"))


@pytest.mark.parametrize(
    "entries",
    [
        [FieldReference("CLIENT", "IIN", ["900101", 900102])],
        FieldReference("CLIENT", "IIN", ("900101", "900102", "900101")),
        [{"field_code": "CLIENT", "unique_code": "IIN", "values": ["900101", "900102"]}],
        [
            {
                "fieldCode": "CLIENT",
                "fieldRefUniqCode": "IIN",
                "apiValues": ["900101", "900102"],
                "boCode": None,
            }
        ],
        '[{"fieldCode": "CLIENT", "fieldRefUniqCode": "IIN", "apiValues": ["900101", 900102]}]',
    ],
    ids=["named tuple", "single", "mapping", "vendor's names", "JSON text"],
)
def test_forms_of_an_entry(entries: Any) -> None:
    assert read_references(entries, "field_ref_add") == (CLIENT,)


@pytest.mark.parametrize("entries", [None, (), [], ""], ids=repr)
def test_none(entries: Any) -> None:
    assert read_references(entries, "field_ref_add") == ()


def test_body_has_the_vendors_names() -> None:
    assert CLIENT.body() == {
        "fieldCode": "CLIENT",
        "fieldRefUniqCode": "IIN",
        "apiValues": ["900101", "900102"],
    }
    inside = read_references([FieldReference("CLIENT", "IIN", ["1"], bo_code="ORD")], "field_ref_add")[0]
    assert inside.body()["boCode"] == "ORD"


def test_entries_may_use_different_unique_fields() -> None:
    entries = [FieldReference("CLIENT", "IIN", ["1"]), FieldReference("CLIENT", "PHONE", ["2"])]
    assert [one.unique_code for one in read_references(entries, "field_ref_add")] == ["IIN", "PHONE"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (7, "field_ref_add must be a list"),
        ("CLIENT", "not JSON"),
        ([7], r"field_ref_add\[0\] must be a FieldReference"),
        ([{"fieldCode": "A", "unique": "B"}], r"field_ref_add\[0\] has unknown keys: unique"),
        ([FieldReference("", "IIN", ["1"])], r"field_ref_add\[0\] field_code"),
        ([FieldReference("CLIENT", "None", ["1"])], r"field_ref_add\[0\] unique_code"),
        ([FieldReference("CLIENT", "IIN", ["1"], bo_code=" ")], r"field_ref_add\[0\] bo_code"),
        ([FieldReference("CLIENT", "IIN", [])], r"field_ref_add\[0\] values must be a list of at least one"),
        ([FieldReference("CLIENT", "IIN", "900101")], r"field_ref_add\[0\] values must be a list"),
        ([FieldReference("CLIENT", "IIN", [" "])], r"field_ref_add\[0\] values must not be blank"),
        ([FieldReference("CLIENT", "IIN", [None])], r"field_ref_add\[0\] values: None is not a text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_entries_are_named(entries: Any, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        read_references(entries, "field_ref_add")


def test_what_is_linked() -> None:
    nested = [read_boi(boi(IIN="900101")), read_boi(boi(IIN="900109"))]
    assert linked(CLIENT, nested) == {"900101"}
    assert linked(CLIENT, []) == set()


def test_what_is_linked_cannot_be_told_without_the_unique_field() -> None:
    unnamed = read_boi(boi(NAME="Asel"))
    assert linked(CLIENT, [read_boi(boi(IIN="900101")), unnamed]) is None
    both = [read_boi(boi(IIN="900101")), read_boi(boi(IIN="900102")), unnamed]
    assert linked(CLIENT, both) == {"900101", "900102"}


def shown(value: str | None, type_: str | None) -> Any:
    return read_boi(boi(U={"apiValue": value, "displayValue": value, "type": type_}))


MOMENT = "2030-01-02T03:04:05.000Z"


@pytest.mark.parametrize(
    ("wanted", "there", "type_", "found"),
    [
        (MOMENT, "2030-01-02T09:04:05.000+06", "FULL_DATE", True),
        (MOMENT, "2030-01-02T09:04:06.000+06", "FULL_DATE", False),
        (MOMENT, "2 January 2030", "FULL_DATE", None),
        ("1000.10", "1000.1", "INPUT_NUMBER", True),
        ("1000.10", "1000.2", "INPUT_NUMBER", False),
        ("1000.10", "1000.1", "INPUT_TEXT", False),
        ("1000.10", "1000.10", None, True),
        ("1000.10", "1000.1", None, None),
        ("1000.10", "1000.1", "SOMETHING_ELSE", None),
        ("1000.10", None, None, False),
        ("1000.10", "", "INPUT_NUMBER", False),
    ],
)
def test_what_is_linked_is_told_whatever_its_spelling(
    wanted: str, there: str | None, type_: str | None, found: bool | None
) -> None:
    one = Reference(field_code="F", unique_code="U", values=(wanted,))
    told = linked(one, [shown(there, type_)])
    assert told == (None if found is None else {wanted} if found else set())


def test_a_value_that_shows_is_linked_whatever_else_cannot_be_told() -> None:
    one = Reference(field_code="F", unique_code="U", values=("1", "2"))
    both = [shown("2", None), shown("1", None)]
    assert linked(one, both) == {"1", "2"}
    assert linked(one, both[:1]) is None


def test_only_some_values() -> None:
    assert only(CLIENT, {"900102", "x"}) == Reference(
        field_code="CLIENT", unique_code="IIN", values=("900102",)
    )
    assert only(CLIENT, set()) is None
