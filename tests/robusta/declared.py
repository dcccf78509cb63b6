"""What the tests that all vendors share need to know of Robusta RPA."""

from __future__ import annotations

from airflow_provider_workflows.robusta.conditions import ProcessSucceeded
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from airflow_provider_workflows.robusta.sensors import RobustaStatusSensor
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import USER, Person, Step
from tests.declaration import Secrets, Trouble, VendorTests

REACHED = "Robusta was reached, but the credentials were not checked: no documented call can check them"


def _let_in(table: Table, secrets: Secrets) -> None:
    table["users"][0]["password"] = secrets["robusta"]


DECLARED = VendorTests(
    reached=REACHED,
    # What it answers to an unknown SPID is not documented.
    may_answer_pages=True,
    own={"users": [{"name": "etl", "password": "of robusta"}], "time_zone": "America/Bogota"},
    own_login=("etl", "of robusta"),
    own_extra={"time_zone": "America/Bogota"},
    condition=ProcessSucceeded(spid="4c1b"),
    reads="status",
    starts="start",
    trouble=Trouble(
        start=RobustaStartProcessOperator,
        arguments={"process_name": "LongBot", "worker": "3"},
        wrong={"values": "{no JSON"},
        wait=RobustaStatusSensor,
        of=lambda started: {"spid": started["spid"]},
    ),
    let_in=_let_in,
    examples=("robusta_invoices",),
    person=Person(
        server="Orchestrator",
        standard={"API user": USER},
        password="Password",
        extra={"Time zone": "Europe/Istanbul"},
        tested=REACHED,
        let_in=lambda secret: ("add_user", {"name": USER, "password": secret}),
        step=Step(task="collect_document", record=r"SPID \S+"),
    ),
)
