"""What the tests that all vendors share need to know of BlizWork."""

from __future__ import annotations

from airflow_provider_workflows.blizwork.conditions import CaseClosed
from airflow_provider_workflows.blizwork.operators import BlizWorkInitCaseOperator
from airflow_provider_workflows.blizwork.sensors import BlizWorkCaseSensor
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import E_MAIL, Choice, Person, Step
from tests.declaration import Secrets, Trouble, VendorTests


def _let_in(table: Table, secrets: Secrets) -> None:
    table["token"] = secrets["blizwork"]


DECLARED = VendorTests(
    reached="BlizWork accepted the token and the user airflow@example.com",
    own={"token": "of-blizwork", "company": "c1", "users": [{"email": "etl@example.com"}]},
    own_login=("etl@example.com", "of-blizwork"),
    own_extra={"company_id": "c1"},
    condition=CaseClosed(workflow_id="credit", case_number=7),
    reads="case",
    starts="init",
    trouble=Trouble(
        start=BlizWorkInitCaseOperator,
        arguments={"workflow_id": "one-step"},
        wrong={"workflow_id": ""},
        wait=BlizWorkCaseSensor,
        of=lambda started: {"workflow_id": "one-step", "case_number": started},
    ),
    let_in=_let_in,
    examples=("blizwork_credit",),
    person=Person(
        server="Server",
        standard={"User e-mail": E_MAIL},
        password="API token",
        extra={"Company id": "5f0c3a1be2d94a7c8b6e1d20", "Environment": Choice("Production")},
        tested=f"BlizWork accepted the token and the user {E_MAIL}",
        let_in=lambda secret: ("set_token", {"token": secret}),
        step=Step(task="approve.open", record=r"case credit/\S+"),
    ),
)
