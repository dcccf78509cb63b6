"""Ids that enter URLs, of every vendor: what cannot be an id is refused, naming the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.blizwork.api import values as blizwork
from airflow_provider_workflows.core.protocol.message import can_be_id, quoted
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.api.values import identifier, of_execution
from airflow_provider_workflows.mybpm.api.values import check_code, check_id
from airflow_provider_workflows.omflow.api.call import order_number
from airflow_provider_workflows.omflow.api.call import segment as process
from airflow_provider_workflows.robusta.api.operations import checked_spid

#: Named as the arguments are.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "api_path": process,
    "data_no": order_number,
    "bo_code": lambda value: check_code(value, "bo_code"),
    "boi_id": lambda value: check_id(value, "boi_id"),
    "workflow_id": lambda value: blizwork.identifier(value, "workflow_id"),
    "case_number": blizwork.case_number,
    "spid": checked_spid,
    "execution_id": of_execution,
    "node": lambda value: identifier(value, "node"),
}
NO_IDS: list[Any] = [None, True, False, "", " ", ".", "..", " .. ", "None", [], {}, b"7", float("nan"), 1.5]
INSIDE = ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u061c", "\u200e", "\u200f", "\u2028", "\u2029"]
INSIDE += ["\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\ud800", "\udfff", "\ud83d"]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("value", [*NO_IDS, *(f"a{one}b" for one in INSIDE), *INSIDE], ids=ascii)
def test_what_cannot_be_an_id_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"^{name} must be "):
        CHECKS[name](value)


@pytest.mark.parametrize("value", ["true", "False", "null", "none", "NaN", "1 2", "4" * 201])
def test_no_order_has_such_a_number(value: str) -> None:
    with pytest.raises(InvalidInput, match="data_no must be an order number"):
        order_number(value)


@pytest.mark.parametrize("value", [7, "7", "007", "PO-2026/17", "採購-1"])
def test_orders_have_such_numbers(value: Any) -> None:
    assert order_number(value) == value


@given(st.text(max_size=20))
def test_an_id_is_one_segment_of_a_url_and_no_other(text: str) -> None:
    if not can_be_id(text):
        return
    base = Endpoint(base_url="https://vendor.example.com/base")
    url = base.url(f"/before/{quoted(text)}/after")
    assert url.startswith("https://vendor.example.com/base/before/")
    assert url.endswith("/after")
    assert url.count("/") == "https://vendor.example.com/base/before/x/after".count("/")
    assert not set("?#") & set(url)


@pytest.mark.parametrize("text", ["a/b", "a?b", "a#b", "%2e%2e", "a/../b", "ñ %"])
def test_what_would_mean_something_in_a_url_is_quoted(text: str) -> None:
    assert not set("/?# ") & set(quoted(text))
    assert of_execution(text).count("/") == of_execution("x").count("/")
