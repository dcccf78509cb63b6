"""What the tests that all vendors share need to know of Pigeon Post."""

from __future__ import annotations

from airflow_provider_workflows.pigeon.conditions import LetterArrived
from airflow_provider_workflows.pigeon.operators import PigeonSendOperator
from airflow_provider_workflows.pigeon.sensors import PigeonArrivalSensor

from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import Person
from tests.declaration import Secrets, Trouble, VendorTests


def _let_in(table: Table, secrets: Secrets) -> None:
    table["ring"] = secrets["pigeon"]


DECLARED = VendorTests(
    reached="Reached the loft",
    own={"ring": "of-pigeon"},
    own_login=("", "of-pigeon"),
    condition=LetterArrived(letter="letter-1"),
    reads="look",
    starts="send",
    trouble=Trouble(
        start=PigeonSendOperator,
        arguments={"to": "Ada", "text": "in trouble"},
        wrong={"on_clear": "no such word"},
        wait=PigeonArrivalSensor,
        of=lambda started: {"letter": started},
    ),
    let_in=_let_in,
    examples=("pigeon_letter",),
    person=Person(
        server="Loft",
        password="Ring number",
        tested="Reached the loft",
        let_in=lambda secret: ("set_ring", {"ring": secret}),
    ),
)
