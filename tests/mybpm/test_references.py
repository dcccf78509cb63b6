"""References to nested instances."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.mybpm.boi import read_boi
from airflow_provider_workflows.mybpm.references import (
    FieldReference,
    Reference,
    check_apart,
    linked,
    only,
    read_references,
)
from airflow_provider_workflows.protocol.errors import InvalidInput
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
        ([{"fieldCode": "A", "unique": "B"}], r"field_ref_add\[0\] has no unique"),
        ([FieldReference("", "IIN", ["1"])], r"field_ref_add\[0\] field_code"),
        ([FieldReference("CLIENT", "None", ["1"])], r"field_ref_add\[0\] unique_code"),
        ([FieldReference("CLIENT", "IIN", ["1"], bo_code=" ")], r"field_ref_add\[0\] bo_code"),
        ([FieldReference("CLIENT", "IIN", [])], r"field_ref_add\[0\] values must be a list of at least one"),
        ([FieldReference("CLIENT", "IIN", "900101")], r"field_ref_add\[0\] values must be a list"),
        ([FieldReference("CLIENT", "IIN", [" "])], r"field_ref_add\[0\] values must not be blank"),
        ([FieldReference("CLIENT", "IIN", [None])], r"field_ref_add\[0\] values: MyBPM has no null"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_entries_are_named(entries: Any, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        read_references(entries, "field_ref_add")


def test_a_link_cannot_be_added_and_removed() -> None:
    add = read_references([FieldReference("CLIENT", "IIN", ["1", "2"])], "field_ref_add")
    with pytest.raises(InvalidInput, match=r"both name CLIENT \('2'\)"):
        check_apart(add, read_references([FieldReference("CLIENT", "IIN", ["2"])], "field_ref_remove"))
    check_apart(add, read_references([FieldReference("CLIENT", "IIN", ["3"])], "field_ref_remove"))
    check_apart(add, read_references([FieldReference("CLIENT", "PHONE", ["2"])], "field_ref_remove"))


def test_what_is_linked() -> None:
    nested = [read_boi(boi(IIN="900101")), read_boi(boi(IIN="900109"))]
    assert linked(CLIENT, nested) == {"900101"}
    assert linked(CLIENT, []) == set()


def test_what_is_linked_cannot_be_told_without_the_unique_field() -> None:
    unnamed = read_boi(boi(NAME="Asel"))
    assert linked(CLIENT, [read_boi(boi(IIN="900101")), unnamed]) is None
    both = [read_boi(boi(IIN="900101")), read_boi(boi(IIN="900102")), unnamed]
    assert linked(CLIENT, both) == {"900101", "900102"}


def test_only_some_values() -> None:
    assert only(CLIENT, {"900102", "x"}) == Reference(
        field_code="CLIENT", unique_code="IIN", values=("900102",)
    )
    assert only(CLIENT, set()) is None
