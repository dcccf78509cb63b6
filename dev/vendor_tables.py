"""
What the README and the documentation's pages say of each vendor in turn, gathered from the vendors.

A page has a place for it, between ``<!-- vendors: NAME -->`` and ``<!-- end of vendors -->``. There come the
section NAME of each ``docs/vendors/<vendor>.md``, tables that are made from the connections' forms, and the
rows of ``docs/index.md``. ``python -m dev.vendor_tables`` writes the pages anew; a test says when that has
been forgotten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

from airflow_provider_workflows.core.connection.form import COMMON_FIELDS, ConnectionForm, Field
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.connections import SandboxConnection
from dev.vendors import CONNECTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
#: Standard fields of a connection, in the form's order.
STANDARD = ("host", "schema", "login", "password", "port")
_HEAD = "| Field | In the form | What it is, and where it is found |\n|---|---|---|\n"
_PLACE = re.compile(
    r"^(?P<indent> *)<!-- vendors: (?P<name>[a-z -]+) -->\n.*?^ *<!-- end of vendors -->$",
    re.DOTALL | re.MULTILINE,
)


def written(page: str) -> str:
    """Return a page with what it says of the vendors made anew."""
    return _PLACE.sub(_filled, page)


def table(form: ConnectionForm) -> str:
    """Return the table of a vendor's fields."""
    shown = [name for name in STANDARD if name not in form.hidden]
    rows = [_row(name, form.labels.get(name, name), form.placeholders.get(name, "")) for name in shown]
    own = [one for one in form.all_fields if one not in COMMON_FIELDS]
    return _HEAD + "".join(rows + [_own_row(one) for one in own])


def section(form: ConnectionForm, name: str) -> str:
    """Return what a vendor's file says below a heading; nothing if it does not have it."""
    text = (DOCS / "vendors" / f"{form.conn_type}.md").read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0].strip("\n")


def _filled(place: re.Match[str]) -> str:
    indent, name = place["indent"], place["name"]
    text = _MADE.get(name, lambda: _gathered(name))().strip("\n")
    lines = [f"<!-- vendors: {name} -->", "", *text.splitlines(), "", "<!-- end of vendors -->"]
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def _gathered(name: str) -> str:
    """One table of those that the vendors have."""
    tables = [found.splitlines() for form in FORMS if (found := section(form, name))]
    if not tables:
        raise ValueError(f"no file in docs/vendors has a section {name!r}")
    if {tuple(one[:2]) for one in tables} != {tuple(tables[0][:2])}:
        raise ValueError(f"the tables {name!r} in docs/vendors have different heads")
    return "\n".join([*tables[0][:2], *(row for one in tables for row in one[2:])])


def _systems() -> str:
    """Return the table of the documentation's index, as the README links it."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    rows = [line for line in index.splitlines() if line.startswith("|")]
    return "\n".join(rows).replace("](", "](docs/")


def _connections() -> str:
    """Return a section of each vendor: what its file says of the connection, and the fields."""
    return "\n\n".join(
        f"## {form.hook_name}\n\n{section(form, 'connection')}\n\n{table(form)}" for form in FORMS
    )


def _links() -> str:
    pages = [(form.hook_name, form.ui_link.parts) for form in FORMS if form.ui_link is not None]
    rows = [f"| {name} | {', '.join(f'`{{{part}}}`' for part in parts)} |" for name, parts in pages]
    return "\n".join(["| Vendor | Placeholders |", "|---|---|", *rows])


def _common() -> str:
    return _HEAD + "".join(_own_row(one) for one in COMMON_FIELDS)


def _public_names() -> str:
    """Return what the made-up vendor imports of this package: it has a package of its own."""
    names: dict[str, set[str]] = {}
    for path in (ROOT / "tests" / "sixth_vendor").glob("pigeon_*/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                package, _, module = node.module.partition(".")
                if package == "airflow_provider_workflows":
                    names.setdefault(module, set()).update(one.name for one in node.names)
    head = ["| module of `airflow_provider_workflows` | names |", "|---|---|"]
    told = {module: ", ".join(f"`{name}`" for name in sorted(found)) for module, found in names.items()}
    return "\n".join([*head, *(f"| `{module}` | {told[module]} |" for module in sorted(told))])


def _logins() -> str:
    """Return who may log in to the sandbox, at each server that it has."""
    head = ["| system | address | login | password or key | extra |", "|---|---|---|---|---|"]
    servers = [one for first in CONNECTIONS for one in (first, *first.others)]
    return "\n".join([*head, *map(_login, servers)])


def _login(server: SandboxConnection) -> str:
    extra = ", ".join(f"`{name}` `{value}`" for name, value in server.extra.items())
    login = f"`{server.login}`" if server.login else ""
    where = f"http://127.0.0.1:8099/{server.mount}"
    return f"| {server.vendor} | `{where}` | {login} | `{server.password}` | {extra} |"


#: What is made from declarations.
_MADE: dict[str, Callable[[], str]] = {
    "systems": _systems,
    "connections": _connections,
    "links": _links,
    "fields of all": _common,
    "public names": _public_names,
    "sandbox logins": _logins,
}


def _own_row(one: Field) -> str:
    told = [one.help]
    if one.choices:
        told.append(f"One of {', '.join(f'`{choice}`' for choice in one.choices)}.")
    if one.default is not None:
        told.append(f"By default `{one.default}`.")
    if one.required:
        told.append("Needed.")
    return _row(f"extra `{one.name}`", one.label, " ".join(filter(None, told)), quoted=True)


def _row(name: str, label: str, told: str, *, quoted: bool = False) -> str:
    return f"| {name if quoted else f'`{name}`'} | {label} | {told.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
