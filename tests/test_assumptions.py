"""What no source says of a vendor is marked in one way: what is assumed, and what would show it wrong."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "airflow_provider_workflows"
#: Vendors whose statements have been gone through.
DONE = ("blizwork", "kiban", "mybpm", "omflow", "robusta")
MARKED = re.compile(r"Assumption: .+?\. Wrong if ", re.DOTALL)
MODULES = [path for vendor in DONE for path in sorted((PACKAGE / vendor).rglob("*.py"))]


def prose(source: str) -> Iterator[str]:
    """Yield a module's docstrings, and its comments, each with those on the next lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield " ".join((ast.get_docstring(node) or "").split())
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                yield " ".join(block)
                block = []
            block.append(token.string.lstrip("#: "))
            last = token.start[0]
    yield " ".join(block)


def unmarked(text: str) -> bool:
    """Whether a text assumes something, but does not say so as all do."""
    return len(re.findall("assum", text, re.IGNORECASE)) != len(MARKED.findall(text))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_each_assumption_says_what_would_show_it_wrong(path: Path) -> None:
    assert [text for text in prose(path.read_text(encoding="utf-8")) if unmarked(text)] == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("# Assumption: it is so. Wrong if it is not.", False),
        ("# Assumption: it is\n# so. Wrong\n# if it is not.", False),
        ('"""Do it.\n\nAssumption: it is so; yes. Wrong if\nnot."""', False),
        ("# It is so (assumption).", True),
        ("# It is assumed.", True),
        ("# Assumption: it is so.\n\n# Wrong if it is not.", True),
        ("def f():\n    '''Assumption: it is so.'''", True),
        ("# Assumption: a. Wrong if b. It is assumed too.", True),
    ],
)
def test_what_counts_as_marked(source: str, wrong: bool) -> None:
    assert any(map(unmarked, prose(source))) is wrong


@pytest.mark.parametrize("vendor", DONE)
def test_the_vendors_page_lists_them_in_the_same_way(vendor: str) -> None:
    before, _, told = (
        (ROOT / "docs" / f"{vendor}.md").read_text(encoding="utf-8").partition("\n## Assumptions\n")
    )
    told, _, _ = told.partition("\n## ")
    items = [" ".join(item.split()) for item in re.split(r"^- ", told, flags=re.MULTILINE)[1:]]
    assert len(items) >= 5
    assert [item for item in items if not re.match(r"\*\*Assumption:\*\* .*\. \*Wrong if\* .+\.", item)] == []
    elsewhere = re.findall(r"(?<!\[)(?<!#)\bassum\w+", before, re.IGNORECASE)
    assert elsewhere == [], "link to the section instead"
