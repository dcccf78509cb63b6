"""The sandbox's Kiban as a test needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.sandbox.control import Control

KEY = "kiban-sandbox-key"
LOAN = "64b5f0c2a1d3e4f5a6b7c801"
LOAN_SCENARIO = "64b5f0c2a1d3e4f5a6b7a001"
ONBOARDING = "64b5f0c2a1d3e4f5a6b7c802"
ONBOARDING_SCENARIO = "64b5f0c2a1d3e4f5a6b7a002"
TWO_FORMS = "64b5f0c2a1d3e4f5a6b7c803"
LOOPING = "64b5f0c2a1d3e4f5a6b7c804"
FAILING = "64b5f0c2a1d3e4f5a6b7c805"
REVIEW = "64b5f0c2a1d3e4f5a6b7c806"
UNDELIVERED = "64b5f0c2a1d3e4f5a6b7c807"
UNDELIVERED_SCENARIO = "64b5f0c2a1d3e4f5a6b7a007"
OTP = "64b5f0c2a1d3e4f5a6b7c808"
OTP_SCENARIO = "64b5f0c2a1d3e4f5a6b7a008"
EXPIRING = "64b5f0c2a1d3e4f5a6b7c809"
DRAFT = "64b5f0c2a1d3e4f5a6b7c810"
BRANCHING = "64b5f0c2a1d3e4f5a6b7c811"
BRANCHING_SCENARIO = "64b5f0c2a1d3e4f5a6b7a011"
ADDRESS = "64b5f0c2a1d3e4f5a6b7c812"
CIRCLING = "64b5f0c2a1d3e4f5a6b7c814"
PRINTING = "64b5f0c2a1d3e4f5a6b7c813"
#: Id of the node that prints, the same in every run.
PRINTER = "89cd7c6f3208dcc94ae83924"
POOL = "64b5f0c2a1d3e4f5a6b70001"
NOBODY = "f" * 24
FORM = {"first_name": "Ana", "last_name": "Torres", "rfc": "TOAA900101AB1", "amount": 25000}
#: A small PDF in Base64.
PDF = "JVBERi0xLjQ="


@dataclass(frozen=True)
class KibanServer:
    """The sandbox's Kiban, and the connection ``kiban_default`` that leads to it."""

    control: Control
    url: str
    connect: Callable[..., None]

    def start(self, workfloo: str = LOAN, *, settle: float = 5, **arguments: Any) -> str:
        """
        Start an execution and let it come to its first step.

        :param settle: seconds of the sandbox's clock to let pass
        """
        execution_id = KibanHook().start(workfloo, **arguments)
        self.control.advance(settle)
        return execution_id

    def answer(self, execution_id: str, *, settle: float = 5, times: int = 1, **values: Any) -> None:
        """Do by hand what the current step wants, and let the execution go on."""
        for _ in range(times):
            self.command("answer", execution_id=execution_id, **values)
            self.control.advance(settle)

    def command(self, command: str, **arguments: Any) -> None:
        self.control.command("kiban", command, **arguments)

    def fault(self, endpoint: str, kind: str, **details: Any) -> str:
        """Set a fault; returns its id, to ask for its hits."""
        return self.control.fault("kiban", endpoint, kind, **details)

    def effects(self) -> dict[str, Any]:
        """What really happened there: started, answered, codes_sent, requests by endpoint."""
        return self.control.effects("kiban")

    def requests(self, endpoint: str) -> int:
        return int(self.effects()["requests"].get(endpoint, 0))

    def record(self, execution_id: str) -> dict[str, Any]:
        (found,) = (one for one in self.control.records("kiban") if one["id"] == execution_id)
        return found
