"""What is counted and timed, as a StatsD server hears it over its socket."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.metrics import METRICS, OUTCOMES, REQUEST_DURATION, REQUESTS, Metric
from airflow_provider_workflows.core.protocol.operation import Sending
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.waiting import schedule
from airflow_provider_workflows.core.waiting.condition import Pending
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    OutcomeUnknown,
    WorkflowError,
)
from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.harness import Clock, Runner
from tests.core.protocol.samples import make_request
from tests.core.statsd import Statsd, metrics_go_to, statsd_server
from tests.omflow.orders import open_order, opening, push_all

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"


@pytest.fixture
def statsd() -> Iterator[Statsd]:
    with statsd_server() as server:
        yield server


def look(hook: OMFlowHook, where: str) -> Any:
    condition = OrderClosed(api_path="two-step", data_no=1)
    return (
        schedule.look(hook, condition) if where == "worker" else asyncio.run(schedule.alook(hook, condition))
    )


@pytest.mark.parametrize("where", ["worker", "triggerer"])
class TestRequests:
    def test_each_sending_is_counted_and_timed(
        self, omflow: OMFlowServer, statsd: Statsd, where: str
    ) -> None:
        open_order(omflow, "two-step")
        statsd.read().clear()
        look(OMFlowHook(), where)
        tags = {"vendor": "omflow", "operation": "list_rows"}
        assert statsd.count("workflows.requests") == statsd.count("workflows.requests", outcome="answered")
        assert statsd.count("workflows.requests", **tags) == 1
        (timed,) = (line for line in statsd.lines if line.unit == "ms" and line.tags == tags)
        assert timed.name == "workflows.request_duration"
        assert 0 < timed.value < 60_000

    def test_a_failure_in_passing_and_its_repetition(
        self, omflow: OMFlowServer, statsd: Statsd, where: str
    ) -> None:
        open_order(omflow, "two-step")
        omflow.fault("list", "throttled", retry_after=0)
        look(OMFlowHook(), where)
        tags = {"vendor": "omflow", "operation": "list_rows"}
        assert statsd.count("workflows.requests", **tags, outcome="answered") == 1
        assert statsd.count("workflows.requests", **tags, outcome="throttled") == 1
        assert statsd.counters() == {"workflows.retries": 1, "workflows.throttled": 1}

    def test_a_server_that_is_away(self, omflow: OMFlowServer, statsd: Statsd, where: str) -> None:
        omflow.connect(host="http://127.0.0.1:9", extra={"timeout": 1})
        with pytest.raises(ConnectionFailed):
            raise look(OMFlowHook(retry=Retry(attempts=2, base=0.0)), where)
        assert statsd.count("workflows.requests", vendor="omflow", outcome="unreachable") == 2
        assert statsd.counters() == {"workflows.retries": 1}


class TestSubmissions:
    def test_all_goes_well(self, omflow: OMFlowServer, statsd: Statsd) -> None:
        opening().run()
        assert statsd.counters() == {"workflows.submitted": 1}

    def test_a_retry_attaches(self, omflow: OMFlowServer, statsd: Statsd) -> None:
        runner = opening()
        runner.run()
        runner.retry()
        assert statsd.counters() == {"workflows.attached": 1, "workflows.submitted": 1}

    def test_a_lost_answer_is_found(self, omflow: OMFlowServer, clock: Clock, statsd: Statsd) -> None:
        omflow.fault("open", "lost_answer")
        opening(clock, run_key_field="FORMITM_3").run()
        assert statsd.counters() == {"workflows.found": 1, "workflows.lost_answers": 1}
        assert statsd.count("workflows.requests", operation="open_order", outcome="lost") == 1

    def test_what_is_surely_absent_is_sent_again(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd
    ) -> None:
        omflow.fault("open", "reset_before")
        opening(clock, run_key_field="FORMITM_3").run()
        assert statsd.counters() == {
            "workflows.lost_answers": 1,
            "workflows.sent_again": 1,
            "workflows.submitted": 1,
        }
        assert statsd.count("workflows.sent_again", vendor="omflow", reason="absent") == 1

    def test_a_doubt_stops_the_task(self, omflow: OMFlowServer, clock: Clock, statsd: Statsd) -> None:
        omflow.fault("open", "lost_answer")
        with pytest.raises(OutcomeUnknown):
            opening(clock).run()
        assert statsd.counters() == {"workflows.doubts": 1, "workflows.lost_answers": 1}

    def test_on_the_users_wish_a_doubt_is_sent_again(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd
    ) -> None:
        omflow.fault("open", "lost_answer")
        opening(clock, on_lost_answer="resubmit").run()
        assert statsd.count("workflows.sent_again", reason="resubmit") == 1
        assert statsd.count("workflows.doubts") == 0

    def test_before_airflow_3_3_the_mark_is_found(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd
    ) -> None:
        runner = opening(clock, store=False, run_key_field="FORMITM_3")
        runner.run()
        runner.retry()
        assert statsd.counters() == {"workflows.found": 1, "workflows.submitted": 1}
        assert statsd.count("workflows.found", vendor="omflow") == 1


def sensor(clock: Clock, *, deferrable: bool, **limits: Any) -> Runner:
    limits = {"poke_interval": 30, "mode": "reschedule", **limits}
    return Runner(
        lambda: OMFlowOrderSensor(
            task_id="wait", api_path="two-step", data_no=1, deferrable=deferrable, prepoll=0, **limits
        ),
        clock=clock,
    )


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
class TestWaits:
    def test_looks_and_the_length_of_the_wait(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd, deferrable: bool
    ) -> None:
        open_order(omflow, "two-step")
        clock.after(400, lambda: push_all(omflow, "two-step", 1, times=2))
        sensor(clock, deferrable=deferrable).run()
        assert statsd.count("workflows.looks", vendor="omflow", outcome="pending") > 10
        assert statsd.count("workflows.looks", vendor="omflow", outcome="done") == 1
        (wait,) = (line for line in statsd.lines if line.name == "workflows.wait_duration")
        assert wait.tags == {"vendor": "omflow", "outcome": "done"}
        assert 400_000 <= wait.value < 500_000

    def test_a_wait_that_loses_track(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd, deferrable: bool
    ) -> None:
        open_order(omflow, "two-step")
        omflow.fault("list", "throttled", times=9999, retry_after=99)
        with pytest.raises(WorkflowError):
            sensor(clock, deferrable=deferrable, tolerance=300).run()
        assert statsd.count("workflows.looks", outcome="no_answer") > 2
        assert statsd.count("workflows.looks", outcome="failed") == 1
        assert statsd.count("workflows.lost_track", vendor="omflow") == 1
        assert statsd.count("workflows.timed_out") == 0

    def test_a_wait_that_times_out(
        self, omflow: OMFlowServer, clock: Clock, statsd: Statsd, deferrable: bool
    ) -> None:
        open_order(omflow, "two-step")
        with pytest.raises(AirflowSensorTimeout):
            sensor(clock, deferrable=deferrable, timeout=200).run()
        assert statsd.count("workflows.timed_out", vendor="omflow") == 1
        assert statsd.count("workflows.lost_track") == 0


def _no_backend() -> Any:
    raise OSError("the name of the metrics server is not known")


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_a_broken_backend_fails_nothing(omflow: OMFlowServer, where: str) -> None:
    open_order(omflow, "two-step")
    with metrics_go_to(_no_backend):
        assert isinstance(look(OMFlowHook(), where), Pending)
        assert opening().run() == "1"


def test_a_slow_backend_does_not_stop_the_event_loop(omflow: OMFlowServer) -> None:
    open_order(omflow, "two-step")
    released, threads = threading.Event(), set()

    def wait() -> None:
        threads.add(threading.current_thread())
        assert released.wait(5)

    with statsd_server(before=wait) as statsd:
        # It returns while the first metric is still on its way.
        asyncio.run(schedule.alook(OMFlowHook(), OrderClosed(api_path="two-step", data_no=1)))
        released.set()
        assert statsd.count("workflows.requests", operation="list_rows") == 1
    assert threading.current_thread() not in threads


class TestDeclarations:
    def test_the_page_lists_every_metric_as_it_is_declared(self) -> None:
        rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `workflows.")]
        assert rows == [
            f"| `{one.name}` | {one.kind} | {', '.join(f'`{tag}`' for tag in one.tags)} | {one.meaning} |"
            for one in METRICS
        ]

    def test_all_that_the_module_declares_is_in_the_list(self) -> None:
        assert [one for one in vars(metrics).values() if isinstance(one, Metric)] == list(METRICS)

    def test_names_are_airflows_style(self) -> None:
        assert all(re.fullmatch(r"workflows\.[a-z]+(_[a-z]+)*", one.name) for one in METRICS)
        assert len({one.name for one in METRICS}) == len(METRICS)

    def test_the_page_names_every_outcome_of_a_request(self) -> None:
        page = PAGE.read_text()
        assert all(f"`{outcome}`" in page for outcome in {*OUTCOMES.values(), "answered", "refused"})

    @pytest.mark.parametrize(
        ("kind", "outcome"), [(AuthenticationFailed, "refused"), (ConnectionFailed, "unreachable")]
    )
    def test_the_outcome_of_a_request(self, statsd: Statsd, kind: type[WorkflowError], outcome: str) -> None:
        request = make_request()
        metrics.observe("v", Sending(request=request, error=kind("no"), seconds=1.5, repeated=False))
        assert statsd.count("workflows.requests", outcome=outcome) == 1
        assert [line.value for line in statsd.lines if line.unit == "ms"] == [1500.0]

    @given(st.text())
    @example("0" * 400)
    def test_any_word_is_a_tag_that_every_backend_takes(self, word: str) -> None:
        with statsd_server() as statsd:
            REQUESTS.record(vendor="v", operation=word, outcome="answered")
            (line,) = statsd.read()
        assert line.tags.keys() == ({*REQUESTS.tags} if word else {"vendor", "outcome"})
        assert re.fullmatch(r"[A-Za-z0-9_.-]*", line.tags.get("operation", ""))

    def test_what_is_no_declared_tag_is_left_out(self, statsd: Statsd) -> None:
        REQUEST_DURATION.record(-1, vendor="v", operation="o", path="/orders/7")
        (line,) = statsd.read()
        assert (line.tags, line.value) == ({"vendor": "v", "operation": "o"}, 0.0)
