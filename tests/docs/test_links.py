"""Links of the README lead somewhere; those between the pages are Sphinx's to check."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT, links, sections


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and MyST make them."""
    titles = (one.title.lower().replace("`", "") for one in sections(page))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


RELATIVE = [
    (page, target)
    for page in PAGES
    for target in links(page)
    if not urlsplit(target).scheme and page.parent.name != "shared"
]


@pytest.mark.parametrize(("page", "target"), RELATIVE, ids=lambda one: getattr(one, "name", one))
def test_it_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    assert there.exists()
    assert there.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(there)


def test_links_are_found() -> None:
    assert len(RELATIVE) > 50
    assert "what-it-guarantees" in anchors(ROOT / "README.md")
