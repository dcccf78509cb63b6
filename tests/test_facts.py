"""Keeps the table of facts and tests in ``tests/README.md`` from rotting."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from airflow_provider_workflows.provider import FORMS

ROOT = Path(__file__).parent.parent
ROWS = [line for line in (ROOT / "tests" / "README.md").read_text().splitlines() if line.startswith("| ")]
FACTS = [row for row in ROWS if row != "| fact | test |"]
VENDORS = tuple(form.hook_name for form in FORMS)


@cache
def functions_of(path: str) -> frozenset[str]:
    """Return the tests of a file, those of classes as ``Class::test``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            f"{prefix}{one.name}"
            for one in inside
            if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
        }
    return frozenset(found)


def test_every_vendor_has_its_table() -> None:
    text = (ROOT / "tests" / "README.md").read_text()
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == VENDORS
    assert len(FACTS) > 250


@pytest.mark.parametrize("row", FACTS, ids=lambda row: row.split(" | ")[0].lstrip("| ")[:60])
def test_the_named_tests_exist(row: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", row.rsplit(" | ", 1)[-1])
    assert named, "no test is named"
    for name in named:
        path, _, test = name.partition("::")
        assert test in functions_of(path), name
