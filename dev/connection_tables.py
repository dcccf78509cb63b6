"""
The tables of fields in ``docs/connections.md``, made from the declarations that the forms come from.

``python -m dev.connection_tables`` writes them anew; a test says when that has been forgotten.
"""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.base.form import COMMON_FIELDS, ConnectionForm, Field
from airflow_provider_workflows.provider import FORMS

PAGE = Path(__file__).parent.parent / "docs" / "connections.md"
#: Standard fields of a connection, in the form's order.
STANDARD = ("host", "schema", "login", "password", "port")
_HEAD = "| Field | In the form | What it is, and where it is found |\n|---|---|---|\n"


def table(form: ConnectionForm) -> str:
    """Return the table of a vendor's fields."""
    shown = [name for name in STANDARD if name not in form.hidden]
    rows = [_row(name, form.labels.get(name, name), form.placeholders.get(name, "")) for name in shown]
    own = [one for one in form.all_fields if one not in COMMON_FIELDS]
    return _HEAD + "".join(rows + [_own_row(one) for one in own])


def common_table() -> str:
    """Return the table of the fields that every connection has."""
    return _HEAD + "".join(_own_row(one) for one in COMMON_FIELDS)


def written(text: str) -> str:
    """Return the page with its tables made anew."""
    tables = {form.conn_type: table(form) for form in FORMS} | {"common": common_table()}
    for name, rows in tables.items():
        begin, end = f"<!-- fields of {name} -->\n", "<!-- end of fields -->"
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended):
            raise ValueError(f"{PAGE.name} has no place for the fields of {name}")
        text = f"{before}{begin}\n{rows}\n{end}{after}"
    return text


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
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
