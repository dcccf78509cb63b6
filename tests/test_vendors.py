"""
What is written by hand for each vendor beside its room, and which of it a vendor lacks.

CONTRIBUTING.md has the same in order. What could be derived from ``provider.FORMS`` is, and is not here.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.base.form import ConnectionForm
from airflow_provider_workflows.provider import FORMS, NOTIFIERS
from airflow_provider_workflows.sandbox.declaration import load_declaration
from airflow_provider_workflows.sandbox.registry import BUILDERS
from dev.layout import EXAMPLE_DAGS, ROOT
from dev.vendors import CONNECTIONS
from tests.browser.accounts import accounts
from tests.sixth_vendor.pigeon.connection import FORM as PIGEON
from tests.system.accounts import Accounts
from tests.system.chaos.lifecycle.scenes import WAITING
from tests.system.chaos.variants import MANY, SENSORS, VARIANTS
from tests.system.dags import canary
from tests.system.test_zz_secrets import READS, STARTS

DOCS = ROOT / "docs"
KNOWN = Accounts.random()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_PROMISES = re.compile("<!-- promises: .*?<!-- end of promises -->", re.DOTALL)


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def short(form: ConnectionForm) -> str:
    """What tables call the vendor that have no room for its whole name, such as Robusta."""
    return form.hook_name.split()[0]


def layered(form: ConnectionForm) -> bool:
    (layers,) = (one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["id"] == "layers")
    return form.conn_type in re.findall(r"\w+", " ".join(layers["layers"]))


def mounted(form: ConnectionForm) -> str | None:
    return next((one.mount for one in CONNECTIONS if one.conn_type == form.conn_type), None)


@cache
def declared() -> str:
    """The declaration of the system tests, with the secrets that they made up as :data:`KNOWN`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "processes.toml"
        KNOWN.declare(path)
        return str(tomllib.loads(path.read_text(encoding="utf-8")))


def notified(form: ConnectionForm) -> bool:
    """Whether the vendor's notifiers, if it has any, are told to Airflow."""
    module = f"{form.hook_class.rsplit('.', 2)[0]}.notifier"
    return find_spec(module) is None or any(path.startswith(f"{module}.") for path in NOTIFIERS)


#: What must be written, and whether it is.
PLACES: dict[str, Callable[[ConnectionForm], bool]] = {
    "pyproject.toml: the row of vendor rooms in the contract `layers`": layered,
    "pyproject.toml: its name in the description": lambda form: (
        form.hook_name in PROJECT["project"]["description"]
    ),
    "provider.py: its notifiers in NOTIFIERS": notified,
    "sandbox/registry.py: an entry in BUILDERS": lambda form: form.conn_type in BUILDERS,
    "sandbox/processes.toml: a table with accounts and processes": lambda form: (
        form.conn_type in load_declaration()
    ),
    "sandbox/connections.py: an entry in _WAYS": lambda form: (
        (form.conn_type, form.hook_name) in {(one.conn_type, one.vendor) for one in CONNECTIONS}
    ),
    "example_dags/: a DAG": lambda form: any(EXAMPLE_DAGS.glob(f"{form.conn_type}_*.py")),
    "tests/: a folder": lambda form: (ROOT / "tests" / form.conn_type).is_dir(),
    "tests/sandbox/: a folder, or test_*.py there": lambda form: (
        form.conn_type == "omflow" or (ROOT / "tests" / "sandbox" / form.conn_type).is_dir()
    ),
    "tests/README.md: a table of facts": lambda form: f"\n## {form.hook_name}\n" in text("tests/README.md"),
    "tests/system/accounts.py: its secret in declare()": lambda form: (
        repr(KNOWN.secrets.get(form.conn_type)) in declared()
    ),
    "tests/system/dags/canary.py: an entry in VENDORS": lambda form: form.conn_type in canary.VENDORS,
    "tests/system/test_zz_secrets.py: entries in READS and STARTS": lambda form: (
        form.conn_type in READS.keys() & STARTS.keys()
    ),
    "tests/system/chaos/variants.py: a variant": lambda form: (
        mounted(form) in {one.mount for one in (*VARIANTS.values(), *SENSORS)}
    ),
    "tests/system/chaos/variants.py: a variant in MANY": lambda form: (
        mounted(form) in {VARIANTS[name].mount for name in MANY}
    ),
    "tests/system/chaos/lifecycle/scenes.py: a variant in WAITING": lambda form: (
        mounted(form) in {one.mount for one in WAITING}
    ),
    "tests/browser/accounts.py: an account": lambda form: (
        form.conn_type in {one.conn_type for one in accounts("http://127.0.0.1:1")}
    ),
    "README.md: a row of the systems": lambda form: f"| **{form.hook_name}**" in text("README.md"),
    "README.md: a link to its page": lambda form: f"(docs/{form.conn_type}.md)" in text("README.md"),
    "README.md: rows of what is promised": lambda form: (
        f"| {short(form)} " in _PROMISES.findall(text("README.md"))[0]
    ),
    "docs/: its page": lambda form: (DOCS / f"{form.conn_type}.md").is_file(),
    "docs/index.md: a row, and the page in its toctree": lambda form: (
        f"| [{form.hook_name}]({form.conn_type}.md)" in text("docs/index.md")
        and f"\n{form.conn_type}\n" in text("docs/index.md")
    ),
    "docs/api/: its reference": lambda form: (DOCS / "api" / f"{form.conn_type}.rst").is_file(),
    "docs/api/index.md: the reference in its toctree": lambda form: (
        f"\n{form.conn_type}\n" in text("docs/api/index.md")
    ),
    "docs/connections.md: a section with the marks of its table": lambda form: (
        f"\n## {form.hook_name}\n" in text("docs/connections.md")
        and f"\n<!-- fields of {form.conn_type} -->\n" in text("docs/connections.md")
    ),
    "docs/connections.md: a row of what its test does": lambda form: (
        len(re.findall(rf"^\| {form.hook_name}[,| ]", text("docs/connections.md"), re.MULTILINE)) > 1
    ),
    "docs/events.md: a row of what can be watched": lambda form: (
        f"\n| {short(form)} " in text("docs/events.md")
    ),
    "docs/observability.md: its type among the values of `vendor`": lambda form: (
        f"`{form.conn_type}`" in text("docs/observability.md")
    ),
    "docs/getting-started.md: its name, and its page": lambda form: (
        f"**{form.hook_name}**" in text("docs/getting-started.md").replace("\n", " ")
        and f"({form.conn_type}.md)" in text("docs/getting-started.md")
    ),
    "docs/hooks.md: its hook": lambda form: f"`{form.hook_class.rsplit('.')[-1]}`" in text("docs/hooks.md"),
    "docs/testing.md: its connection": lambda form: f"`{form.conn_type}_default`" in text("docs/testing.md"),
    "CHANGELOG.md: its name": lambda form: form.hook_name in text("CHANGELOG.md"),
}


def missing(form: ConnectionForm) -> list[str]:
    return [place for place, is_there in PLACES.items() if not is_there(form)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_a_vendor_is_everywhere_where_it_must_be(form: ConnectionForm) -> None:
    absent = missing(form)
    assert not absent, "\n  ".join([f"{form.hook_name} is not yet in (see CONTRIBUTING.md):", *absent])


def test_every_place_is_missed_of_a_vendor_that_has_none() -> None:
    assert missing(PIGEON) == list(PLACES)
