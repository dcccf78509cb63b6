"""The pages: a person sees the orders, where each stands, and may move one on by hand."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import Double

_NEWEST = 200

_TEMPLATES = Environment(
    loader=PackageLoader("airflow_provider_workflows.sandbox"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Fill in a template of the folder ``templates``; what the values hold is escaped."""
    return _TEMPLATES.get_template(template).render(values)


def page_router(sandbox: Sandbox) -> APIRouter:
    """Return the start page and what its buttons do."""
    router = APIRouter()

    @router.get("/", response_class=HTMLResponse)
    async def start_page() -> str:
        doubles = [_shown(sandbox.vendor(name)) for name in sandbox.vendors]
        return render("start.html", doubles=doubles, faults=sandbox.faults.all())

    @router.get("/records/{vendor}/{record_id:path}", response_class=HTMLResponse)
    async def record_page(vendor: str, record_id: str) -> HTMLResponse:
        held = sandbox.records(vendor) if vendor in sandbox.vendors else []
        found = next((record for record in held if record.id == record_id), None)
        return HTMLResponse(render("record.html", record=found), status_code=200 if found else 404)

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


def _shown(double: Double) -> dict[str, Any]:
    """Return what the start page shows of a server: its counters, and its newest records."""
    effects = double.journal.effects()
    requests = effects.pop("requests")
    counted = ", ".join(f"{number} {name}" for name, number in [*effects.items(), *requests.items()])
    records = list(reversed(double.records()))
    return {
        "name": double.name,
        "counted": counted or "nothing",
        "records": records[:_NEWEST],
        "older": len(records[_NEWEST:]),
    }
