"""From the connection to the API: what is read when, and again."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow.sdk import BaseHook

from airflow_provider_workflows.core.connection import cache
from airflow_provider_workflows.core.connection.cache import REREAD_AFTER
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.waiting import schedule
from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.exceptions import AuthenticationFailed, Rejected, ServiceUnavailable
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.harness import Clock
from tests.omflow.orders import open_order

CLOSED = OrderClosed(api_path="two-step", data_no=1)


def change_password(server: OMFlowServer, password: str) -> None:
    """Change it at the vendor; a restart voids the code that was fetched with the old one."""
    server.control.add_user(server.name, "airflow", password, rights=["add", "view"])
    server.control.restart(server.name)


def look(hook: OMFlowHook, where: str, condition: Any = CLOSED) -> Any:
    return (
        schedule.look(hook, condition) if where == "worker" else asyncio.run(schedule.alook(hook, condition))
    )


@pytest.mark.parametrize("where", ["worker", "triggerer"])
class TestLook:
    def test_done(self, omflow: OMFlowServer, where: str) -> None:
        open_order(omflow, "two-step")
        found = look(OMFlowHook(), where, OrderAtStop(api_path="two-step", data_no=1))
        assert isinstance(found, Done)

    def test_pending(self, omflow: OMFlowServer, where: str) -> None:
        open_order(omflow, "two-step")
        assert isinstance(look(OMFlowHook(), where), Pending)

    def test_failures_are_returned(self, omflow: OMFlowServer, where: str) -> None:
        omflow.connect(password="wrong-password")
        assert isinstance(look(OMFlowHook(), where), AuthenticationFailed)

    def test_a_wrong_password_is_tried_twice_and_no_more(self, omflow: OMFlowServer, where: str) -> None:
        # The second time with the connection read anew.
        omflow.connect(password="wrong-password")
        look(OMFlowHook(), where)
        assert omflow.effects()["requests"] == {"security": 2}


def test_a_password_changed_in_airflow_reaches_a_running_wait(omflow: OMFlowServer) -> None:
    open_order(omflow, "two-step")
    hook = OMFlowHook()
    assert isinstance(schedule.look(hook, CLOSED), Pending)
    change_password(omflow, "another-password")
    omflow.connect(password="another-password", forget=False)
    assert isinstance(schedule.look(hook, CLOSED), Pending)


def test_a_password_changed_in_airflow_reaches_running_triggers(omflow: OMFlowServer) -> None:
    open_order(omflow, "two-step")

    async def looks() -> list[Any]:
        hook = OMFlowHook()
        first = await schedule.alook(hook, CLOSED)
        change_password(omflow, "another-password")
        omflow.connect(password="another-password", forget=False)
        return [first, await schedule.alook(hook, CLOSED)]

    assert all(isinstance(found, Pending) for found in asyncio.run(looks()))


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_the_connection_is_read_again_after_five_minutes(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    clock = Clock()
    monkeypatch.setattr(cache, "time", clock)

    async def addresses() -> list[str]:
        hook = OMFlowHook()
        seen = []
        for _ in range(3):
            seen.append((hook.get_conn() if where == "worker" else (await hook._aside()).api).login)
            omflow.connect(login="viewer", password="viewer", forget=False)
            clock.sleep(REREAD_AFTER * 0.6)
        return seen

    assert asyncio.run(addresses()) == ["airflow", "airflow", "viewer"]


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_a_connection_that_cannot_be_read_again_says_what_it_said_before(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """A secrets backend that is away for a moment ends no wait."""
    clock = Clock()
    monkeypatch.setattr(cache, "time", clock)
    fields = os.environ["AIRFLOW_CONN_OMFLOW_DEFAULT"]

    async def logins() -> list[str]:
        hook = OMFlowHook()
        seen = []
        for away in (False, True, False):
            if away:
                monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
            else:
                monkeypatch.setenv("AIRFLOW_CONN_OMFLOW_DEFAULT", fields)
            api = hook.get_conn() if where == "worker" else (await hook._aside()).api
            seen.append(api.login)
            clock.sleep(REREAD_AFTER + 1)
        omflow.connect(login="viewer", password="viewer", forget=False)
        api = hook.get_conn() if where == "worker" else (await hook._aside()).api
        return [*seen, api.login]

    assert asyncio.run(logins()) == ["airflow", "airflow", "airflow", "viewer"]
    assert "cannot be read again (AirflowNotFoundException)" in caplog.text


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_a_refused_login_is_that_even_if_the_connection_cannot_be_read_again(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    condition = OrderClosed(api_path="two-step", data_no=open_order(omflow, "two-step"))

    async def looks() -> list[Any]:
        hook = OMFlowHook()
        seen = [
            schedule.look(hook, condition) if where == "worker" else await schedule.alook(hook, condition)
        ]
        change_password(omflow, "another")
        monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
        return [
            *seen,
            schedule.look(hook, condition) if where == "worker" else await schedule.alook(hook, condition),
        ]

    before, after = asyncio.run(looks())
    assert isinstance(before, Pending)
    assert isinstance(after, AuthenticationFailed)


def test_nothing_is_read_when_a_hook_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT", raising=False)
    assert OMFlowHook().conn_id == "omflow_default"


def test_two_connections_do_not_share_what_belongs_to_one(omflow: OMFlowServer) -> None:
    omflow.connect("viewer", login="viewer", password="viewer")
    OMFlowHook().open_order("two-step", {"FORMITM_1": "x"})
    assert OMFlowHook("viewer").get_conn().login == "viewer"
    assert OMFlowHook("viewer").query("two-step", 1) is not None
    with pytest.raises(Exception, match="lack the permission"):
        OMFlowHook("viewer").open_order("two-step", {"FORMITM_1": "x"})


def test_errors_keep_their_facts(omflow: OMFlowServer) -> None:
    with pytest.raises(Rejected) as caught:
        OMFlowHook().open_order("two-step", {})
    error = caught.value
    assert (error.vendor, error.operation, error.status, error.code) == ("OMFlow", "open order", 200, 404)
    assert error.path == "/rest/flowmanage/api/omdata/edit/two-step"


class TestWhatSubmissionsNeedToKnow:
    def test_by_default(self, omflow: OMFlowServer) -> None:
        hook = OMFlowHook()
        assert (hook.namespace, hook.timeout > 0) == ("", True)

    def test_as_the_connection_says(self, omflow: OMFlowServer) -> None:
        omflow.connect(extra={"namespace": "prod", "timeout": 7})
        assert (OMFlowHook().namespace, OMFlowHook().timeout) == ("prod", 7.0)

    def test_neither_is_a_request(self, omflow: OMFlowServer) -> None:
        hook = OMFlowHook()
        assert (hook.namespace, hook.timeout > 0) == ("", True)
        assert omflow.effects()["requests"] == {}

    def test_a_connection_that_is_changed_is_read_anew(
        self, omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock()
        monkeypatch.setattr(cache, "time", clock)
        hook = OMFlowHook()
        assert hook.namespace == ""
        omflow.connect(extra={"namespace": "prod"}, forget=False)
        clock.sleep(REREAD_AFTER)
        assert hook.namespace == "prod"


class TestOneSide:
    """A connection is read once for all who use it, and what was made of it is shared."""

    def test_of_a_process(self, omflow: OMFlowServer) -> None:
        one, other = OMFlowHook(), OMFlowHook()
        with ThreadPoolExecutor(20) as pool:
            sides = list(pool.map(lambda hook: hook._side(), [one, other] * 10))
        assert len({id(side) for side in sides}) == 1

    def test_of_a_loop_for_thousands(self, omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch) -> None:
        reads: list[str] = []
        read = BaseHook.get_connection

        async def aget(conn_id: str) -> Any:
            await asyncio.sleep(0)
            return get(conn_id)

        def get(conn_id: str) -> Any:
            reads.append(conn_id)
            return read(conn_id)

        monkeypatch.setattr(BaseHook, "get_connection", get)
        monkeypatch.setattr(BaseHook, "aget_connection", aget)

        async def ask_all() -> list[Any]:
            return await asyncio.gather(*(OMFlowHook()._aside() for _ in range(5000)))

        sides = asyncio.run(ask_all())
        assert len({id(side) for side in sides}) == 1
        assert reads == ["omflow_default"]

    def test_another_class_reads_its_own_fields(self, omflow: OMFlowServer) -> None:
        class Another(OMFlowHook):
            pass

        assert Another()._side() is not OMFlowHook()._side()

    def test_a_refusal_of_what_was_read_before_reads_nothing_again(self, omflow: OMFlowServer) -> None:
        old = OMFlowHook()._side()
        cached = cache.of_process[OMFlowHook, "omflow_default"]
        cached.expire(old)
        new = OMFlowHook()._side()
        assert new is not old
        cached.expire(old)
        assert OMFlowHook()._side() is new

    def test_what_leads_by_the_same_road_keeps_its_connections_and_credential(
        self, omflow: OMFlowServer
    ) -> None:
        hook = OMFlowHook()
        hook.list_rows("two-step")
        old = hook._side()
        cache.of_process[OMFlowHook, "omflow_default"].expire(old)
        assert hook._side() is not old
        hook.list_rows("two-step")
        assert omflow.effects()["requests"]["security"] == 1
        cache.of_process[OMFlowHook, "omflow_default"].expire(hook._side())
        omflow.connect(extra={"timeout": 4}, forget=False)
        assert hook._side().adapter is not old.adapter

    def test_a_forked_process_knows_nothing(self, omflow: OMFlowServer) -> None:
        """Else parent and child would read each other's answers."""
        OMFlowHook().list_rows("two-step")
        assert cache.of_process[OMFlowHook, "omflow_default"].known is not None
        child = os.fork()
        if not child:
            os._exit(cache.of_process[OMFlowHook, "omflow_default"].known is not None)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert cache.of_process[OMFlowHook, "omflow_default"].known is not None

    def test_a_loop_is_not_kept(self, omflow: OMFlowServer) -> None:
        async def ask_all() -> Any:
            await asyncio.gather(*(OMFlowHook()._aside() for _ in range(10)))
            return weakref.ref(asyncio.get_running_loop())

        loop = asyncio.run(ask_all())
        asyncio.run(ask_all())  # Airflow itself refers to the latest one
        gc.collect()
        assert loop() is None


def test_the_callback_s_limit_shortens_every_wait(omflow: OMFlowServer) -> None:
    hook = OMFlowHook(retry=Retry(attempts=1))
    hook.longest_timeout = 0.2
    omflow.fault("list", "hang")
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        hook.run(lambda api: api.list_rows("two-step"))
    assert (hook.timeout, OMFlowHook().timeout) == (0.2, 5)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(("password", "warned"), [("of me", 0), ("me", 1)])
@pytest.mark.parametrize("read", [lambda hook: hook._side(), lambda hook: asyncio.run(hook._aside())])
def test_only_a_secret_is_called_too_short_to_be_masked(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    password: str,
    warned: int,
    read: Any,
) -> None:
    fields = {"conn_type": "omflow", "host": "http://flow.example", "login": "etl", "password": password}
    extra = {"language": "en", "server_version": "1.2"}
    monkeypatch.setenv("AIRFLOW_CONN_TERSE", json.dumps({**fields, "extra": extra}))
    read(OMFlowHook("terse"))
    logged = capsys.readouterr().out  # where Airflow's loggers of hooks write
    assert "Skipping masking" not in logged + caplog.text
    assert logged.count("the password is too short for Airflow to mask it") == warned
