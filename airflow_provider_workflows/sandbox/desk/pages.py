"""The pages: an overview, the records of each server, a page a record, faults, connections, the clock."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from hashlib import sha256
from heapq import nlargest
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from airflow_provider_workflows.sandbox.connections import SandboxConnection
from airflow_provider_workflows.sandbox.desk import choices, trouble
from airflow_provider_workflows.sandbox.desk.listing import PAGE, STATES, listing, read_wanted
from airflow_provider_workflows.sandbox.desk.rendering import address, render, static
from airflow_provider_workflows.sandbox.records import find, newest
from airflow_provider_workflows.sandbox.registry import process_of
from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import CommandError, Record

#: Records on the overview.
LATEST = 10
#: Bytes of a file that are looked at at a time.
SLICE = 1 << 20
_STATIC = {"desk.css": "text/css", "desk.js": "text/javascript"}
#: What a page may load, and who may show it in a frame: nothing from elsewhere, and nobody.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Desk:
    """
    Answers the pages of one sandbox.

    :param sandbox: what they show.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def page(
        self, request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
    ) -> Response:
        """Return a page."""
        sandbox, now = self._sandbox, self._sandbox.clock.now()
        shared = {
            "titles": sandbox.titles,
            "armed": sum(not fault.is_over(now) for fault in sandbox.faults.all()),
            "now": now,
            "tag": self._tag(),
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        }
        content = render(template, {**shared, **values})
        return Response(content, status, self._headers(), "text/html; charset=utf-8")

    def unchanged(self, request: Request) -> Response | None:
        """Return the answer to a page that asks whether anything has changed, if nothing has."""
        if request.headers.get("if-none-match") != self._tag():
            return None
        return Response(status_code=304, headers=self._headers())

    def _tag(self) -> str:
        return f'"{self._sandbox.revision()}"'

    def _headers(self) -> dict[str, str]:
        return {**_HEADERS, "ETag": self._tag(), "Sandbox-Clock": f"{self._sandbox.clock.now():.3f}"}

    def overview(self, request: Request) -> Response:
        """Show every server, and what came last."""
        sandbox = self._sandbox
        latest = [
            one for name in sandbox.vendors for one in newest(sandbox.vendor(name).records(), 0, LATEST)
        ]
        cards = [self._card(name) for name in sandbox.vendors]
        return self.page(
            request, "overview.html", {"cards": cards, "records": nlargest(LATEST, latest, key=_changed)}
        )

    def _card(self, name: str) -> dict[str, Any]:
        double, now = self._sandbox.vendor(name), self._sandbox.clock.now()
        effects = {what: number for what, number in double.journal.effects().items() if what != "requests"}
        faults = [one for one in self._sandbox.faults.all() if one.vendor == name and not one.is_over(now)]
        return {
            "name": name,
            "records": len(double.records()),
            "effects": [f"{number:,} {what.replace('_', ' ')}" for what, number in effects.items() if number],
            "requests": double.journal.requests,
            "faults": len(faults),
        }

    async def records(self, request: Request, mount: str) -> Response:
        """Show a page of a server's records, or those that are looked for."""
        if mount not in self._sandbox.vendors:
            return self.missing(request)
        query = request.query_params
        text = query.get("q", "")[:200]
        wanted = read_wanted(text, query.get("state", ""), query.get("page", ""), query.get("older", ""))
        found = await listing(self._sandbox.vendor(mount).records(), wanted)
        values = {
            "mount": mount,
            "process": process_of(mount),
            "text": text,
            "wanted": wanted,
            "found": found,
            "states": STATES,
            "pages": -(-found.total // PAGE),
            "quick_actions": choices.quick_actions,
            "key_of": choices.key_of,
        }
        return self.page(request, "records.html", values)

    def find(self, mount: str, record_id: str) -> Record | None:
        """Return a record, if it is there."""
        if mount not in self._sandbox.vendors:
            return None
        return find(self._sandbox.vendor(mount).records(), record_id)

    def record(
        self, request: Request, record: Record, *, refused: str = "", form: Mapping[str, str] | None = None
    ) -> Response:
        """
        Show a record.

        :param refused: why something could not be done to it.
        :param form: what was filled in then.
        """
        values = {
            "record": record,
            "stops": choices.forms_at_stops(record),
            "others": choices.other_forms(record),
            "key_of": choices.key_of,
            "field": choices.FIELD,
            "typed": form or {},
            "refused": refused,
        }
        return self.page(request, "record.html", values, status=400 if refused else 200)

    def missing(self, request: Request) -> Response:
        """Say that there is no such page."""
        return self.page(request, "missing.html", {}, status=404)

    def press(
        self,
        request: Request,
        mount: str,
        record_id: str,
        form: Mapping[str, str],
        files: Mapping[str, list[dict[str, Any]]],
    ) -> Response:
        """Carry out what was chosen on a page."""
        record = self.find(mount, record_id)
        if record is None:
            return self.missing(request)
        try:
            command, arguments = choices.pressed(record, {**form, **files})
            self._sandbox.command(mount, command, arguments)
        except CommandError as error:
            return self.record(request, self.find(mount, record_id) or record, refused=str(error), form=form)
        back = form.get("back", "")
        return to(back if back.startswith("/records/") else address(mount, record_id))

    def faults(self, request: Request, *, refused: str = "") -> Response:
        """Show the faults, and the buttons for more."""
        sandbox, now = self._sandbox, self._sandbox.clock.now()
        offered = {name: trouble.offered(sandbox, name) for name in sandbox.vendors}
        endpoints = {name: sandbox.vendor(name).endpoint_names for name in sandbox.vendors}
        told = [(fault, *trouble.state_of(fault, now)) for fault in reversed(sandbox.faults.all())]
        values = {
            "offered": offered,
            "endpoints": endpoints,
            "faults": told,
            "names": trouble.NAMES,
            "troubles": trouble.TROUBLES,
            "chosen": request.query_params.get("vendor", ""),
            "refused": refused,
        }
        return self.page(request, "faults.html", values, status=400 if refused else 200)

    def connections(self, request: Request) -> Response:
        """Show how Airflow gets to each server."""
        base = str(request.base_url).rstrip("/")
        known = [one for first in self._sandbox.connections for one in (first, *first.others)]
        return self.page(request, "connections.html", {"connections": [_ready(one, base) for one in known]})


def page_router(sandbox: Sandbox) -> APIRouter:
    """Return the pages and what their buttons do."""
    router, desk = APIRouter(), Desk(sandbox)
    _add_pages(router, desk)
    _add_buttons(router, desk, sandbox)
    return router


def _add_pages(router: APIRouter, desk: Desk) -> None:
    @router.get("/")
    async def overview(request: Request) -> Response:
        return desk.unchanged(request) or desk.overview(request)

    @router.get("/records/{mount}")
    @router.get("/records/{mount}/")
    async def records(request: Request, mount: str) -> Response:
        return desk.unchanged(request) or await desk.records(request, mount)

    @router.get("/records/{mount}/{record_id:path}")
    async def record(request: Request, mount: str, record_id: str) -> Response:
        if (same := desk.unchanged(request)) is not None:
            return same
        found = desk.find(mount, record_id)
        return desk.missing(request) if found is None else desk.record(request, found)

    @router.get("/_desk/faults")
    async def faults(request: Request) -> Response:
        return desk.unchanged(request) or desk.faults(request)

    @router.get("/_desk/connections")
    async def connections(request: Request) -> Response:
        return desk.unchanged(request) or desk.connections(request)

    @router.get("/_desk/static/{name}")
    async def file(request: Request, name: str) -> Response:
        if name not in _STATIC:
            return desk.missing(request)
        return Response(static(name), media_type=_STATIC[name], headers={"Cache-Control": "no-cache"})


def _add_buttons(router: APIRouter, desk: Desk, sandbox: Sandbox) -> None:
    @router.post("/records/{mount}/{record_id:path}")
    async def press(request: Request, mount: str, record_id: str) -> Response:
        return desk.press(request, mount, record_id, await _form(request), await _files(request))

    @router.post("/_desk/faults")
    async def fault(request: Request) -> Response:
        form = await _form(request)
        try:
            trouble.order(sandbox, form)
        except CommandError as error:
            return desk.faults(request, refused=str(error))
        return to("/_desk/faults")

    @router.post("/_desk/faults/remove")
    async def remove(request: Request) -> Response:
        sandbox.faults.remove((await _form(request)).get("fault", ""))
        return to("/_desk/faults")

    @router.post("/_desk/faults/clear")
    async def clear() -> Response:
        sandbox.faults.clear()
        return to("/_desk/faults")

    @router.post("/_desk/clock")
    async def clock(request: Request) -> Response:
        form = await _form(request)
        seconds = form.get("seconds", "")
        if seconds.isascii() and seconds.isdigit() and len(seconds) < 9:
            sandbox.advance(float(seconds))
        return to(form.get("back", "/"))

    @router.post("/_desk/reset")
    async def reset() -> Response:
        sandbox.reset()
        return to("/")


def to(path: str) -> Response:
    """Lead a browser to a page of ours, and to no other."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return RedirectResponse(path if ours else "/", status_code=303)


async def _form(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


async def _files(request: Request) -> dict[str, list[dict[str, Any]]]:
    """Return the files of a form by their fields: what a vendor keeps of each."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, one in (await request.form()).multi_items():
        if isinstance(one, UploadFile):
            digest = sha256()
            while part := await one.read(SLICE):
                digest.update(part)
            await one.close()
            some = found.setdefault(name, [])
            if one.filename:
                some.append({"name": one.filename, "size": one.size or 0, "sha256": digest.hexdigest()})
    return found


def _changed(record: Record) -> float:
    return record.history[-1].at if record.history else 0.0


def _ready(connection: SandboxConnection, base: str) -> dict[str, Any]:
    """Return a connection in the forms in which people need it."""
    fields = connection.fields(base)
    text, own = json.dumps(fields), (fields["login"], fields["password"])
    return {
        "mount": connection.mount,
        "conn_id": connection.conn_id,
        "fields": fields,
        "logins": [one for one in connection.logins if (one.login, one.password) != own],
        "extra": json.dumps(fields["extra"], indent=2),
        "json": json.dumps(fields, indent=2),
        "variable": f"export AIRFLOW_CONN_{connection.conn_id.upper()}={shlex.quote(text)}",
    }
