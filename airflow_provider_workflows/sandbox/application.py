"""The sandbox as one web application: the control API, the pages, and the mounts of the vendors."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from airflow_provider_workflows.sandbox.desk.pages import page_router
from airflow_provider_workflows.sandbox.exchange import Mount
from airflow_provider_workflows.sandbox.records import to_json
from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import CommandError

#: A ``Host`` header: a name or an IPv4 address, or an IPv6 address in brackets; and maybe a port.
_HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<literal>[0-9A-Fa-f:.]+)\])(?::\d{1,5})?", re.A)


def create_application(sandbox: Sandbox, *, allowed_hosts: Collection[str] = ()) -> FastAPI:
    """
    Return the ASGI application.

    :param allowed_hosts: names by which its control API and pages may be called, beside this machine's own
    """
    app = FastAPI(title="Workflow sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    ours = [Depends(from_here(allowed_hosts))]
    app.include_router(control_router(sandbox), dependencies=ours)
    # The pages show what the vendors hold, and have buttons that act there.
    app.include_router(page_router(sandbox), dependencies=ours)
    add_error_answer(app)
    for name, double in sandbox.vendors.items():
        app.mount(f"/{name}", Mount(double, faults=sandbox.faults))
    return app


def from_here(allowed_hosts: Collection[str]) -> Callable[[Request], None]:
    """
    Return a check that a call comes from this machine, and not from a page of another site in its browser.

    A page of another site can make a browser call this machine, also by a host name of its own that resolves
    to it. The browser then names that site as ``Origin``, or its name as ``Host``.
    """
    names = {"localhost", *(name.lower() for name in allowed_hosts)}

    def check(request: Request) -> None:
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(hosts) != 1 or not _is_here(hosts[0], names):
            named = ", ".join(map(repr, hosts)) or "none"
            raise HTTPException(403, f"calls by this host name are refused: {named}. See --allow-host")
        if any(origin not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in origins):
            raise HTTPException(403, "calls from a page of another origin are refused")

    return check


def _is_here(host: str, names: Collection[str]) -> bool:
    """Return whether a ``Host`` header is one of some names or a loopback address, maybe with a port."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found["name"] or found["literal"]).lower()
    try:
        return name in names or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def control_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes below ``/_control``."""
    router = APIRouter(prefix="/_control")
    _add_fault_routes(router, sandbox)
    _add_vendor_routes(router, sandbox)

    @router.post("/advance")
    async def advance(seconds: float = Body(embed=True)) -> float:
        try:
            sandbox.advance(seconds)
        except ValueError as error:
            raise CommandError(str(error)) from None
        return sandbox.clock.now()

    @router.post("/reset")
    async def reset() -> None:
        sandbox.reset()

    @router.get("/records")
    async def records(vendor: str | None = None) -> Response:
        # In ASCII, since vendors may hold half of a surrogate pair.
        told = json.dumps([to_json(record) for record in sandbox.records(vendor)])
        return Response(told, media_type="application/json")

    return router


def _add_fault_routes(router: APIRouter, sandbox: Sandbox) -> None:
    @router.post("/faults")
    async def order(settings: dict[str, Any]) -> str:
        try:
            return sandbox.order_fault(**settings)
        except TypeError as error:
            raise CommandError(f"fault: {error}") from None

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        return [asdict(fault) for fault in sandbox.faults.all()]

    @router.get("/faults/{fault_id}")
    async def fault(fault_id: str) -> dict[str, Any]:
        try:
            return asdict(sandbox.faults.get(fault_id))
        except KeyError:
            raise CommandError(f"no fault {fault_id!r}") from None

    @router.delete("/faults")
    async def clear() -> None:
        sandbox.faults.clear()


def _add_vendor_routes(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/vendors/{vendor}/effects")
    async def effects(vendor: str) -> dict[str, Any]:
        return sandbox.vendor(vendor).journal.effects()

    @router.get("/vendors/{vendor}/requests")
    async def requests(vendor: str) -> list[dict[str, Any]]:
        return sandbox.vendor(vendor).journal.recent()

    @router.post("/vendors/{vendor}/watch")
    async def watch(vendor: str, pattern: str = Body(embed=True)) -> None:
        try:
            sandbox.vendor(vendor).journal.watch(pattern)
        except re.error as error:
            raise CommandError(f"pattern: {error}") from None

    @router.get("/vendors/{vendor}/sent")
    async def sent(vendor: str) -> list[dict[str, Any]]:
        return sandbox.vendor(vendor).journal.sent()

    @router.get("/vendors/{vendor}/stops")
    async def stops(vendor: str) -> dict[str, list[str]]:
        return {stop: list(labels) for stop, labels in sandbox.vendor(vendor).stops.items()}

    @router.get("/vendors/{vendor}/plan")
    async def plan(vendor: str) -> dict[str, Any]:
        found = sandbox.vendor(vendor).plan
        accounts = {name: asdict(usage) for name, usage in found.accounts.items()}
        return {"requests_per_second": found.rate, "counting": found.counting, "accounts": accounts}

    @router.put("/vendors/{vendor}/plan")
    async def set_plan(
        vendor: str, requests_per_second: float | None = Body(None), counting: str | None = Body(None)
    ) -> None:
        sandbox.set_plan(vendor, requests_per_second, counting)

    @router.post("/vendors/{vendor}/restart")
    async def restart(vendor: str) -> None:
        sandbox.restart(vendor)

    @router.post("/vendors/{vendor}/commands/{command}")
    async def command(vendor: str, command: str, arguments: dict[str, Any]) -> Any:
        return sandbox.command(vendor, command, arguments)


def add_error_answer(app: FastAPI) -> None:
    """Let a refused command answer 400 and say why."""

    @app.exception_handler(CommandError)
    async def refuse(request: Request, error: CommandError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=400)
