"""Waits for orders of one process, asked together."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.core.waiting.together import FEWEST
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.harness import Clock
from tests.core.together import events, read
from tests.omflow.orders import open_order, push_all, requests, stops

AT_REVIEW, CLOSED = 4, 3


@pytest.fixture
def orders(omflow: OMFlowServer) -> list[int]:
    """Orders of one process, of which the last are closed."""
    made = [open_order(omflow, "two-step") for _ in range(AT_REVIEW + CLOSED)]
    for data_no in made[AT_REVIEW:]:
        push_all(omflow, "two-step", data_no, times=2)
    return made


def at(data_no: int | str, stop: str = "Review") -> OrderAtStop:
    return OrderAtStop(api_path="two-step", data_no=data_no, stop_chart_text=stop)


def closed(data_no: int | str, *fields: str, api_path: str = "two-step") -> OrderClosed:
    return OrderClosed(api_path=api_path, data_no=data_no, fields=fields)


def test_each_gets_what_it_gets_alone(omflow: OMFlowServer, clock: Clock, orders: list[int]) -> None:
    hook = OMFlowHook()
    both = [one for data_no in orders for one in (at(data_no), at(data_no, "Approve"))]
    assert read(hook, [*both, at(str(orders[0])), at(4711)]) == {at(data_no).remote_id for data_no in orders}
    ends = [closed(data_no, "FORMITM_1", "title") for data_no in orders]
    assert read(hook, ends) == {one.remote_id for one in ends}


def test_many_are_asked_in_one_request(omflow: OMFlowServer, clock: Clock, orders: list[int]) -> None:
    more = [open_order(omflow, "two-step") for _ in range(FEWEST)]
    before = requests(omflow, "list")
    found = events(OMFlowHook(), [at(data_no) for data_no in more], clock)
    assert requests(omflow, "list") - before == 1
    assert [one["result"] for one in found] == [stops("two-step", data_no)["Review"] for data_no in more]


def test_second_looks_are_asked_together_too(omflow: OMFlowServer, clock: Clock, orders: list[int]) -> None:
    for data_no in orders[:AT_REVIEW]:
        push_all(omflow, "two-step", data_no, times=2)
    before = requests(omflow, "list")
    found = events(OMFlowHook(), [closed(data_no) for data_no in orders], clock)
    assert [one["result"]["closing_stop"] for one in found] == ["End"] * len(orders)
    assert requests(omflow, "list") - before == 2


def test_a_column_that_is_wrong_fails_only_its_wait(
    omflow: OMFlowServer, clock: Clock, orders: list[int]
) -> None:
    for data_no in orders[:AT_REVIEW]:
        push_all(omflow, "two-step", data_no, times=2)
    good = [closed(data_no) for data_no in orders[:FEWEST]]
    *ended, wrong = events(OMFlowHook(), [*good, closed(orders[0], "FORMITM_99")], clock)
    assert {one["status"] for one in ended} == {"done"}
    assert wrong["status"] == "failed"


def test_a_number_that_is_none_is_refused_alone(
    omflow: OMFlowServer, clock: Clock, orders: list[int]
) -> None:
    good = [at(data_no) for data_no in orders[:AT_REVIEW]]
    *found, wrong = events(OMFlowHook(), [*good, at("no-number")], clock)
    assert {one["status"] for one in found} == {"done"}
    assert wrong["status"] == "failed"


def test_a_listing_of_other_orders_is_not_believed(
    omflow: OMFlowServer, orders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = OMFlowHook()
    api = hook.get_conn()
    # A server that ignores the condition (recorded): the same call without it.
    unfiltered = lambda api_path, **how: type(api).list_rows(api, api_path, columns=how["columns"])  # noqa: E731
    monkeypatch.setattr(api, "list_rows", unfiltered, raising=False)
    assert hook.run(lambda api: api.order_states("two-step", orders[:2])) == {}
