"""The control API: how a test or a person steers the sandbox. JSON in, JSON out."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Body, FastAPI, Request
from fastapi.responses import JSONResponse

from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import CommandError


def control_router(sandbox: Sandbox) -> APIRouter:
    """The routes below ``/_control``."""
    router = APIRouter(prefix="/_control")
    _add_fault_routes(router, sandbox)
    _add_vendor_routes(router, sandbox)

    @router.post("/advance")
    async def advance(seconds: float = Body(embed=True)) -> float:
        try:
            sandbox.clock.advance(seconds)
        except ValueError as error:
            raise CommandError(str(error)) from None
        return sandbox.clock.now()

    @router.post("/reset")
    async def reset() -> None:
        sandbox.reset()

    @router.get("/records")
    async def records(vendor: str | None = None) -> list[dict[str, Any]]:
        return [asdict(record) for record in sandbox.records(vendor)]

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

    @router.post("/vendors/{vendor}/restart")
    async def restart(vendor: str) -> None:
        sandbox.vendor(vendor).restart()

    @router.post("/vendors/{vendor}/commands/{command}")
    async def command(vendor: str, command: str, arguments: dict[str, Any]) -> Any:
        return sandbox.command(vendor, command, arguments)


def add_error_answer(app: FastAPI) -> None:
    """Let a refused command answer 400 and say why."""

    @app.exception_handler(CommandError)
    async def refuse(request: Request, error: CommandError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=400)
