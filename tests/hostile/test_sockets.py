"""A sample of spoilt answers over real sockets: worker and triggerer end alike, with a typed error."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_workflows.core.connection.hook import AnyHook
from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.exceptions import OutcomeUnknown, WorkflowError
from airflow_provider_workflows.testing import forget_connections
from tests.hostile.shapes import Call, Sample, spoilt
from tests.hostile.vendors import VENDORS

#: Spoilt answers to each call.
CASES = 15
SEED = 14


class Spoiler(ThreadingHTTPServer):
    """Passes requests on to the sandbox, and spoils one answer in one place."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target)
        #: Number of the answer to spoil among those that are not a login's, and of the bad value in it.
        self.nth, self.pick = -1, 0.0
        self.count = 0
        self.place = ""

    def spoil(self, nth: int, pick: float, place: str = "") -> None:
        """Spoil one place of the nth answer: a named one, as answers may differ, or else one picked."""
        self.nth, self.pick, self.count, self.place = nth, pick, 0, place

    def changed(self, path: str, body: bytes) -> bytes:
        if any(word in path for word in ("security/get", "login", "auth")):
            return body
        self.count += 1
        if self.count - 1 != self.nth or not (bad := list(spoilt(Reply(status=200, body=body)))):
            return body
        named = [one for one in bad if one[0] == self.place]
        self.place, reply = named[0] if named else bad[int(self.pick * len(bad))]
        return reply.body


class _Handler(BaseHTTPRequestHandler):
    server: Spoiler

    def _pass_on(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.server.target
        connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
        connection.request(self.command, self.path, sent, {**headers, "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        body = self.server.changed(self.path, answer.read())
        connection.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def spoiler(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoiler]:
    """Lead the vendor's connection through a spoiler."""
    name = f"AIRFLOW_CONN_{sample.hook.conn_id.upper()}"
    fields = json.loads(os.environ[name])
    target = urlsplit(fields["host"])
    server = Spoiler(f"{target.scheme}://{target.netloc}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}{target.path}"
    monkeypatch.setenv(name, json.dumps({**fields, "host": address}))
    forget_connections()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=VENDORS)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each vendor in turn, with something to look at."""
    make, fixture = VENDORS[request.param]
    return make(request.getfixturevalue(fixture))


def _end(hook: AnyHook, call: Call, where: str) -> str:
    """Return what a call ended with: its error's class, or that it returned."""
    forget_connections()
    hook = type(hook)(hook.conn_id, retry=Retry(attempts=1))
    try:
        if where == "worker":
            hook.run(call.make)
        else:
            asyncio.run(hook.arun(call.make))
    except WorkflowError as error:
        return type(error).__name__
    return "returned"


def test_both_adapters_end_alike(sample: Sample, spoiler: Spoiler) -> None:
    draw, ends, spoilt_ones = random.Random(SEED), set[str](), 0
    for call in sample.calls:
        for number in range(CASES):
            nth, pick = number % 2, draw.random()
            found: list[tuple[str, str]] = []
            for where in ("worker", "triggerer"):
                # The second answer may differ, by a state that has changed meanwhile; the place must not.
                spoiler.spoil(nth, pick, found[0][1] if found else "")
                found.append((_end(sample.hook, call, where), spoiler.place))
            assert found[0][0] == found[1][0], (call.name, found)
            ends.add(found[0][0])
            spoilt_ones += bool(found[0][1])
    assert spoilt_ones > CASES
    assert len(ends) > 1, "some are unreadable"


def test_an_unreadable_answer_to_what_is_sent_once_is_a_doubt(sample: Sample, spoiler: Spoiler) -> None:
    """The first place of an answer is all of it, and the first bad value None."""
    if sample.once is None:
        pytest.skip("this vendor's call may be repeated")
    for where in ("worker", "triggerer"):
        spoiler.spoil(0, 0.0)
        assert _end(sample.hook, sample.once, where) == OutcomeUnknown.__name__
        assert spoiler.place == "all = None"
