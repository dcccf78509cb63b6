"""What a user gives and no vendor can take is refused before anything is sent, by the name of its field."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.robusta.hooks import RobustaHook
from tests.kiban.server import LOAN

BAD = ("\ud83d", "a\0b", math.nan, math.inf)
#: By vendor: sends a value of one field; the endpoint; and how a message may name the field.
SENDING: dict[str, tuple[Callable[[Any], Any], str, tuple[str, ...]]] = {
    "omflow": (lambda bad: OMFlowHook().open_order("two-step", {"FORMITM_1": bad}), "open", ("FORMITM_1",)),
    "mybpm": (lambda bad: MyBPMHook().upsert("CUSTOMER", {"IIN": bad}, boi_id="A" * 16), "upsert", ("IIN",)),
    "blizwork": (
        lambda bad: BlizWorkHook().exec_activity("one-step", 1, "request", "done", {"amount": bad}),
        "exec",
        ("amount",),
    ),
    "robusta": (
        lambda bad: RobustaHook().start_process("InvoiceBot", worker="3", values={"orderNo": bad}),
        "start",
        ("orderNo",),
    ),
    "kiban": (lambda bad: KibanHook().start(LOAN, form={"amount": bad}), "start", ("amount",)),
}
#: Names that become part of a path or a query.
NAMED: dict[str, Callable[[str], Any]] = {
    "omflow": lambda bad: OMFlowHook().query(bad, 1),
    "kiban": lambda bad: KibanHook().status(bad),
    "robusta": lambda bad: RobustaHook().process_status(bad),
    "mybpm": lambda bad: MyBPMHook().load("CUSTOMER", bad),
    "blizwork": lambda bad: BlizWorkHook().load_case(bad, 1),
}


@pytest.mark.parametrize("bad", BAD, ids=ascii)
@pytest.mark.parametrize("vendor", SENDING)
def test_a_value_is_refused_by_the_name_of_its_field(
    vendor: str, bad: Any, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(vendor)
    send, endpoint, names = SENDING[vendor]
    with pytest.raises(InvalidInput) as refused:
        send(bad)
    assert any(name in refused.value.message for name in names)
    mount = "omflow-1.2" if vendor == "omflow" else vendor
    assert server.control.effects(mount)["requests"].get(endpoint, 0) == 0


@pytest.mark.parametrize("vendor", NAMED)
def test_a_name_in_a_path_is_refused(vendor: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(vendor)
    with pytest.raises(InvalidInput):
        NAMED[vendor]("\ud83d")


def test_a_search_value_is_refused(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("kiban")
    with pytest.raises(InvalidInput):
        KibanHook().list_executions(filters={"name": "\ud83d"})
