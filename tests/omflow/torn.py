"""An OMFlow double on a clock of its own, to look at an order at any moment, also between two commits."""

from __future__ import annotations

import base64
import json
import tomllib
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import Order
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.omflow.dialect import V1_1
from airflow_provider_workflows.sandbox.omflow.double import OMFlowDouble
from airflow_provider_workflows.sandbox.vendor import Call, Head

API = OMFlowApi(login="robot", password="secret", version="1.1")

PROCESSES = """
latency = 0.01

[[users]]
name = "robot"
password = "secret"
rights = ["add", "modify", "view"]

[processes.split.fields]
FORMITM_1 = { type = "h_title" }

# Branches of every kind: one that waits twice, one that waits once, one that ends at once.
[processes.split.flow]
start = { kind = "start", to = "Fork" }
Fork = { kind = "fork", to = ["Told", "Legal", "Finance"] }
Legal = { kind = "human", to = "Sign" }
Sign = { kind = "human", to = "LegalEnd" }
Finance = { kind = "human", to = "FinanceEnd" }
LegalEnd = { kind = "end" }
FinanceEnd = { kind = "end" }
Told = { kind = "end" }

[processes.collected.fields]
FORMITM_1 = { type = "h_title" }

[processes.collected.flow]
start = { kind = "start", to = "Review" }
Review = { kind = "human", to = "Fork" }
Fork = { kind = "fork", to = ["Legal", "Finance"] }
Legal = { kind = "human", to = "Collect" }
Finance = { kind = "human", to = "Collect" }
Collect = { kind = "collect", to = "Sign" }
Sign = { kind = "human", to = "End" }
End = { kind = "end" }
"""


class HeldClock(Clock):
    """A clock that stands still until somebody advances it."""

    def __init__(self) -> None:
        self._now = 1_700_000_000.0

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class TornServer:
    """
    A server whose commits are apart.

    :param torn_writes: the delays between commits, in multiples of those recorded
    """

    def __init__(self, *, torn_writes: float = 1.0) -> None:
        self.clock = HeldClock()
        declared = tomllib.loads(PROCESSES) | {"torn_writes": torn_writes}
        self.double = OMFlowDouble(V1_1, declared, self.clock)
        self.listings: list[Order] = []

    def run(self, operation: Operation[Any]) -> Any:
        """Run an operation to its end; its sleeps let the server go on, and its listings are kept."""
        self.listings = []
        answer: Any = None
        while True:
            try:
                step = operation.send(answer)
            except StopIteration as end:
                return end.value
            match step:
                case Request():
                    answer = self._answer(step)
                case Sleep(seconds):
                    self.clock.advance(seconds)
                    answer = None
                case Renew():
                    answer = self._login()

    def open(self, api_path: str) -> Any:
        items = [{"id": "FORMITM_1", "type": "h_title", "value": "x"}]
        return self.run(API.create_order(api_path, items))

    def settled(self, api_path: str, data_no: Any) -> Order:
        """Return the order once the server has written everything."""
        self.clock.advance(600)
        order: Order = self.run(API.order_state(api_path, data_no))
        return order

    def push(self, api_path: str, data_no: Any, stop: str, *, by_hand: bool = False) -> None:
        self.clock.advance(600)
        (data_id,) = [
            one.data_id
            for one in self.run(API.order_state(api_path, data_no)).stops
            if one.stop_chart_text == stop
        ]
        if by_hand:
            self.double.commands["push"](api_path=api_path, data_id=data_id)
        else:
            self.run(API.move_order(api_path, data_id))

    def _answer(self, request: Request) -> Reply:
        head = Head(request.method, request.path, {"content-type": "application/json"})
        answer = self.double.route(Call(head, json.dumps(request.json).encode())).perform()
        reply = Reply(status=answer.status, body=answer.body)
        if request.operation == "list rows":
            self.listings.append(Order(tuple(json.loads(answer.body)["result"])))
        return reply

    def _login(self) -> str:
        basic = base64.b64encode(b"robot:secret").decode()
        head = Head("GET", "/accounts/api/security/get/", {"authorization": f"Basic {basic}"})
        code: str = json.loads(self.double.route(Call(head)).perform().body)["result"]["security"]
        return code
