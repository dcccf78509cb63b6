"""What the tests that all vendors share need to know of Kiban Workfloo."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.operators import KibanStartWorkflooOperator
from airflow_provider_workflows.kiban.sensors import KibanStepSensor
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import Choice, Person, Secret, Step
from tests.declaration import Secrets, Trouble, VendorTests

#: Label of the secret of whoever is told of ends.
CALLBACK = "kiban_callback"


def _let_in(table: Table, secrets: Secrets) -> None:
    table["keys"][0]["key"] = secrets["kiban"]


def _with_secrets(fields: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    return {**fields, "extra": {**fields["extra"], "callback_x_api_key": secrets[CALLBACK]}}


DECLARED = VendorTests(
    reached="Kiban Workfloo (sandbox) accepted the API key",
    own={"keys": [{"key": "of-kiban"}]},
    own_login=("", "of-kiban"),
    condition=ExecutionSucceeded(execution_id="65ab"),
    reads="status",
    starts="start",
    trouble=Trouble(
        start=KibanStartWorkflooOperator,
        arguments={"workfloo_id": "64b5f0c2a1d3e4f5a6b7c803", "callback_url": "https://example.com/told"},
        wrong={"form": "{no JSON"},
        wait=KibanStepSensor,
        of=lambda started: {"execution_id": started["id"], "node": "Second"},
    ),
    let_in=_let_in,
    more_secrets=(CALLBACK,),
    with_secrets=_with_secrets,
    examples=("kiban_loan",),
    person=Person(
        server="Base URL",
        password="API key",
        extra={"Environment": Choice("Sandbox"), "Callback API key": Secret},
        tested="Kiban Workfloo (sandbox) accepted the API key",
        let_in=lambda secret: ("add_key", {"key": secret}),
        step=Step(task="decide.start", record=r"execution [0-9a-f]{24}"),
    ),
)
