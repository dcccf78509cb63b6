"""The one trigger, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.core.waiting.history import lengths_of
from airflow_provider_workflows.core.waiting.poller import result_of
from airflow_provider_workflows.core.waiting.schedule import WaitState
from airflow_provider_workflows.core.waiting.trigger import STAGGER, WaitTrigger
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    LostTrack,
    RunFailed,
    RunTimedOut,
    WorkflowError,
)
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, run_trigger
from tests.omflow.orders import open_order, push_all, state, stops


def trigger(
    condition: Condition | dict[str, Any],
    *,
    now: float,
    not_before: float = 0.0,
    conn_id: str = "omflow_default",
    begun: WaitState | None = None,
    **limits: Any,
) -> WaitTrigger:
    limits = {"timeout": 1000.0, "cap": 30.0, "tolerance": 100.0, **limits}
    return WaitTrigger(
        conn_id=conn_id,
        condition=condition.to_json() if isinstance(condition, Condition) else condition,
        state=(begun or WaitState.begin(now=now, **limits)).to_json(),
        not_before=not_before,
    )


def failure_of(event: Any) -> WorkflowError:
    with pytest.raises(WorkflowError) as caught:
        result_of(json.loads(json.dumps(event)))
    return caught.value


def test_done_at_once(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    event = run_trigger(trigger(OrderAtStop(api_path="two-step", data_no=data_no), now=clock.time()))
    assert result_of(event) == stops("two-step", data_no)["Review"]


def test_done_after_a_while(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    clock.after(400, lambda: push_all(omflow, "two-step", data_no, times=2))
    event = run_trigger(trigger(OrderClosed(api_path="two-step", data_no=data_no), now=clock.time()))
    assert result_of(event)["closing_stop"] == "End"
    assert len(clock.slept) < 80, "looks become rarer"
    # The code's five idle minutes and more passed between some looks and the next ones.
    assert omflow.effects()["requests"]["security"] <= 3


def test_failed_order(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "failing")
    event = run_trigger(trigger(OrderClosed(api_path="failing", data_no=data_no), now=clock.time()))
    error = failure_of(event)
    assert type(error) is RunFailed
    assert "boom" in str(error)


def test_timeout_with_one_last_look_at_the_deadline(omflow: OMFlowServer, clock: Clock) -> None:
    data_no, begun = open_order(omflow, "two-step"), clock.time()
    event = run_trigger(trigger(OrderClosed(api_path="two-step", data_no=data_no), now=begun, timeout=100))
    assert type(failure_of(event)) is RunTimedOut
    assert clock.time() == pytest.approx(begun + 100)


def test_what_comes_in_the_last_moment_is_seen(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    clock.after(99.99, lambda: push_all(omflow, "two-step", data_no, times=2))
    waiting = trigger(OrderClosed(api_path="two-step", data_no=data_no), now=clock.time(), timeout=100)
    assert result_of(run_trigger(waiting))["closing_stop"] == "End"


def test_lost_track_after_the_tolerance(omflow: OMFlowServer, clock: Clock) -> None:
    data_no, begun = open_order(omflow, "two-step"), clock.time()
    fault = omflow.fault("list", "throttled", times=1000, retry_after=60)
    waiting = trigger(OrderClosed(api_path="two-step", data_no=data_no), now=begun, tolerance=100)
    error = failure_of(run_trigger(waiting))
    assert type(error) is LostTrack
    assert error.status == 429
    assert clock.time() == pytest.approx(begun + 120)
    assert omflow.control.hits(fault) == 3, "the vendor's wish of a minute was honoured each time"


def test_an_outage_within_the_tolerance_is_borne(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    fault = omflow.fault("list", "throttled", times=2, retry_after=40)
    waiting = trigger(OrderAtStop(api_path="two-step", data_no=data_no), now=clock.time(), tolerance=100)
    assert isinstance(result_of(run_trigger(waiting)), int)
    assert omflow.control.hits(fault) == 2


def test_rejected_login_is_told_as_such(omflow: OMFlowServer, clock: Clock) -> None:
    omflow.connect(password="wrong")
    waiting = trigger(OrderClosed(api_path="two-step", data_no=1), now=clock.time())
    assert type(failure_of(run_trigger(waiting))) is AuthenticationFailed


def test_no_event_before_the_old_process_is_gone(omflow: OMFlowServer) -> None:
    # In real time: what is asked is the loop's own sleeping.
    data_no = open_order(omflow, "two-step")
    not_before = time.time() + 0.5
    waiting = trigger(
        OrderAtStop(api_path="two-step", data_no=data_no), now=time.time(), not_before=not_before
    )
    run_trigger(waiting)
    assert time.time() >= not_before


def test_failures_too_wait_until_the_old_process_is_gone(omflow: OMFlowServer, clock: Clock) -> None:
    not_before = clock.time() + 10
    waiting = trigger({"condition": "no.such.Thing"}, now=clock.time(), not_before=not_before)
    assert "'no.such.Thing' is not allowed in the triggerer" in str(failure_of(run_trigger(waiting)))
    assert clock.time() >= not_before


def test_after_a_restart_of_the_triggerer_the_wait_goes_on(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    begun = WaitState.begin(now=clock.time() - 500, timeout=510, cap=30, tolerance=100)
    waiting = trigger(OrderClosed(api_path="two-step", data_no=data_no), now=clock.time(), begun=begun)
    start = clock.time()
    assert type(failure_of(run_trigger(waiting))) is RunTimedOut
    assert clock.slept[0] < STAGGER, "waits that are overdue together spread their first looks"
    assert clock.time() <= start + 10 + STAGGER


def test_an_overdue_wait_does_not_count_the_triggerers_absence_as_the_vendors_silence(
    omflow: OMFlowServer, clock: Clock
) -> None:
    data_no = open_order(omflow, "two-step")
    begun = WaitState.begin(now=clock.time() - 500, timeout=5000, cap=30, tolerance=100)
    omflow.fault("list", "throttled", times=1, retry_after=60)
    waiting = trigger(OrderAtStop(api_path="two-step", data_no=data_no), now=clock.time(), begun=begun)
    assert isinstance(result_of(run_trigger(waiting)), int)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"condition": {"condition": "no.such.Thing", "format": 1, "values": {}}}, "is not allowed"),
        (
            {"condition": {**OrderClosed(api_path="p", data_no=1).to_json(), "format": 99}},
            "reads formats up to 1. Upgrade the package in the triggerer",
        ),
        ({"conn_id": "nowhere"}, "AirflowNotFoundException: The conn_id `nowhere` isn't defined"),
    ],
    ids=["no such condition", "newer format", "no such connection"],
)
def test_what_nobody_expected_is_an_event_and_no_exception(
    omflow: OMFlowServer, clock: Clock, broken: dict[str, Any], said: str
) -> None:
    arguments: dict[str, Any] = {"condition": OrderClosed(api_path="p", data_no=1), **broken}
    error = failure_of(run_trigger(trigger(**arguments, now=clock.time())))
    assert type(error) is WorkflowError
    assert said in str(error)


@pytest.mark.parametrize("event", [None, {}, "done", {"status": "failed"}, {"status": "done?"}])
def test_an_event_of_somebody_elses_is_no_success(event: Any) -> None:
    assert "an event that this package does not know" in str(failure_of(event))


def test_waits_of_a_loop_learn_when_to_look(omflow: OMFlowServer, clock: Clock) -> None:
    async def wait() -> tuple[int, float]:
        """Return how often it looked, and how late it saw the end after 300 seconds."""
        data_no, start, looks = open_order(omflow, "two-step"), clock.time(), len(clock.slept)
        clock.after(300, lambda: push_all(omflow, "two-step", data_no, times=2))
        await anext(trigger(OrderClosed(api_path="two-step", data_no=data_no), now=start).run())
        return len(clock.slept) - looks, clock.time() - start - 300

    async def all_of_them() -> list[tuple[int, float]]:
        return [await wait() for _ in range(8)]

    unknown, *_, (looks, late) = asyncio.run(all_of_them())
    assert looks < unknown[0]
    assert late < 5, "the first was up to 30 s late"


def test_only_an_end_that_was_awaited_here_teaches(omflow: OMFlowServer, clock: Clock) -> None:
    """Neither a timeout, nor what ended while the triggerer was away."""
    open_for_ever, closed = open_order(omflow, "two-step"), open_order(omflow, "two-step")
    push_all(omflow, "two-step", closed, times=2)
    away = WaitState.begin(now=clock.time() - 500, timeout=1000, cap=30, tolerance=100)

    async def taught() -> Sequence[float]:
        for data_no, begun in ((open_for_ever, None), (closed, away)):
            condition = OrderClosed(api_path="two-step", data_no=data_no)
            await anext(trigger(condition, now=clock.time(), begun=begun, timeout=50).run())
        return lengths_of("omflow_default", OrderClosed(api_path="two-step", data_no=0)).seconds

    assert asyncio.run(taught()) == ()


CONTINUES = "continues at OMFlow: Airflow cannot cancel it there, and sends nothing"


def test_when_killed_it_says_what_goes_on_and_sends_nothing(
    omflow: OMFlowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = trigger(OrderClosed(api_path="two-step", data_no=7), now=time.time())
    asyncio.run(waiting.on_kill())
    # Airflow's own loggers write there when no task runner has set them up.
    assert f"two-step/7 {CONTINUES}. See http://{OMFlowHook().server}/" in capsys.readouterr().out
    assert omflow.effects()["requests"] == {}


def test_when_killed_it_names_the_page_if_there_is_one(
    omflow: OMFlowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    omflow.connect(extra={"ui_url": "https://flow.example.com/orders/{api_path}/{data_no}"})
    asyncio.run(trigger(OrderClosed(api_path="two-step", data_no=7), now=time.time()).on_kill())
    assert f"{CONTINUES}. See https://flow.example.com/orders/two-step/7" in capsys.readouterr().out


def test_when_killed_it_says_so_without_a_connection(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
    asyncio.run(trigger(OrderClosed(api_path="two-step", data_no=7), now=time.time()).on_kill())
    assert f"two-step/7 {CONTINUES}" in capsys.readouterr().out


def test_two_hundred_triggers_share_one_code_and_one_session(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_no = open_order(omflow, "two-step")
    before = omflow.effects()["requests"]
    sessions: list[aiohttp.ClientSession] = []
    make = aiohttp.ClientSession.__init__

    def counted(self: aiohttp.ClientSession, *args: Any, **kwargs: Any) -> None:
        sessions.append(self)
        make(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", counted)
    waiting = [
        trigger(OrderAtStop(api_path="two-step", data_no=data_no), now=time.time()) for _ in range(200)
    ]

    async def all_of_them() -> list[Any]:
        events = await asyncio.gather(*(anext(one.run()) for one in waiting))
        return [result_of(event.payload) for event in events]

    found = asyncio.run(all_of_them())
    assert found == [stops("two-step", data_no)["Review"]] * 200
    after = omflow.effects()["requests"]
    assert after["list"] - before.get("list", 0) >= 200
    # One by this test's own hook, one by the loop.
    assert after["security"] == 2
    assert len(sessions) == 1
    assert sessions[0].closed


def test_waiting_changes_nothing_at_the_vendor(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    before, rows = omflow.effects(), state("two-step", data_no).rows
    run_trigger(trigger(OrderClosed(api_path="two-step", data_no=data_no), now=clock.time(), timeout=50))
    after = omflow.effects()
    assert {**after, "requests": None} == {**before, "requests": None}
    assert set(after["requests"]) == {"security", "open", "list"}
    assert [row["id"] for row in state("two-step", data_no).rows] == [row["id"] for row in rows]
