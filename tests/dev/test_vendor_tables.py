"""What the README and the documentation say of each vendor is what the vendors say of themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_workflows.core.connection.probe import ADVICE, ANSWER, CONNECT
from airflow_provider_workflows.provider import FORMS
from dev.vendor_tables import DOCS, PAGES, written

TEXT = (DOCS / "connections.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_is_as_the_vendors_have_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert written(text) == text, "make it anew with `python -m dev.vendor_tables`"


def test_a_place_is_filled() -> None:
    found = written("a\n   <!-- vendors: doubts -->\n   <!-- end of vendors -->\nz")
    assert found.startswith("a\n   <!-- vendors: doubts -->\n\n   | system | where to look |")
    assert found.endswith(" |\n\n   <!-- end of vendors -->\nz")
    with pytest.raises(ValueError, match="no file in docs/vendors has a section 'mistaken'"):
        written("<!-- vendors: mistaken -->\n<!-- end of vendors -->")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_no_vendors_section_is_forgotten(form: object) -> None:
    """Each section of a vendor's file is asked for by a page."""
    text = (DOCS / "vendors" / f"{form.conn_type}.md").read_text(encoding="utf-8")  # type: ignore[attr-defined]
    asked = {
        name
        for page in PAGES
        for name in re.findall("<!-- vendors: (.+) -->", page.read_text(encoding="utf-8"))
    }
    assert set(re.findall("^## (.+)$", text, re.MULTILINE)) <= {*asked, "connection"}


def test_the_page_names_every_failure_of_the_test_button() -> None:
    for name in {name for _, name, _ in ADVICE}:
        assert f"| `{name}`" in TEXT
    patience = f"at most {CONNECT:g} seconds for a connection and {ANSWER:g} for an answer"
    assert patience in " ".join(TEXT.split())
