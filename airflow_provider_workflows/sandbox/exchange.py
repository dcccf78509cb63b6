"""One exchange with a vendor's double: read, note, and answer, unless a fault strikes."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from airflow_provider_workflows.sandbox import wire
from airflow_provider_workflows.sandbox.desk.rendering import render
from airflow_provider_workflows.sandbox.faults import Fault, FaultRegistry, Kind
from airflow_provider_workflows.sandbox.intake import read_call
from airflow_provider_workflows.sandbox.journal import SeenRequest
from airflow_provider_workflows.sandbox.plan import OverPlanError
from airflow_provider_workflows.sandbox.vendor import Answer, Call, Double, Head

_HTML = "text/html; charset=utf-8"
BAD_GATEWAY = Answer(
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
    status=502,
    content_type=_HTML,
)
SIGN_IN_PAGE = Answer(
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>",
    content_type=_HTML,
)


@dataclass(frozen=True)
class _Exchange:
    """A request that has been read, and the vendor's work for it."""

    call: Call
    perform: Callable[[], Answer]
    endpoint: str
    double: Double

    def hit_by(self, fault: Fault) -> None:
        """Note that a fault has really struck it."""
        fault.hit(self.double.agenda.now(), self.endpoint)


class Mount:
    """The ASGI application that stands for one server of a vendor."""

    def __init__(self, double: Double, *, faults: FaultRegistry) -> None:
        self._double = double
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        head = _head(scope)
        candidates = self._double.endpoints(head)
        now = self._double.agenda.now()
        fault = self._faults.take(self._double.name, candidates, unread=True, said=[head.path], now=now)
        if fault is not None:
            endpoint = sorted(candidates)[0]
            self._note(scope, head, endpoint)
            fault.hit(now, endpoint)
            await wire.reset(receive)
            return
        try:
            call = await read_call(head, receive, limit=self._double.body_limit)
        except ClientDisconnect:
            return
        routed = self._double.route(call)
        self._note(scope, head, routed.endpoint)
        tag = self._double.journal.tag_of(_texts(call))
        if tag is not None:
            self._double.journal.tagged(tag, routed.endpoint)
        said = [head.path, *_texts(call)]
        now = self._double.agenda.now()
        fault = self._faults.take(
            self._double.name, {routed.endpoint}, unread=False, tag=tag, said=said, now=now
        )
        perform = partial(_performed, routed.perform)
        if fault is None:
            await write(send, perform())
        else:
            await _STRIKES[fault.kind](
                fault, _Exchange(call, perform, routed.endpoint, self._double), receive, send
            )

    def _note(self, scope: Scope, head: Head, endpoint: str) -> None:
        length = head.headers.get("content-length", "")
        seen = SeenRequest(
            endpoint=endpoint,
            method=head.method,
            path=self._double.public_path(head),
            content_length=int(length) if length.isdigit() else None,
            headers=tuple(sorted(head.headers)),
            transfer_encoding=head.headers.get("transfer-encoding"),
            client_port=scope["client"][1] if scope.get("client") else None,
        )
        self._double.journal.request(seen)


def _performed(work: Callable[[], Answer]) -> Answer:
    """Do a vendor's work, unless the plan forbids it."""
    try:
        return work()
    except OverPlanError as refused:
        # Whole seconds, of which the header has no fractions.
        wait = "" if math.isinf(refused.seconds) else str(math.ceil(refused.seconds))
        headers = (("Retry-After", wait),) if wait else ()
        return Answer(b"Too Many Requests", status=429, content_type="text/plain", headers=headers)


def _texts(call: Call) -> Iterator[str]:
    yield call.body.decode("utf-8", "replace")
    yield from (value for _, value in call.form)


def _head(scope: Scope) -> Head:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    query = scope["query_string"].decode("latin-1")
    return Head(method=scope["method"], path=path, headers=headers, query=query)


async def write(send: Send, answer: Answer) -> None:
    """Send an answer whole."""
    await _write_head(send, answer)
    await send({"type": "http.response.body", "body": answer.body})


