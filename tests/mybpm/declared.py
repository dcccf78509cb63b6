"""What the tests that all vendors share need to know of MyBPM."""

from __future__ import annotations

from airflow_provider_workflows.mybpm.conditions import FieldReached
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.sensors import MyBPMStateSensor
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import E_MAIL, Person, Step
from tests.declaration import Secrets, Trouble, VendorTests

#: Label of the secret of those who call with an API token, and without logging in.
API_TOKEN = "mybpm_api_token"


def _let_in(table: Table, secrets: Secrets) -> None:
    table["users"] = dict.fromkeys(table["users"], secrets["mybpm"])
    table["api_tokens"] = [secrets[API_TOKEN]]


DECLARED = VendorTests(
    reached="Logged in to MyBPM as airflow@example.com",
    own={"users": {"etl@example.com": "of mybpm"}, "timezone": "GMT+0300"},
    own_login=("etl@example.com", "of mybpm"),
    own_extra={"timezone": "GMT+0300"},
    condition=FieldReached(bo_code="NOTE", boi_id="aaaaBBBBcccc0001", field="F", values=("x",)),
    reads="load",
    starts="upsert",
    trouble=Trouble(
        start=MyBPMUpsertBOIOperator,
        arguments={"bo_code": "REQUEST", "field_values": {"SUBJECT": "in trouble"}},
        wrong={"field_values": "{no JSON"},
        wait=MyBPMStateSensor,
        of=lambda started: {"bo_code": "REQUEST", "boi_id": started["boi_id"], "states": ["ARCHIVED"]},
    ),
    let_in=_let_in,
    more_secrets=(API_TOKEN,),
    issuers=("mybpm",),
    examples=("mybpm_request",),
    person=Person(
        server="Server",
        standard={"E-mail (session login only)": E_MAIL},
        password="API token or password",
        extra={"Time zone of the login": "GMT+0600"},
        tested=f"Logged in to MyBPM as {E_MAIL}",
        let_in=lambda secret: ("add_user", {"email": E_MAIL, "password": secret}),
        step=Step(task="register.customer", record=r"BOI CUSTOMER/\S+"),
    ),
)
