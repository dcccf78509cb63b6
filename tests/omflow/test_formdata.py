"""What may go into a form, and in which shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.api.form_data import check_field, column, form_items, stored, typed

fields = st.from_regex(r"FORMITM_[0-9]{1,3}", fullmatch=True)
#: What can be sent: no database of the vendor's keeps NUL.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))

values = (
    TEXT
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(TEXT | st.integers())
    | st.dictionaries(TEXT, TEXT | st.integers())
)


@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [
        ("text", "inputbox", "text"),
        ("", "inputbox", ""),
        ("007", "inputbox", "007"),
        (480, "inputbox", "480"),
        (1.5, "inputbox", "1.5"),
        (Decimal("1E+3"), "inputbox", "1000"),
        (Decimal("10.50"), "inputbox", "10.50"),
        (["a", 1], "checkbox", ["a", "1"]),
        (("a",), "checkbox", ["a"]),
        ([], "checkbox", []),
        ({"group": 1, "user": "me"}, "h_group", {"group": "1", "user": "me"}),
    ],
    ids=repr,
)
def test_type_follows_from_the_value(value: Any, kind: str, sent: Any) -> None:
    items = form_items({"FORMITM_1": value})
    assert items == [{"id": "FORMITM_1", "value": sent}]
    assert typed(items, {}, version="1.1") == [{"id": "FORMITM_1", "type": kind, "value": sent}]
    assert typed(items, {}, version="1.2") == items, "as the manual shows them"


GROUP = {"group": "1", "user": "me"}


@pytest.mark.parametrize(
    ("form", "item_types", "shown", "kinds"),
    [
        ({"FORMITM_1": "x"}, None, "h_title", ("h_title", "h_title")),
        ({"FORMITM_1": "x"}, {"FORMITM_1": "h_level"}, "h_title", ("h_level", "h_level")),
        ({"FORMITM_1": "x"}, '{"FORMITM_1": "h_level"}', None, ("h_level", "h_level")),
        ([{"id": "FORMITM_1", "type": "own", "value": "x"}], {"FORMITM_1": "h_level"}, None, ("own", "own")),
        ({"FORMITM_1": GROUP}, None, "h_group", ("h_group", "h_group")),
        # With the form's type, the server would refuse it.
        ({"FORMITM_1": "1,me"}, None, "h_group", ("inputbox", None)),
        ({"FORMITM_1": "x"}, {"FORMITM_2": "h_title"}, None, ("inputbox", None)),
    ],
    ids=str,
)
def test_type_of_an_item(
    form: Any, item_types: Any, shown: str | None, kinds: tuple[str, str | None]
) -> None:
    types = {} if shown is None else {"FORMITM_1": shown}
    items = form_items(form, item_types)
    assert tuple(typed(items, types, version=one)[0].get("type") for one in ("1.1", "1.2")) == kinds


@pytest.mark.parametrize(
    ("item_types", "said"),
    [
        ("h_title", "item_types is text but not JSON"),
        (["h_title"], "item_types must be a mapping of FORMITM_n to type, got list"),
        ({"title": "h_title"}, "'title' is not a form field"),
        ({"FORMITM_1": 7}, "form_data FORMITM_1: type must be text, got int"),
    ],
    ids=str,
)
def test_item_types_that_cannot_be(item_types: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        form_items({"FORMITM_1": "x"}, item_types)


@pytest.mark.parametrize(
    "value", [None, True, False, b"bytes", object()], ids=["none", "true", "false", "bytes", "object"]
)
def test_values_that_omflow_does_not_have(value: Any) -> None:
    with pytest.raises(InvalidInput, match="form_data FORMITM_1: expected text, a number"):
        form_items({"FORMITM_1": value})


@pytest.mark.parametrize(
    "name",
    [
        "closed",
        "title",
        "data_no",
        "formitm_1",
        "FORMITM_",
        "FORMITM_1 ",
        "FORMITM_1\n",
        "FORMITM_x",
        "XFORMITM_1",
        "FORMITM_-1",
        "FORMITM_\u0661",
        "",
        1,
        None,
    ],
    ids=repr,
)
def test_ids_that_are_no_form_fields(name: Any) -> None:
    # Recorded: an open with the id "closed" made an order born closed.
    for form in ({name: "x"}, [{"id": name, "value": "x"}]):
        with pytest.raises(InvalidInput, match="is not a form field"):
            form_items(form)
    with pytest.raises(InvalidInput):
        column(name)


@pytest.mark.parametrize(
    "form",
    [
        7,
        True,
        b"x",
        [7],
        ["FORMITM_1"],
        [{"id": "FORMITM_1"}],
        [{"value": "x"}],
        [{"id": "FORMITM_1", "value": "x", "typ": "h_title"}],
        [{"id": "FORMITM_1", "value": "x", "type": 7}],
        [{"id": "FORMITM_1", "value": "x"}, {"id": "FORMITM_1", "value": "y"}],
        "FORMITM_1=x",
        "",
        "None",
        "{'FORMITM_1': 'x'}",
        "7",
        "null",
    ],
    ids=repr,
)
def test_forms_that_are_none(form: Any) -> None:
    with pytest.raises(InvalidInput):
        form_items(form)


def test_nothing() -> None:
    assert form_items(None) == form_items({}) == form_items([]) == form_items("{}") == []


def test_items_keep_their_type() -> None:
    assert form_items([{"id": "FORMITM_1", "type": "h_title", "value": 7}]) == [
        {"id": "FORMITM_1", "type": "h_title", "value": "7"}
    ]


def test_text_that_is_no_json_says_how_to_template() -> None:
    with pytest.raises(InvalidInput, match=r"start_input is text but not JSON\. .* filter tojson"):
        from_text("{{ x }}", "start_input")


@given(st.dictionaries(fields, values))
def test_any_form_becomes_items_that_the_vendor_takes(form: dict[str, Any]) -> None:
    items = form_items(form)
    assert [item["id"] for item in items] == list(form)
    for item in typed(items, {}, version="1.1"):
        assert set(item) == {"id", "type", "value"}
        assert isinstance(item["value"], (str, list, dict))
        entries = item["value"] if isinstance(item["value"], list) else []
        assert all(isinstance(entry, str) for entry in entries)
    assert form_items(items) == items, "items are themselves a form"
    assert form_items(json.dumps(form)) == items, "JSON text means the same"


@given(st.text())
def test_a_field_is_one_or_is_refused(name: str) -> None:
    try:
        assert check_field(name) == name
    except InvalidInput:
        assert not (name.startswith("FORMITM_") and name[8:].isascii() and name[8:].isdigit())
    else:
        assert column(name) == name.lower()


def test_stored_values() -> None:
    assert [stored(value) for value in ("a", ["a"], {"a": "b"})] == ["a", '["a"]', '{"a": "b"}']
