"""From the connection to the API: what is read when, and again."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from airflow_provider_workflows.base import remembered
from airflow_provider_workflows.base.condition import Done, Pending
from airflow_provider_workflows.base.remembered import REREAD_AFTER
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, Rejected
from tests.base.harness import Clock
from tests.conftest import OMFlowServer
from tests.omflow.orders import open_order

CLOSED = OrderClosed(api_path="two-step", data_no=1)


def change_password(server: OMFlowServer, password: str) -> None:
    """Change it at the vendor; a restart voids the code that was fetched with the old one."""
    server.control.add_user(server.name, "airflow", password, rights=["add", "view"])
    server.control.restart(server.name)


def look(hook: OMFlowHook, where: str, condition: Any = CLOSED) -> Any:
    return hook.look(condition) if where == "worker" else asyncio.run(hook.alook(condition))


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
    hook = OMFlowHook()
    assert isinstance(hook.look(CLOSED), Pending)
    change_password(omflow, "another-password")
    omflow.connect(password="another-password")
    assert isinstance(hook.look(CLOSED), Pending)


def test_a_password_changed_in_airflow_reaches_running_triggers(omflow: OMFlowServer) -> None:
    async def looks() -> list[Any]:
        hook = OMFlowHook()
        first = await hook.alook(CLOSED)
        change_password(omflow, "another-password")
        omflow.connect(password="another-password")
        return [first, await hook.alook(CLOSED)]

    assert all(isinstance(found, Pending) for found in asyncio.run(looks()))


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_the_connection_is_read_again_after_five_minutes(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    clock = Clock()
    monkeypatch.setattr(remembered, "time", clock)

    async def addresses() -> list[str]:
        hook = OMFlowHook()
        seen = []
        for _ in range(3):
            seen.append(
                (hook.get_conn() if where == "worker" else hook.make_api(await hook._known_settings())).login
            )
            omflow.connect(login="viewer", password="viewer")
            clock.sleep(REREAD_AFTER * 0.6)
        return seen

    assert asyncio.run(addresses()) == ["airflow", "airflow", "viewer"]


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_a_connection_that_cannot_be_read_again_says_what_it_said_before(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """A secrets backend that is away for a moment ends no wait."""
    clock = Clock()
    monkeypatch.setattr(remembered, "time", clock)
    fields = os.environ["AIRFLOW_CONN_OMFLOW_DEFAULT"]

    async def logins() -> list[str]:
        hook = OMFlowHook()
        seen = []
        for away in (False, True, False):
            if away:
                monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
            else:
                monkeypatch.setenv("AIRFLOW_CONN_OMFLOW_DEFAULT", fields)
            api = hook.get_conn() if where == "worker" else hook.make_api(await hook._known_settings())
            seen.append(api.login)
            clock.sleep(REREAD_AFTER + 1)
        omflow.connect(login="viewer", password="viewer")
        api = hook.get_conn() if where == "worker" else hook.make_api(await hook._known_settings())
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
        seen = [hook.look(condition) if where == "worker" else await hook.alook(condition)]
        change_password(omflow, "another")
        monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
        return [*seen, hook.look(condition) if where == "worker" else await hook.alook(condition)]

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
    with pytest.raises(Exception, match="no right"):
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
        monkeypatch.setattr(remembered, "time", clock)
        hook = OMFlowHook()
        assert hook.namespace == ""
        omflow.connect(extra={"namespace": "prod"})
        clock.sleep(REREAD_AFTER)
        assert hook.namespace == "prod"
