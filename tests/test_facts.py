"""Keeps the facts about vendors, ``tests/<vendor>/facts.toml``, and the tests that they name from rotting."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

from airflow_provider_workflows.provider import FORMS

ROOT = Path(__file__).parent.parent
#: By the vendor's folder, the names of the tests that prove each fact.
FACTS: dict[str, dict[str, list[str]]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests").glob("*/facts.toml"))
}


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


def test_every_vendor_has_its_facts() -> None:
    assert {form.conn_type for form in FORMS} <= set(FACTS)
    assert sum(map(len, FACTS.values())) > 250


@pytest.mark.parametrize(
    ("vendor", "fact"),
    [(vendor, fact) for vendor, facts in FACTS.items() for fact in facts],
    ids=lambda text: text[:60],
)
def test_the_named_tests_exist(vendor: str, fact: str) -> None:
    named = FACTS[vendor][fact]
    assert named, "no test is named"
    for name in named:
        path, _, test = name.partition("::")
        assert test in functions_of(path), name
