"""Declarations of MyBPM objects: the shipped ones, and those that cannot be."""

from __future__ import annotations

import tomllib

import pytest

from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.mybpm.declared import read_declared
from airflow_provider_workflows.sandbox.registry import load_declaration

A = "[objects.A.fields]\nX = {}\n"


def test_the_shipped_objects() -> None:
    declared = read_declared(load_declaration()["mybpm"])
    assert {"CUSTOMER", "REQUEST", "BRANCH", "NOTE", "SILENT", "DEAL"} == set(declared.objects)
    assert declared.users == {"airflow@example.com": "sesame"}
    assert len({item.id for bo in declared.objects.values() for item in bo.fields.values()}) > 10


def test_defaults() -> None:
    declared = read_declared(tomllib.loads(A))
    assert (declared.timezone, declared.session_seconds, declared.page_limit) == ("GMT+0000", 1800, 50)
    bo = declared.objects["A"]
    assert (bo.name, bo.type, bo.process, bo.reticent) == ("A", "BO", (), False)
    assert (bo.fields["X"].type, bo.fields["X"].unique) == ("INPUT_TEXT", False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("colour = 1", "unknown colour"),
        ("[objects.A]\ntype = 'THING'", "type cannot be 'THING'"),
        ("[objects.A.fields]\nX = {type = 'TEXT'}", "type cannot be 'TEXT'"),
        ("[objects.A.fields]\nX = {type = 'REFERENCE'}", "needs `to`"),
        ("[objects.A.fields]\nX = {type = 'RADIO_BUTTON_GROUP'}", "`options`"),
        (
            "[objects.A.fields]\nX = {type = 'RADIO_BUTTON_GROUP', options = {a = 'b'}}",
            "16 characters, not a",
        ),
        ("[objects.A.fields]\nX = {type = 'REFERENCE', to = 'B'}", "no object 'B'"),
        (A + "[[objects.A.process]]\nafter = 1", "a step needs a name"),
        (A + "[[objects.A.process]]\nname = 's'\nset = {Y = '1'}", "writes to {'Y': '1'}, not to fields"),
        (A + "[[objects.A.process]]\nname = 's'\nchoices = {Go = 1}", "writes to 1, not to fields"),
        (A + "[[objects.A.process]]\nname = 's'\nstate = 'GONE'", "state cannot be 'GONE'"),
        (A + "[[instances]]\nobject = 'B'", "no object 'B'"),
        (A + "[[instances]]\nobject = 'A'\nvalues = {Y = '1'}", "A has no Y"),
    ],
)
def test_what_cannot_be(text: str, reason: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_declared(tomllib.loads(text))
    assert reason in str(caught.value)
