"""The plan of a BlizWork connection, over real sockets: all requests are counted, and looks give way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.conditions import ActivityPending
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.sensors import BlizWorkActivitySensor
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.limits import limiter
from airflow_provider_workflows.core.transport.limits.limiter import Limiter
from airflow_provider_workflows.core.transport.limits.redis_limiter import RedisLimiter
from airflow_provider_workflows.core.waiting.condition import Pending
from airflow_provider_workflows.core.waiting.schedule import alook, look
from airflow_provider_workflows.exceptions import InvalidConnection, NoSlot, Throttled
from tests.blizwork.conftest import COMPANY, BlizWorkServer, Run

FAST = {"plan": "empresa"}
OTHER = ActivityPending(workflow_id="one-step", case_number=1, form_id="elsewhere")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__LIMITS_FOLDER", str(tmp_path / "limits"))
    limiter.forget()
    yield tmp_path / "limits"
    limiter.forget()


def limiter_of(conn_id: str = "blizwork_default") -> Limiter:
    found = BlizWorkHook(conn_id)._side().limiter
    assert isinstance(found, Limiter)
    return found


def booked(one: Limiter) -> float:
    """Return the time at which the next slot is free, as the file says."""
    with one.state() as state:
        return state.tat


class TestRate:
    def test_each_request_takes_a_slot(self, blizwork: BlizWorkServer, run: Run) -> None:
        blizwork.connect(extra=FAST)
        one = limiter_of()
        begin = one.book(0).at
        for _ in range(5):
            run(lambda api: api.init_case("one-step"))
        assert blizwork.effects()["opened"] == 5
        assert booked(one) >= begin + 6 * one.interval - 0.001

    def test_without_a_plan_nothing_is_counted(
        self, blizwork: BlizWorkServer, run: Run, folder: Path
    ) -> None:
        for extra in ({}, {"plan": "corporativo"}):
            blizwork.connect(extra=extra)
            run(lambda api: api.init_case("one-step"))
        assert not folder.exists()

    @pytest.mark.parametrize(
        ("extra", "rate"),
        [
            ({"plan": "Básico"}, 0.5),
            ({"plan": "MEDIO"}, 1.0),
            ({"plan": " avanzado"}, 5.0),
            ({"plan": "Ba\N{COMBINING ACUTE ACCENT}sico"}, 0.5),
            ({"plan": "empresa", "requests_per_second": 3}, 3.0),
            ({"plan": "corporativo", "requests_per_second": "0.25"}, 0.25),
            ({"requests_per_second": 7}, 7.0),
        ],
    )
    def test_the_plan_by_its_name(self, blizwork: BlizWorkServer, extra: dict[str, Any], rate: float) -> None:
        blizwork.connect(extra=extra)
        assert limiter_of().rate == rate

    @pytest.mark.parametrize(
        "extra", [{"plan": "Free"}, {"plan": "gold"}, {"requests_per_second": 0}, {"requests_per_second": -1}]
    )
    def test_what_allows_no_calls_is_refused(self, blizwork: BlizWorkServer, extra: dict[str, Any]) -> None:
        blizwork.connect(extra=extra)
        with pytest.raises(InvalidConnection):
            BlizWorkHook().get_conn()

    def test_a_refusal_is_everybodys(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra={"requests_per_second": 0.01})
        blizwork.connect("blizwork_other", login="other@example.com", extra={"requests_per_second": 0.01})
        blizwork.answer("init", 200)
        with pytest.raises(Throttled):
            BlizWorkHook(retry=Retry(attempts=1)).init_case("one-step")
        assert not limiter_of("blizwork_other").book(0).booked


class TestAccount:
    def test_it_is_the_organisation(self, blizwork: BlizWorkServer, folder: Path) -> None:
        """Whichever connection, user or environment; its plan is for all of them."""
        blizwork.connect(extra=FAST)
        blizwork.connect("blizwork_user", login="other@example.com", extra=FAST)
        blizwork.connect("blizwork_draft", extra={**FAST, "environment": "draft"})
        blizwork.connect("blizwork_path", host=f"{blizwork.url}/below", extra=FAST)
        blizwork.connect("blizwork_else", extra={**FAST, "company_id": "another"})
        names = {
            one: limiter_of(f"blizwork_{one}").account for one in ("default", "user", "draft", "path", "else")
        }
        assert len(set(names.values())) == 2
        assert [one for one, name in names.items() if name != names["default"]] == ["else"]

    def test_the_files_name_does_not_tell_it(self, blizwork: BlizWorkServer, folder: Path) -> None:
        blizwork.connect(extra=FAST)
        BlizWorkHook().init_case("one-step")
        (file,) = folder.iterdir()
        assert COMPANY not in file.name
        assert "127.0.0.1" not in file.name + file.read_text()


class TestLook:
    @pytest.fixture
    def case(self, blizwork: BlizWorkServer) -> int:
        blizwork.connect(extra={**FAST, "timeout": 60})
        return int(BlizWorkHook().init_case("one-step"))

    @pytest.fixture(params=["worker", "loop"])
    def looking(self, request: pytest.FixtureRequest) -> Any:
        def once(seconds: float | None) -> Any:
            if request.param == "worker":
                return look(BlizWorkHook(), OTHER, seconds=seconds)
            return asyncio.run(alook(BlizWorkHook(), OTHER, seconds=seconds))

        return once

    def test_it_gives_way(self, blizwork: BlizWorkServer, case: int, looking: Any) -> None:
        one = limiter_of()
        one.postpone(600)
        free = booked(one)
        assert isinstance(looking(100.0), NoSlot)
        assert (blizwork.requests("case"), booked(one)) == (0, free)

    def test_the_last_one_waits_for_as_long_as_for_an_answer(
        self, blizwork: BlizWorkServer, case: int, looking: Any
    ) -> None:
        limiter_of().postpone(1)
        assert isinstance(looking(0.0), Pending)
        limiter_of().postpone(600)
        assert isinstance(looking(0.0), NoSlot)

    def test_a_sensor_looks_again(self, blizwork: BlizWorkServer, case: int) -> None:
        limiter_of().postpone(600)
        sensor = BlizWorkActivitySensor(task_id="wait", workflow_id="one-step", case_number=case)
        assert not sensor.poke({})
        assert blizwork.requests("case") == 0


class TestButton:
    def test_it_is_counted(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra=FAST)
        one = limiter_of()
        before = booked(one)
        assert BlizWorkHook().test_connection()[0]
        assert booked(one) > before

    def test_it_says_when_the_plan_is_used_up(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra=FAST)
        limiter_of().postpone(600)
        good, text = BlizWorkHook().test_connection()
        assert not good
        assert text.startswith("Busy: Nothing was sent")
        assert "allows 50 requests a second, and the next slot is free in" in text
        assert blizwork.effects()["requests"] == {}


class TestRedis:
    URL = "rediss://redis.example.com:6380/0"

    def test_the_connections_own_comes_first(
        self, blizwork: BlizWorkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__LIMITS_URL", "redis://:sesame-street@elsewhere/0")
        blizwork.connect(extra=FAST)
        blizwork.connect(
            "blizwork_own", extra={**FAST, "limits_url": self.URL, "limits_password": "opensesame"}
        )
        common, own = limiter_of(), limiter_of("blizwork_own")
        assert isinstance(common, RedisLimiter)
        assert isinstance(own, RedisLimiter)
        assert (common.url, common.password) == ("redis://:sesame-street@elsewhere/0", "")
        assert (own.url, own.password) == (self.URL, "opensesame")
        assert "sesame" not in f"{common!r} {own!r} {own.url!r}{own.password!r}"

    @pytest.mark.parametrize(
        "url", ["redis://:opensesame@redis/0", "redis://user:opensesame@redis/0", "redis.example.com:6379"]
    )
    def test_one_that_cannot_be_is_refused_and_not_shown(self, blizwork: BlizWorkServer, url: str) -> None:
        blizwork.connect(extra={**FAST, "limits_url": url})
        with pytest.raises(InvalidConnection, match="limits_url") as caught:
            BlizWorkHook().get_conn()
        assert "opensesame" not in str(caught.value)


class TestPods:
    @pytest.mark.parametrize(
        ("executor", "pod", "warns"),
        [
            ("KubernetesExecutor", None, True),
            ("LocalExecutor,airflow.providers.cncf.kubernetes.executors.KubernetesExecutor", None, True),
            ("LocalExecutor", "True", True),  # as a pod's own configuration says
            ("LocalExecutor", None, False),
        ],
    )
    def test_they_need_redis(
        self,
        blizwork: BlizWorkServer,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        executor: str,
        pod: str | None,
        warns: bool,
    ) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
        if pod is not None:
            monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", pod)
        for _ in range(2):
            blizwork.connect(extra=FAST)
            limiter_of()
        assert caplog.text.count("limits_url") == warns
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__LIMITS_URL", "redis://elsewhere/0")
        limiter.forget()
        blizwork.connect(extra=FAST)
        limiter_of()
        assert caplog.text.count("limits_url") == warns
