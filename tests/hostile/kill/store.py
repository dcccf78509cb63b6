"""Airflow's task state store in a kill test: a server, which outlives the processes that write to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refused(Exception):
    """A newer attempt of the task has begun, and Airflow lets no older one write."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.values: dict[tuple[str, str], Any] = {}
        self.newest: dict[str, int] = {}

    def answer(self, verb: str, task: str, attempt: int, key: str, value: Any) -> tuple[int, Any]:
        if verb == "begin":
            self.newest[task] = attempt
        elif verb == "get":
            return 200, self.values.get((task, key))
        elif attempt != self.newest[task]:
            return 409, None
        elif verb == "set":
            self.values[task, key] = value
        else:
            self.values.pop((task, key), None)
        return 200, None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, told = self.server.answer(*asked)
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def running_store() -> Iterator[int]:
    """Run the server in a process of its own; yields its port."""
    server = _Server()
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.serve_forever()
    server.server_close()
    try:
        yield server.server_address[1]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Store:
    """
    The store of one attempt.

    :param port: the server's
    :param task: which task instance
    :param attempt: its number
    """

    def __init__(self, port: int, task: str, attempt: int) -> None:
        self._port, self._task, self._attempt = port, task, attempt

    def begin(self) -> None:
        """Begin the attempt, which ends what older ones may write."""
        self._ask("begin")

    def get(self, key: str, default: Any = None) -> Any:
        found = self._ask("get", key)
        return default if found is None else found

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self._ask("set", key, value)

    def delete(self, key: str) -> None:
        self._ask("delete", key)

    def _ask(self, verb: str, key: str = "", value: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", "/", json.dumps([verb, self._task, self._attempt, key, value]))
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status == 409:
            raise Refused("a newer attempt has begun")
        return json.loads(told)
