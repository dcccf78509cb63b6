"""One declaration, and what each Airflow reads of it."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.core.connection.form import (
    COMMON_FIELDS,
    LIMIT,
    NETWORK,
    ConnectionForm,
    Field,
)
from airflow_provider_workflows.core.connection.ui_link import UiLink
from airflow_provider_workflows.provider import FORMS
from tests.core.airflow_private import HIDES, private

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
        (Field(name="a", label="A", required=True), {"type": "string"}),
        (
            Field(name="a", label="A", choices=("x", "y"), words={"x": "Ex"}),
            {"type": ["string", "null"], "enum": ["x", "y"], "values_display": {"x": "Ex", "y": "y"}},
        ),
        (Field(name="a", label="A", examples=("x",)), {"type": ["string", "null"], "examples": ["x"]}),
        (Field(name="a", label="A", section="S"), {"type": ["string", "null"], "section": "S"}),
    ],
    ids=["plain", "default", "choices", "minimum", "secret", "required", "words", "examples", "section"],
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
    ours = ["cert_password", "max_answer_mb", "namespace"]
    ours += ["requests_per_second", "limits_url", "limits_password"]
    assert sorted(names) == sorted(["cert", "proxies", "timeout", "verify", *ours])


def test_default_connection_id() -> None:
    assert FORM.default_conn_id == "other_default"


def test_only_a_form_with_a_page_has_a_field_for_its_address() -> None:
    assert "ui_url" not in FORM.connection_type()["conn-fields"]
    page = UiLink(record="a thing", parts=("id",), example="https://x.example/{id}")
    paged = ConnectionForm(
        conn_type="other", hook_name="Other", hook_class="nowhere.Hook", vendor_docs="", ui_link=page
    )
    shown = paged.connection_type()["conn-fields"]["ui_url"]
    assert shown["schema"]["examples"] == ["https://x.example/{id}"]
    assert "a thing" in shown["description"]


def test_fields_are_named_with_their_labels() -> None:
    assert FORM.named("host") == "'host' (Server)"
    assert FORM.named("tenant_token") == "'tenant_token' (Token)"
    assert FORM.named("extra") == "'extra'"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
class TestEveryVendor:
    def test_each_visible_standard_field_says_what_goes_there(self, form: ConnectionForm) -> None:
        shown = {"host", "schema", "login", "password", "port"} - set(form.hidden)
        assert shown <= set(form.labels)
        assert shown == set(form.placeholders)

    def test_each_extra_field_says_what_it_is(self, form: ConnectionForm) -> None:
        assert all(len(one.help) > 20 and one.label for one in form.all_fields)

    def test_what_airflow_takes_for_a_secret_by_its_name_is_one_and_the_reverse(
        self, form: ConnectionForm
    ) -> None:
        hides = private(HIDES)
        # A proxy's URL may hold a login.
        expected = {one.name for one in form.all_fields if one.secret} | {"proxies"}
        assert {one.name for one in form.all_fields if hides(one.name)} == expected

    def test_the_port_is_shown(self, form: ConnectionForm) -> None:
        # Airflow 3.3.2's Test button refuses a connection without one.
        assert "port" not in form.hidden

    def test_words_are_of_choices(self, form: ConnectionForm) -> None:
        for one in form.all_fields:
            assert set(one.words) <= set(one.choices)

    def test_what_most_do_without_is_folded_away(self, form: ConnectionForm) -> None:
        assert {one.name for one in form.all_fields if one.section} == {one.name for one in COMMON_FIELDS}
        assert {one.section for one in COMMON_FIELDS} == {NETWORK, LIMIT}
