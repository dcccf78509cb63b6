"""
How the sandbox's rate holds while it fills: records a second of its processor, at the beginning and the end.

Each double runs in a process of its own, which says how much processor time it has used: that is steadier
than the clock of a busy machine. One is filled; then it and an empty one are measured in turns, so that the
machine slows both alike, and the median of the rounds counts. The client is a few plain sockets that are kept
alive, each with one request under way. Beside the records, the same is told of the look-ups that find one of
them.
"""

from __future__ import annotations

import argparse
import base64
import json
import resource
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_provider_workflows.sandbox.cli import spare_collector
from airflow_provider_workflows.sandbox.server import SandboxServer

RECORDS = 100_000
#: Rounds, and the records and look-ups of each. WARM_UP are the records before the first.
ROUNDS, EACH, LOOK_UPS, WARM_UP = 40, 125, 25, 500
#: The machine may have no more than two processors.
FILLED_AT_ONCE = 2
CONNECTIONS = 8
#: A rate that falls by more is too low.
WANTED = 0.8


@dataclass(frozen=True)
class Request:
    """One request; the path is below the vendor's mount."""

    path: str
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    def raw(self, mount: str, host: str) -> bytes:
        """Return it as it goes over the wire."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [
            f"{self.method} /{mount}{self.path} HTTP/1.1",
            f"Host: {host}",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Subject:
    """
    What is measured of a vendor.

    :param login: what comes first, if anything: its answer is given to the others.
    :param record: makes the record of a number.
    :param look_up: finds the record of a number, from what its own answer said.
    :param done: what a good answer says.
    """

    name: str
    mount: str
    record: Callable[[int, str], Request]
    look_up: Callable[[int, str, Any], Request]
    done: bytes
    login: Request | None = None


_BASIC = (("Authorization", "Basic " + base64.b64encode(b"airflow:sesame").decode()),)
_MYBPM, _KIBAN = (("API-TOKEN", "sandbox-api-token"),), (("X-API-Key", "kiban-sandbox-key"),)
_LOAN = "64b5f0c2a1d3e4f5a6b7c801"
_ROBUSTA, _OMFLOW = "/scheduler/connector-api/process", "/rest/flowmanage/api/omdata"
_ACTOR = {"userId": "airflow@example.com", "environment": "production"}


def _upsert(number: int, login: str) -> Request:
    values = {"IIN": f"C-{number}", "NAME": f"Customer {number}"}
    return Request("/api/v1/boi/upsert", {"boCode": "CUSTOMER", "fieldValues": values}, _MYBPM)


def _open(number: int, login: str) -> Request:
    items = [("FORMITM_1", "h_title", f"Order {number}"), ("FORMITM_3", "inputbox", f"run-{number}")]
    formdata = [{"id": name, "type": kind, "value": value} for name, kind, value in items]
    return _omflow("edit", login, action="create", formdata=formdata)


def _omflow(call: str, login: str, **body: Any) -> Request:
    code = json.loads(login)["result"]["security"]
    return Request(f"{_OMFLOW}/{call}/purchase", {"security": code, "omflow_restapi": 1, **body})


def _find_mark(number: int, login: str, answer: Any) -> Request:
    condition = {"column": "formitm_3", "condition": "=", "value": f"run-{number}"}
    return _omflow("list", login, search_conditions=[condition], search_columns=["data_no"])


def _init(number: int, login: str) -> Request:
    body = {**_ACTOR, "companyId": "5f0c3a1be2d94a7c8b6e1d20", "workflowId": "credit"}
    return Request("/init/sandbox-token", body)


def _case(number: int, login: str, answer: Any) -> Request:
    body = {**_ACTOR, "processId": "credit", "caseNumber": answer["caseNumber"]}
    return Request("/process/case/sandbox-token", body)


def _start_bot(number: int, login: str) -> Request:
    body = {"name": "InvoiceBot", "runOnce": "Y", "runImmediately": "Y", "values": {"orderNo": f"O-{number}"}}
    return Request(f"{_ROBUSTA}/start", body, _BASIC)


def _run(number: int, login: str, answer: Any) -> Request:
    return Request(f"{_ROBUSTA}/status/{answer['robustaSpid']}", None, _BASIC, "GET")


def _start_loan(number: int, login: str) -> Request:
    form = {"first_name": f"Ana {number}", "last_name": "Torres", "amount": 25000, "married": "no"}
    return Request("/api/v1/workfloo", {"idWorkflooDefinition": _LOAN, "form": form}, _KIBAN)


def _history(number: int, login: str, answer: Any) -> Request:
    query = f"nodes.form.searchableBy.first_name={quote(f'Ana {number}')}"
    return Request(f"/api/v2/workfloo?itemsPerPage=10&{query}", None, _KIBAN, "GET")


SUBJECTS = (
    Subject(
        "MyBPM upserts", "mybpm", _upsert, lambda number, login, answer: _upsert(number, login), b"boiId"
    ),
    Subject(
        "OMFlow opens with a mark",
        "omflow-1.2",
        _open,
        _find_mark,
        b'"status": "200"',
        login=Request("/accounts/api/security/get/", None, _BASIC, "GET"),
    ),
    Subject("BlizWork inits", "blizwork", _init, _case, b": 0, "),
    Subject("Robusta starts", "robusta", _start_bot, _run, b"{"),
    Subject("Kiban starts", "kiban", _start_loan, _history, b'"id"'),
)


@dataclass(frozen=True)
class Used:
    """Processor time in seconds, and the most memory in bytes."""

    seconds: float
    memory: int


class Server:
    """A sandbox in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = urlsplit(self._said()).netloc

    def used(self) -> Used:
        """Return what it has used so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, memory = self._said().split()
        return Used(float(seconds), int(memory))

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def serving() -> Iterator[Server]:
    """Run a sandbox while the block lasts."""
    command = [sys.executable, "-m", "benchmarks.sandbox", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def serve() -> None:
    """Be such a process: say the address, and for each line that comes, what has been used."""
    spare_collector()
    with SandboxServer() as server:
        print(server.url, flush=True)
        for _ in sys.stdin:
            # Kilobytes, but bytes on macOS.
            unit = 1 if sys.platform == "darwin" else 1024
            print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, flush=True)


class Client:
    """Some connections to one mount."""

    def __init__(self, address: str, mount: str) -> None:
        host, _, port = address.partition(":")
        self._mount, self._address = mount, address
        self._sockets = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
        self._files = [one.makefile("rb") for one in self._sockets]

    def answers(self, requests: Iterator[Request]) -> Iterator[bytes]:
        """Send all requests, one at a time on each connection; yield the answers' bodies in order."""
        while group := list(islice(requests, CONNECTIONS)):
            for connection, request in zip(self._sockets, group, strict=False):
                connection.sendall(request.raw(self._mount, self._address))
            for file, _ in zip(self._files, group, strict=False):
                length = 0
                while (line := file.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                yield file.read(length)


class Meter:
    """Fills one vendor's double, and measures on the way."""

    def __init__(self, server: Server, subject: Subject) -> None:
        self._server, self._subject = server, subject
        self._number = 0
        #: The records made while it was measured, by number, with what was answered.
        self._known: list[tuple[int, bytes]] = []
        self.connect()

    def connect(self) -> None:
        """Connect and log in anew: neither lives long without use."""
        self._client = Client(self._server.address, self._subject.mount)
        first = iter([self._subject.login] if self._subject.login else [])
        self._login = next(self._client.answers(first), b"").decode()

    def fill(self, count: int) -> None:
        """Make so many records."""
        deque(self._records(count), maxlen=0)

    def records(self) -> float:
        """Make the records of one round; return how many a second of the server's processor."""
        begin = self._server.used().seconds
        self._known += self._records(EACH)
        return EACH / (self._server.used().seconds - begin)

    def look_ups(self) -> float:
        """Look for the next records of those; return how often a second of the server's processor."""
        taken, self._known = self._known[:LOOK_UPS], self._known[LOOK_UPS:]
        known = [(number, json.loads(body)) for number, body in taken]
        look_up, login = self._subject.look_up, self._login
        begin = self._server.used().seconds
        deque(self._answers(look_up(number, login, answer) for number, answer in known), maxlen=0)
        return LOOK_UPS / (self._server.used().seconds - begin)

    def _records(self, count: int) -> Iterator[tuple[int, bytes]]:
        numbers = range(self._number, self._number + count)
        self._number += count
        make, login = self._subject.record, self._login
        return zip(numbers, self._answers(make(number, login) for number in numbers), strict=True)

    def _answers(self, requests: Iterator[Request]) -> Iterator[bytes]:
        for body in self._client.answers(requests):
            if self._subject.done not in body:
                raise SystemExit(f"{self._subject.name}: {body.decode('utf-8', 'replace')}")
            yield body


@dataclass(frozen=True)
class Filled:
    """
    A double that is nearly full.

    :param memory: bytes a record.
    """

    meter: Meter
    memory: float


def filled(subject: Subject, server: Server, records: int) -> Filled:
    """Fill a vendor's double but for the records of the rounds."""
    meter, count = Meter(server, subject), records - ROUNDS * EACH
    meter.fill(WARM_UP)
    began = server.used().memory
    meter.fill(count - WARM_UP)
    return Filled(meter, (server.used().memory - began) / (count - WARM_UP))


def in_turns(*measures: Callable[[], float]) -> list[float]:
    """Return the median of some rounds of each measure."""
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [median(rates) for rates in zip(*rounds, strict=True)]


def report(subject: Subject, full: Filled) -> str:
    """Measure a double that is full and one that is empty in turns, and return the line of the table."""
    with serving() as server:
        empty = Meter(server, subject)
        empty.fill(WARM_UP)
        full.meter.connect()
        records = in_turns(empty.records, full.meter.records)
        look_ups = in_turns(empty.look_ups, full.meter.look_ups)
    return f"{subject.name:<26}{_told(records)}{WANTED:>8.2f}{full.memory:>12,.0f}{'':<13}{_told(look_ups)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How the sandbox's rate holds while it fills.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--records", type=int, default=RECORDS, help="%(default)s unless given")
    options = parser.parse_args()
    if options.serve:
        return serve()
    print(f"a second of the server's processor, at the beginning and at {options.records:,} records")
    head = f"{'begin':>8}{'end':>8}{'ratio':>7}"
    print(f"{'':<26}{head}{'wanted':>8}{'bytes each':>12}   look-ups:{head}", flush=True)
    with ExitStack() as stack, ThreadPoolExecutor(FILLED_AT_ONCE) as pool:
        servers = [stack.enter_context(serving()) for _ in SUBJECTS]
        fulls = pool.map(lambda subject, server: filled(subject, server, options.records), SUBJECTS, servers)
        for subject, full in zip(SUBJECTS, list(fulls), strict=True):
            print(report(subject, full), flush=True)
    return None


def _told(rates: list[float]) -> str:
    return f"{rates[0]:>8,.0f}{rates[1]:>8,.0f}{rates[1] / rates[0]:>7.2f}"


if __name__ == "__main__":
    main()
