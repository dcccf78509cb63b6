"""The pages: a person sees the orders, where each stands, and may move one on by hand."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from airflow_provider_workflows.sandbox.faults import Fault
from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import Action, Record, Vendor

_REFRESH_SECONDS = 3
_NEWEST = 200
_HEADS = ("", "State", "Stands at", "Passed", "Values", "")

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1f2430; background: #f5f6f8; margin: 0 auto;
       max-width: 70rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; background: #fff; border: 1px solid #dfe2e8; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem; border-top: 1px solid #eceef2; }
th { font-size: .8rem; color: #5b6270; border-top: 0; background: #fafbfc; }
code { font-size: .85rem; } form { display: inline; } .quiet { color: #6b7280; }
button { font: inherit; padding: .1rem .6rem; cursor: pointer; }
.waiting { color: #8a5a00; } .running { color: #1d4ed8; }
.finished { color: #166534; } .failed { color: #b91c1c; }
"""


def page_router(sandbox: Sandbox) -> APIRouter:
    """The start page and what its buttons do."""
    router = APIRouter()

    @router.get("/", response_class=HTMLResponse)
    async def start_page() -> str:
        return _page(sandbox)

    @router.get("/records/{vendor}/{record_id:path}", response_class=HTMLResponse)
    async def record_page(vendor: str, record_id: str) -> HTMLResponse:
        held = sandbox.records(vendor) if vendor in sandbox.vendors else []
        found = next((record for record in held if record.id == record_id), None)
        if found is None:
            return HTMLResponse(_document("<h1>There is no such record</h1>"), status_code=404)
        return HTMLResponse(_document(_whole(found)))

    @router.post("/act")
    async def act(request: Request) -> Response:
        pressed = {name: str(value) for name, value in (await request.form()).items()}
        vendor = pressed.pop("vendor", "")
        command = pressed.pop("command", "")
        offered = [
            action for record in sandbox.records() if record.vendor == vendor for action in record.actions
        ]
        # Only what the page offers right now: an old page in another tab must not push twice.
        if any((action.command, dict(action.arguments)) == (command, pressed) for action in offered):
            sandbox.command(vendor, command, pressed)
        return RedirectResponse("/", status_code=303)

    return router


def _page(sandbox: Sandbox) -> str:
    rooms = "".join(_room(sandbox.vendor(name)) for name in sandbox.vendors)
    return _document(
        "<h1>Workflow sandbox</h1><p class='quiet'>A local double of the workflow systems."
        f" Everything is in memory and gone when it stops.</p>{rooms}"
        f"<h2>Faults</h2>{_faults(sandbox.faults.all())}"
    )


def _document(body: str) -> str:
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Workflow sandbox</title>"
        f"<meta http-equiv='refresh' content='{_REFRESH_SECONDS}'><style>{_STYLE}</style></head><body>"
        f"{body}</body></html>"
    )


def _whole(record: Record) -> str:
    """One record, as the page that a task's link leads to."""
    return (
        f"<h1>{escape(f'{record.kind} {record.id}')}</h1>"
        f"<p class='quiet'>at {escape(record.vendor)}</p>{_table(_HEADS, _row(record))}"
    )


def _room(vendor: Vendor) -> str:
    effects = vendor.journal.effects()
    requests = effects.pop("requests")
    counted = (
        ", ".join(f"{number} {name}" for name, number in [*effects.items(), *requests.items()]) or "nothing"
    )
    records = list(reversed(vendor.records()))
    rows = "".join(_row(record) for record in records[:_NEWEST])
    more = f"<p class='quiet'>and {len(records) - _NEWEST} older</p>" if len(records) > _NEWEST else ""
    table = _table(_HEADS, rows)
    return (
        f"<h2>{escape(vendor.name)}</h2><p class='quiet'>Mounted at <code>/{escape(vendor.name)}</code>."
        f" Since the last reset: {escape(counted)}.</p>{table}{more}"
    )


def _row(record: Record) -> str:
    values = ", ".join(f"{name}={value}" for name, value in record.fields.items())
    files = ", ".join(str(file["name"]) for file in record.files)
    stands = ", ".join(record.standing) + (f": {record.error}" if record.error else "")
    state = f"<span class='{escape(record.state)}'>{escape(record.state)}</span>"
    buttons = " ".join(_button(record.vendor, action) for action in record.actions)
    told = [
        escape(text) for text in (stands, " → ".join(record.stops), "; ".join(filter(None, (values, files))))
    ]
    return _cells(escape(f"{record.kind} {record.id}"), state, *told, buttons)


def _button(vendor: str, action: Action) -> str:
    hidden = {"vendor": vendor, "command": action.command, **action.arguments}
    inputs = "".join(
        f"<input type='hidden' name='{escape(name)}' value='{escape(value)}'>"
        for name, value in hidden.items()
    )
    return f"<form method='post' action='/act'>{inputs}<button>{escape(action.label)}</button></form>"


def _faults(faults: list[Fault]) -> str:
    rows = "".join(_fault(fault) for fault in faults)
    return _table(("", "Vendor", "Endpoint", "Kind", "Still to skip", "Still to strike", "Struck"), rows)


def _fault(fault: Fault) -> str:
    told: tuple[Any, ...] = (
        fault.id,
        fault.vendor,
        fault.endpoint,
        fault.kind,
        fault.skip,
        fault.times,
        fault.hits,
    )
    return _cells(*(escape(str(text)) for text in told))


def _table(heads: tuple[str, ...], rows: str) -> str:
    if not rows:
        return "<p class='quiet'>none</p>"
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{rows}</table>"


def _cells(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
