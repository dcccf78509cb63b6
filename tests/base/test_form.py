"""One declaration, and what each Airflow reads of it."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.base.form import COMMON_FIELDS, ConnectionForm, Field

FORM = ConnectionForm(
    conn_type="other",
    hook_name="Other",
    hook_class="nowhere.Hook",
    vendor_docs="https://example.com/docs",
    labels={"host": "Server"},
    placeholders={"host": "https://"},
    hidden=("schema",),
    fields=(Field(name="tenant_token", label="Token", secret=True),),
)


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        (Field(name="a", label="A"), {"type": ["string", "null"]}),
        (
            Field(name="a", label="A", kind="boolean", default=False),
            {"type": ["boolean", "null"], "default": False},
        ),
        (Field(name="a", label="A", choices=("x", "y")), {"type": ["string", "null"], "enum": ["x", "y"]}),
        (
            Field(name="a", label="A", kind="number", minimum=0),
            {"type": ["number", "null"], "minimum": 0, "exclusiveMinimum": 0},
        ),
        (Field(name="a", label="A", secret=True), {"type": ["string", "null"], "format": "password"}),
    ],
    ids=["plain", "default", "choices", "minimum", "secret"],
)
def test_schema_of_a_field(field: Field, schema: dict[str, object]) -> None:
    assert field.conn_field() == {"label": "A", "schema": schema}


def test_help_is_the_description() -> None:
    assert "description" not in Field(name="a", label="A").conn_field()
    assert Field(name="a", label="A", help="h").conn_field()["description"] == "h"


def test_connection_type() -> None:
    entry = FORM.connection_type()
    assert (entry["connection-type"], entry["hook-name"], entry["hook-class-name"]) == (
        "other",
        "Other",
        "nowhere.Hook",
    )
    assert entry["ui-field-behaviour"] == {
        "hidden-fields": ["schema"],
        "relabeling": {"host": "Server"},
        "placeholders": {"host": "https://"},
    }
    assert list(entry["conn-fields"]) == ["tenant_token", *(one.name for one in COMMON_FIELDS)]


def test_common_fields_have_the_http_providers_names_where_it_has_them() -> None:
    names = [one.name for one in COMMON_FIELDS]
    assert sorted(names) == ["cert", "namespace", "proxies", "timeout", "verify"]


def test_default_connection_id() -> None:
    assert FORM.default_conn_id == "other_default"
