"""The plans of accounts: each way of counting by hand, and each vendor's refusal on the wire."""

from __future__ import annotations

import copy
import math
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.plan import COUNTINGS, Counting, OverPlanError, Plan, read_plan
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.server import SandboxServer

#: What rounding may do to a time, in seconds, and to a count.
SLACK = 1e-5


class Account:
    """One account of a plan, on a clock that only this test moves."""

    def __init__(self, rate: float | None, counting: Counting, *, begin: float = 1000.0) -> None:
        self.now = begin
        self.plan = Plan(rate, counting, lambda: self.now)

    def after(self, seconds: float) -> float:
        """Send a request; return how long it would have to wait, 0 if it was let in."""
        self.now += seconds
        try:
            self.plan.admit("a")
        except OverPlanError as refused:
            return refused.seconds
        return 0.0

    def times(self, gaps: list[float]) -> list[float]:
        """Send a request after each gap; return when those were that were let in."""
        return [self.now for gap in gaps if not self.after(gap)]


def let_in(counting: Counting, rate: float, *gaps: float) -> str:
    """Tell which requests are let in, and which refused."""
    account = Account(rate, counting)
    return "".join("-" if account.after(gap) else "+" for gap in gaps)


def test_the_minimum_distance_has_no_tolerance() -> None:
    assert let_in("minimum_distance", 5, 0, 0.1875, 0.0625, 0.1875, 0.0625) == "+-+-+"
    assert let_in("minimum_distance", 0.5, 0, 1.999, 0.001) == "+-+"


def test_a_fixed_second_begins_anew_with_the_clock() -> None:
    assert let_in("fixed_second", 2, 0.9, 0, 0, 0.1, 0, 0, 0.99) == "++-++--"
    assert let_in("fixed_second", 0.5, 1.9, 0.1, 1.9, 0.1) == "++-+"


def test_a_sliding_second_forgets_each_request_after_a_second() -> None:
    assert let_in("sliding_second", 2, 0, 0.75, 0, 0.25, 0, 0.75) == "++-+-+"


def test_a_bucket_lets_a_burst_in_and_then_keeps_to_the_rate() -> None:
    assert let_in("token_bucket", 2, 0, 0, 0, 0.5, 0, 60, 0, 0) == "++-+-++-"
    assert let_in("token_bucket", 0.5, 0, 1.5, 0.5) == "+-+"


RATES = st.sampled_from([0.5, 1, 2, 2.5, 5, 50])
GAPS = st.lists(st.one_of(st.floats(0, 0.3), st.sampled_from([0.0, 0.02, 0.2, 0.5, 1.0, 2.0])), max_size=60)
BEGIN = st.floats(0, 2e9)


def most_in(times: list[float], seconds: float) -> int:
    """Return the most requests in any time of this length, its end left out."""
    return max(
        (bisect_left(times, at + seconds - SLACK) - first for first, at in enumerate(times)), default=0
    )


def of_a_distance(rate: float, times: list[float]) -> bool:
    return most_in(times, 1 / rate) <= 1


def of_a_fixed_second(rate: float, times: list[float]) -> bool:
    length = max(1, math.floor(rate)) / rate
    seconds = [math.floor(at / length) for at in times]
    return all(seconds.count(one) <= max(1, math.floor(rate)) for one in seconds)


def of_a_sliding_second(rate: float, times: list[float]) -> bool:
    return most_in(times, max(1, math.floor(rate)) / rate) <= max(1, math.floor(rate))


def of_a_bucket(rate: float, times: list[float]) -> bool:
    """In no time are there more than a full bucket and what flows in meanwhile."""
    return all(
        last - first + 1 <= max(1, rate) + (times[last] - times[first]) * rate + SLACK * rate
        for first in range(len(times))
        for last in range(first, len(times))
    )


KEPT: dict[Counting, Callable[[float, list[float]], bool]] = {
    "minimum_distance": of_a_distance,
    "fixed_second": of_a_fixed_second,
    "sliding_second": of_a_sliding_second,
    "token_bucket": of_a_bucket,
}


@pytest.mark.parametrize("counting", COUNTINGS)
@given(rate=RATES, gaps=GAPS, begin=BEGIN)
def test_no_time_holds_more_than_the_plan_allows(
    counting: Counting, rate: float, gaps: list[float], begin: float
) -> None:
    assert KEPT[counting](rate, Account(rate, counting, begin=begin).times(gaps))


@pytest.mark.parametrize("counting", COUNTINGS)
@given(rate=RATES, gaps=GAPS, begin=BEGIN)
def test_a_refused_request_is_let_in_after_its_wait_and_not_before(
    counting: Counting, rate: float, gaps: list[float], begin: float
) -> None:
    account = Account(rate, counting, begin=begin)
    for gap in gaps:
        if wait := account.after(gap):
            if wait > 2 * SLACK:
                assert account.after(wait - SLACK)
                wait = SLACK
            assert not account.after(wait + SLACK)


@pytest.mark.parametrize("counting", COUNTINGS)
@given(rate=RATES, begin=BEGIN)
def test_an_even_flow_a_little_below_the_rate_is_never_refused(
    counting: Counting, rate: float, begin: float
) -> None:
    assert len(Account(rate, counting, begin=begin).times([1.02 / rate] * 50)) == 50


