"""The tables in the documentation are what the declarations say."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.base.page import VendorPage
from airflow_provider_workflows.base.trial import ADVICE, ANSWER, CONNECT
from airflow_provider_workflows.provider import FORMS
from dev.connection_tables import PAGE, written

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_fields_as_they_are_declared() -> None:
    assert written(TEXT) == TEXT, "make it anew with `python -m dev.connection_tables`"


def test_a_page_without_a_place_for_a_vendor_is_noticed() -> None:
    with pytest.raises(ValueError, match="fields of kiban"):
        written(TEXT.replace("<!-- fields of kiban -->", ""))


def test_the_page_names_every_failure_of_the_test_button() -> None:
    for name in {name for _, name, _ in ADVICE}:
        assert f"| `{name}`" in TEXT
    patience = f"at most {CONNECT:g} seconds for a connection and {ANSWER:g} for an answer"
    assert patience in " ".join(TEXT.split())


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_the_page_names_every_placeholder_of_a_link(form: object) -> None:
    page: VendorPage = form.page  # type: ignore[attr-defined]
    told = ", ".join(f"`{{{part}}}`" for part in page.parts)
    assert f"| {form.hook_name} | {told} |" in TEXT  # type: ignore[attr-defined]
