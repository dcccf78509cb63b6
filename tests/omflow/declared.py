"""What the tests that all vendors share need to know of OMFlow."""

from __future__ import annotations

from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import USER, Choice, Person, Step
from tests.declaration import Secrets, Trouble, VendorTests


def _let_in(table: Table, secrets: Secrets) -> None:
    table["users"][0]["password"] = secrets["omflow"]


DECLARED = VendorTests(
    reached="Logged in to OMFlow as airflow",
    own={"users": [{"name": "etl", "password": "of etl", "rights": ["view"]}]},
    own_login=("etl", "of etl"),
    condition=OrderClosed(api_path="purchase", data_no=7),
    reads="list",
    starts="open",
    trouble=Trouble(
        start=OMFlowOpenOrderOperator,
        arguments={"api_path": "two-step", "form_data": {"FORMITM_1": "in trouble"}},
        wrong={"form_data": "{no JSON"},
        wait=OMFlowOrderSensor,
        of=lambda started: {"api_path": "two-step", "data_no": started},
    ),
    let_in=_let_in,
    issuers=("omflow-1.2", "omflow-1.1"),
    examples=("omflow_order",),
    person=Person(
        server="Server",
        standard={"Service user": USER},
        password="Password",
        extra={"Language": Choice("English")},
        tested=f"Logged in to OMFlow as {USER}",
        let_in=lambda secret: (
            "add_user",
            {"name": USER, "password": secret, "rights": ["add", "modify", "view"]},
        ),
        step=Step(task="pay.open", record=r"order payout/\d+"),
    ),
)
