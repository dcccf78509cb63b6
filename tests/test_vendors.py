"""
Whether a vendor has all that it needs: its folders, files that are found by its name, and three entries.

All else that speaks of vendors is derived from these: lists in tests, tables in the documentation, contracts.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.connection.form import ConnectionForm
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.clock import Clock
from dev.layout import EXAMPLE_DAGS, ROOT
from tests.browser.accounts import accounts
from tests.system.accounts import Accounts
from tests.system.chaos.variants import MANY, VARIANTS, WAITING
from tests.vendors import VENDORS, connection_of

DOCS, TESTS = ROOT / "docs", ROOT / "tests"
KNOWN = Accounts.random()


def has_test_file(name: str) -> Callable[[ConnectionForm], bool]:
    return lambda form: (TESTS / form.conn_type / name).is_file()


def in_the_index(form: ConnectionForm) -> bool:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[{re.escape(form.hook_name)}\]\({form.conn_type}\.md\)", text, re.MULTILINE)
    return row is not None and f"\n{form.conn_type}\n" in text


#: What a vendor needs beside its folder in the package and its entry in ``provider.FORMS``.
PLACES: dict[str, Callable[[ConnectionForm], bool]] = {
    "sandbox/: a folder, and an entry in registry.py": lambda form: (
        (form.conn_type, form.hook_name) in {(one.name, one.title) for one in registry.VENDORS}
    ),
    **{f"tests/<vendor>/{name}": has_test_file(name) for name in ("declared.py", "chaos.py", "facts.toml")},
    "tests/<vendor>/chaos.toml": has_test_file("chaos.toml"),
    "example_dags/: a DAG file <vendor>_….py": lambda form: any(EXAMPLE_DAGS.glob(f"{form.conn_type}_*.py")),
    "docs/<vendor>.md": lambda form: (DOCS / f"{form.conn_type}.md").is_file(),
    "docs/api/vendors/<vendor>.rst": lambda form: (
        DOCS / "api" / "vendors" / f"{form.conn_type}.rst"
    ).is_file(),
    "docs/index.md: a row, and the page in the list below it": in_the_index,
}


def missing(form: ConnectionForm) -> list[str]:
    return [place for place, is_there in PLACES.items() if not is_there(form)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_a_vendor_is_everywhere_where_it_must_be(form: ConnectionForm) -> None:
    absent = missing(form)
    assert not absent, "\n  ".join([f"{form.hook_name} has not yet (see CONTRIBUTING.md):", *absent])


def test_every_place_is_missed_of_a_vendor_that_has_none() -> None:
    assert missing(replace(FORMS[0], conn_type="heron", hook_name="Heron Mail")) == list(PLACES)


@cache
def declared() -> dict[str, Any]:
    """The declaration of the system tests, with the secrets that they made up as :data:`KNOWN`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "processes.toml"
        KNOWN.declare(path)
        return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_its_secrets_let_the_system_tests_in(vendor: str) -> None:
    assert repr(KNOWN.secrets[vendor]) in str(declared()[vendor])
    connection = KNOWN.connections("http://127.0.0.1:1")[f"{vendor}_default"]
    for label in (vendor, *VENDORS[vendor].more_secrets):
        assert repr(KNOWN.secrets[label]) in f"{connection} {declared()[vendor]}"


@pytest.mark.parametrize("vendor", VENDORS)
def test_its_endpoints_and_mounts_are_the_sandboxs(vendor: str) -> None:
    doubles = registry.build(registry.load_declaration(), Clock())
    known = VENDORS[vendor]
    assert {known.reads, known.starts} <= set(doubles[connection_of(vendor).mount].endpoint_names)
    assert set(known.issuers) <= doubles.keys()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_it_is_in_the_matrix_and_in_the_browser(form: ConnectionForm) -> None:
    mount = connection_of(form.conn_type).mount
    assert mount in {VARIANTS[name].mount for name in MANY}
    assert mount in {one.mount for one in WAITING}
    (account,) = (one for one in accounts("http://127.0.0.1:1") if one.conn_type == form.conn_type)
    labels = {form.labels.get("host"), form.labels.get("password")}
    assert labels <= account.standard.keys()


@pytest.mark.parametrize("vendor", VENDORS)
def test_its_example_dags_are_files(vendor: str) -> None:
    found = {path.stem for path in EXAMPLE_DAGS.glob(f"{vendor}_*.py")}
    assert set(VENDORS[vendor].examples) <= found