async def _write_head(send: Send, answer: Answer) -> None:
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        *answer.headers,
    ]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})


# One function a kind of fault. A hit is counted once the damage is certain, but before the client can notice
# it: who sees the fault on the wire and then asks the control API must find it counted.

Strike = Callable[[Fault, _Exchange, Receive, Send], Awaitable[None]]


async def _lost_answer(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    exchange.perform()
    exchange.hit_by(fault)
    await wire.reset(receive)


async def _reset_before(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    exchange.hit_by(fault)
    await wire.reset(receive)


async def _late_effect(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    exchange.hit_by(fault)
    await asyncio.sleep(fault.seconds)
    exchange.perform()
    await wire.reset(receive)


async def _slow(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    answer = exchange.perform()
    exchange.hit_by(fault)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wire.gone(receive), fault.seconds)
    await write(send, answer)


async def _hang(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    exchange.hit_by(fault)
    await wire.gone(receive)


async def _truncated(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    answer = exchange.perform()
    exchange.hit_by(fault)
    await _write_head(send, answer)
    await send(
        {"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True}
    )
    await wire.hang_up(receive)


async def _expired_login(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
    """Let all logins end; the vendor itself says then what it thinks of the request."""
    if exchange.double.commands["expire_logins"]():
        exchange.hit_by(fault)
    elif fault.lasts is None:
        fault.times += 1  # nobody was logged in: it waits for somebody
    await write(send, exchange.perform())


def _instead(make: Callable[[Fault, Call], Answer]) -> Strike:
    """Return a strike that answers something else, with or without the vendor's work."""

    async def strike(fault: Fault, exchange: _Exchange, receive: Receive, send: Send) -> None:
        if fault.effect:
            exchange.perform()
        exchange.hit_by(fault)
        await write(send, make(fault, exchange.call))

    return strike


def _refusal(status: int, text: bytes) -> Callable[[Fault, Call], Answer]:
    def make(fault: Fault, call: Call) -> Answer:
        headers = () if fault.retry_after is None else (("Retry-After", fault.retry_after),)
        return Answer(text, status=status, content_type="text/plain", headers=headers)

    return make


def _echo(fault: Fault, call: Call) -> Answer:
    """Return what a talkative server or proxy says when something is wrong: all that it was sent."""
    query = f"?{call.head.query}" if call.head.query else ""
    lines = [f"{call.head.method} {call.head.path}{query}"]
    lines += [f"{name}: {value}" for name, value in call.head.headers.items()]
    sent = "\n".join((*lines, "", *_texts(call)))
    return Answer(render("echo.html", {"sent": sent}), status=fault.status, content_type=_HTML)


def _empty(fault: Fault, call: Call) -> Answer:
    return Answer(b"", status=fault.status, content_type="text/plain")


def _said(fault: Fault, call: Call) -> Answer:
    # JSON may have half of a surrogate pair as its escape; the text of the answer itself has none.
    return Answer(fault.body.encode(), status=fault.status)


def _elsewhere(fault: Fault, call: Call) -> Answer:
    return Answer(b"", status=302, content_type="text/html", headers=(("Location", "/elsewhere"),))


_STRIKES: dict[Kind, Strike] = {
    "lost_answer": _lost_answer,
    "reset_before": _reset_before,
    "late_effect": _late_effect,
    "slow": _slow,
    "hang": _hang,
    "expired_login": _expired_login,
    "truncated": _truncated,
    "bad_gateway": _instead(lambda fault, call: BAD_GATEWAY),
    "echo": _instead(_echo),
    "unavailable": _instead(_refusal(503, b"Service Unavailable")),
    "throttled": _instead(_refusal(429, b"Too Many Requests")),
    "not_json": _instead(lambda fault, call: SIGN_IN_PAGE),
    "redirect": _instead(_elsewhere),
    "status": _instead(_empty),
    "body": _instead(_said),
}
