"""Everything that was recorded on a real OMFlow 1.1.0.0, said again to the sandbox."""

from __future__ import annotations

import base64
import http.client
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer

DATA = Path(__file__).parents[1] / "data"
PAIRS = [
    json.loads(line) for line in (DATA / "omflow_recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
SCRIPT = tomllib.loads((DATA / "omflow_replay.toml").read_text(encoding="utf-8"))
SKIPPED = {entry["pair"]: entry["reason"] for entry in SCRIPT.get("skip", [])}
VENDOR = "omflow-1.1"

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+")


@dataclass
class Replay:
    """Speaks to the sandbox with the recorded requests, in which only security codes are exchanged.

    Order numbers, row ids, file ids and process UUIDs need no exchange: the sandbox must hand out the same.
    """

    address: str
    control: Control
    live_code: dict[str, str] = field(default_factory=dict)
    differences: dict[int, str] = field(default_factory=dict)

    def run(self) -> None:
        for number, pair in enumerate(PAIRS, start=1):
            for event in SCRIPT["event"]:
                if event["before"] == number:
                    self.happen(event)
            request = pair["request"]
            answer = self.send(request["method"], request["path"], request["headers"], _body(number, request))
            self.learn_code(pair["response"]["body"], answer["body"])
            recorded = {key: pair["response"][key] for key in ("http_status", "content_type", "body")}
            if self.comparable(answer) != self.comparable(recorded):
                self.differences[number] = f"{pair['label']}\n  recorded {recorded}\n  answered {answer}"

    def happen(self, event: dict[str, Any]) -> None:
        arguments = {key: value for key, value in event.items() if key not in ("before", "do")}
        match event["do"]:
            case "login":
                self.login(**arguments)
            case "open":
                self.open(**arguments)
            case "advance" | "reset" as command:
                getattr(self.control, command)(**arguments)
            case command:
                getattr(self.control, command)(VENDOR, **arguments)

    def login(self, *, name: str, password: str, code: str) -> None:
        basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        answer = self.send("GET", "/accounts/api/security/get/", {"Authorization": f"Basic {basic}"}, b"")
        live = answer["body"]["result"]["security"]
        assert self.live_code.setdefault(code, live) == live

    def open(self, *, api_path: str, code: str) -> None:
        body = {
            "security": code,
            "omflow_restapi": 1,
            "action": "create",
            "formdata": [{"id": "FORMITM_1", "type": "h_title", "value": "hello"}],
        }
        path = f"/rest/flowmanage/api/omdata/edit/{api_path}"
        answer = self.send("POST", path, {"Content-Type": "application/json"}, json.dumps(body).encode())
        assert answer["body"]["status"] == 200

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        for recorded, live in self.live_code.items():
            body = body.replace(recorded.encode(), live.encode())
        target = urlsplit(self.address)
        connection = http.client.HTTPConnection(target.netloc, timeout=10)
        try:
            connection.request(method, target.path + path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        kind = (response.headers["Content-Type"] or "").partition(";")[0]
        parsed = json.loads(text) if kind == "application/json" else text
        return {"http_status": response.status, "content_type": kind, "body": parsed}

    def learn_code(self, recorded: Any, answered: Any) -> None:
        """Remember which code of ours stands for a recorded one, from its first appearance on."""
        if (
            isinstance(recorded, dict)
            and isinstance(recorded.get("result"), dict)
            and "security" in recorded["result"]
        ):
            self.live_code.setdefault(recorded["result"]["security"], answered["result"]["security"])

    def comparable(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer with live codes exchanged and times blanked; a page of HTML by its title."""
        text = json.dumps(answer, sort_keys=True)
        for recorded, live in self.live_code.items():
            text = text.replace(live, recorded)
        blanked: dict[str, Any] = json.loads(_TIME.sub("<time>", text))
        if blanked["content_type"] == "text/html":
            blanked["body"] = re.findall("<title>(.*?)</title>", answer["body"])
        return blanked


def _body(number: int, request: dict[str, Any]) -> bytes:
    # What was binary in the recording came out as replacement characters, one a byte.
    body: bytes = request["body"].encode().replace("\N{REPLACEMENT CHARACTER}".encode(), b"\xff")
    for completion in SCRIPT["request"]:
        if completion["pair"] == number:
            boundary = request["headers"].get("Content-Type", "").partition("boundary=")[2]
            body = completion.get("body", "").encode() or body + completion["tail"].encode()
            body = body.replace(b"{boundary}", boundary.encode())
            body = body.replace(b"{fill}", b"0" * completion.get("fill", 0))
    return body


@pytest.fixture(scope="module")
def replay() -> Replay:
    with SandboxServer(DATA / "omflow_replay_processes.toml") as server:
        replay = Replay(server.omflow_url("1.1"), server.control)
        replay.run()
    return replay


def test_every_pair_is_answered_as_recorded(replay: Replay) -> None:
    unexpected = {number: text for number, text in replay.differences.items() if number not in SKIPPED}
    assert not unexpected, "\n".join(f"#{number} {text}" for number, text in unexpected.items())


def test_what_is_skipped_differs_and_has_a_reason(replay: Replay, record_property: Any) -> None:
    record_property("skipped", SKIPPED)
    assert set(SKIPPED) <= set(replay.differences)
    assert all(SKIPPED.values())
    assert len(SKIPPED) < 10


def test_nothing_is_left_out_of_the_recording() -> None:
    assert len(PAIRS) == 281