@pytest.mark.parametrize("counting", COUNTINGS)
def test_without_a_rate_all_are_counted_and_at_a_rate_of_none_all_are_refused(counting: Counting) -> None:
    free, shut = Account(None, counting), Account(0, counting)
    assert [free.after(0) for _ in range(3)] == [0, 0, 0]
    assert shut.after(0) == math.inf
    assert (free.plan.accounts["a"].counted, shut.plan.accounts["a"].refused) == (3, 1)


def test_accounts_do_not_share_their_plan() -> None:
    plan = Plan(1, "sliding_second", lambda: 0.0)
    plan.admit("a")
    plan.admit("b")
    with pytest.raises(OverPlanError):
        plan.admit("a")


def test_a_plan_that_was_changed_goes_back_to_the_declared_one() -> None:
    plan = read_plan({"requests_per_second": 5, "counting": "token_bucket"}, lambda: 0.0, place="[v]")
    plan.change(None, "minimum_distance")
    plan.reset()
    assert (plan.rate, plan.counting, plan.accounts) == (5, "token_bucket", {})


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"counting": "by_heart"}, r"\[v\]: counting cannot be 'by_heart'; there are minimum_distance"),
        ({"requests_per_second": -1}, "requests_per_second cannot be -1"),
        ({"requests_per_second": math.nan}, "requests_per_second cannot be nan"),
    ],
)
def test_a_plan_that_means_nothing(table: dict[str, Any], named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        read_plan(table, lambda: 0.0, place="[v]")


# On the wire: for each mount, a request of an account that does nothing, and the name of the account.

_BASIC, _ROBUSTA = ("airflow", "sesame"), "/scheduler/connector-api/process/status/nobody"
ASKING: dict[str, tuple[str, str, dict[str, Any]]] = {
    "omflow-1.2": ("GET /accounts/api/security/get/", "airflow", {"auth": _BASIC}),
    "omflow-1.1": ("GET /accounts/api/security/get/", "airflow", {"auth": _BASIC}),
    "mybpm": (
        "POST /api/v1/metadata/load-bo-structure",
        "API token",
        {"headers": {"API-TOKEN": "sandbox-api-token"}, "json": {"boCode": "CUSTOMER"}},
    ),
    "robusta": (f"GET {_ROBUSTA}", "airflow", {"auth": _BASIC}),
    "kiban": ("GET /api/v2/workfloo", "key 1", {"headers": {"x-api-key": "kiban-sandbox-key"}}),
}


def ask(server: SandboxServer, mount: str) -> requests.Response:
    method, _, path = ASKING[mount][0].partition(" ")
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{server.vendor_url(mount)}{path}", timeout=10, **ASKING[mount][2])


@pytest.mark.parametrize("mount", ASKING)
def test_a_request_beyond_the_plan_is_answered_429(server: SandboxServer, mount: str) -> None:
    control, account = server.control, ASKING[mount][1]
    control.set_plan(mount, 0.01, "sliding_second")
    first, second = ask(server, mount), ask(server, mount)
    assert (first.status_code == 429, second.status_code) == (False, 429)
    assert second.headers["Retry-After"] == "100"
    assert control.plan(mount) == {
        "requests_per_second": 0.01,
        "counting": "sliding_second",
        "accounts": {account: {"counted": 1, "refused": 1}},
    }
    control.advance(100)
    assert ask(server, mount).status_code != 429


def test_a_plan_without_any_request_names_no_time_to_come_again(server: SandboxServer) -> None:
    server.control.set_plan("kiban", 0)
    assert "Retry-After" not in ask(server, "kiban").headers


def test_a_login_counts_for_its_user_and_a_bad_one_for_nobody(server: SandboxServer) -> None:
    url = f"{server.vendor_url('mybpm')}/api/v1/json/auth/get-access-by-password"
    login = {"email": "airflow@example.com", "password": "sesame", "timezone": "GMT+0600"}
    server.control.set_plan("mybpm", 0)
    with requests.Session() as session:
        session.trust_env = False
        assert session.post(url, json=login, timeout=10).status_code == 429
        assert session.post(url, json={**login, "password": "no"}, timeout=10).status_code == 401
    assert server.control.plan("mybpm")["accounts"] == {"airflow@example.com": {"counted": 0, "refused": 1}}
    assert server.control.issued("mybpm") == []


def test_each_request_behind_a_login_counts_too(server: SandboxServer) -> None:
    code = ask(server, "omflow-1.2").json()["result"]["security"]
    url = f"{server.vendor_url('omflow-1.2')}/rest/app/server-version/get/"
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, json={"security": code, "omflow_restapi": 1}, timeout=10)
    assert server.control.plan("omflow-1.2")["accounts"]["airflow"] == {"counted": 2, "refused": 0}


@pytest.mark.parametrize("plan", [(5, "by_heart"), (-1, "fixed_second")])
def test_control_refuses_a_plan_that_means_nothing(control: Control, plan: tuple[float, str]) -> None:
    with pytest.raises(ControlError, match="kiban: "):
        control.set_plan("kiban", *plan)


def test_a_reset_brings_the_declared_plan_back() -> None:
    declared = copy.deepcopy(load_declaration())
    for table in declared.values():
        table |= {"requests_per_second": 5, "counting": "token_bucket"}
    with SandboxServer(declared) as server:
        for mount in (*ASKING, "blizwork"):
            server.control.set_plan(mount, None)
            assert server.control.plan(mount)["requests_per_second"] is None
            server.control.reset()
            found = server.control.plan(mount)
            assert (found["requests_per_second"], found["counting"]) == (5, "token_bucket")
