"""The hook against the sandbox: every recorded situation, on both drivers and both server versions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.tasks.attachments import file_part
from airflow_provider_workflows.omflow.api.call import call
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import Stop
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.omflow.orders import TITLE, open_order, push_all, state, stops

EDIT = "/rest/flowmanage/api/omdata/edit"
IDLE = 301.0
Run = Callable[[Callable[[OMFlowApi], Operation[Any]]], Any]


@pytest.fixture(params=["requests", "aiohttp"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run an operation on the default connection, in a worker or on an event loop."""
    if request.param == "requests":
        return lambda operation: OMFlowHook().run(operation)
    return lambda operation: asyncio.run(OMFlowHook().arun(operation))


def raw(path: str, body: dict[str, Any], *, repeatable: bool = False) -> Operation[Any]:
    """Send what the hook's own methods never would; a ``security`` in the body replaces the good one."""
    answer = yield from call("try something", path, body, repeatable=repeatable)
    return answer.checked()


def edit(api_path: str, **body: Any) -> Operation[Any]:
    return raw(f"{EDIT}/{api_path}", body)


@dataclass(frozen=True)
class Situation:
    """
    One row of the vendor facts' tables.

    :param call: makes the operation, given the API and what ``before`` returned
    :param outcome: the error class, or the result
    :param says: part of the error's text
    :param before: brings the situation about
    """

    call: Callable[[OMFlowApi, Any], Operation[Any]]
    outcome: Any
    says: str = ""
    before: Callable[[OMFlowServer], Any] = lambda server: None


def at_approve(server: OMFlowServer) -> int:
    return stops("simple", open_order(server, "simple"))["Approve"]


def pushed(server: OMFlowServer) -> int:
    data_no = open_order(server, "two-step")
    data_id = stops("two-step", data_no)["Review"]
    push_all(server, "two-step", data_no)
    return data_id


def closed(server: OMFlowServer) -> int:
    data_no = open_order(server, "simple")
    data_id = stops("simple", data_no)["Approve"]
    push_all(server, "simple", data_no)
    return data_id


def first_row(process: str, settle: float) -> Callable[[OMFlowServer], int]:
    def prepare(server: OMFlowServer) -> int:
        data_no = open_order(server, process, settle=settle)
        rows = state(process, data_no).rows
        return max(int(row["id"]) for row in rows)

    return prepare


def switched(**flags: bool) -> Callable[[OMFlowServer], int]:
    def prepare(server: OMFlowServer) -> int:
        data_id = at_approve(server)
        server.control.set_process(server.name, "simple", **flags)
        return data_id

    return prepare


def as_viewer(server: OMFlowServer) -> int:
    data_id = at_approve(server)
    server.connect(login="viewer", password="viewer")
    return data_id


def logged_in(server: OMFlowServer) -> None:
    OMFlowHook().query("simple", 1)


def expired(server: OMFlowServer) -> None:
    logged_in(server)
    server.control.advance(IDLE)


def restarted(server: OMFlowServer) -> None:
    logged_in(server)
    server.control.restart(server.name)


def connected(**fields: Any) -> Callable[[OMFlowServer], None]:
    return lambda server: server.connect(**fields)


def with_a_namesake(server: OMFlowServer) -> None:
    server.control.add_user(server.name, "airflow2", "x")


def inactive(server: OMFlowServer) -> None:
    server.control.add_user(server.name, "idle", "idle-password", active=False)
    server.connect(login="idle", password="idle-password")


def email(server: OMFlowServer) -> None:
    server.connect(login="airflow@example.com")


def colon(server: OMFlowServer) -> None:
    server.control.add_user(server.name, "colon", "a:b")
    server.connect(login="colon", password="a:b")


def fill(value: str = "x") -> dict[str, str]:
    return {"FORMITM_1": value}


QUERY = "/rest/flowmanage/api/omdata-data-id/get/simple"
SITUATIONS = {
    # The error table, row by row.
    "wrong code": Situation(
        lambda api, _: raw(QUERY, {"data_no": 1, "security": "wrong"}), exceptions.PermissionDenied
    ),
    "missing code": Situation(
        lambda api, _: raw(QUERY, {"data_no": 1, "security": ""}), exceptions.PermissionDenied
    ),
    "code null": Situation(
        lambda api, _: raw(QUERY, {"data_no": 1, "security": None}), exceptions.PermissionDenied
    ),
    "stale code after a restart": Situation(lambda api, _: api.query("simple", 1), [], before=restarted),
    "expired code": Situation(lambda api, _: api.query("simple", 1), [], before=expired),
    "omflow_restapi 0": Situation(
        lambda api, _: raw(QUERY, {"data_no": 1, "omflow_restapi": 0}),
        exceptions.PermissionDenied,
        "omflow_restapi",
    ),
    "bad path": Situation(
        lambda api, _: raw("/rest/no/such/thing", {}), exceptions.PermissionDenied, "path may be wrong"
    ),
    "no right to open": Situation(
        lambda api, _: api.open_order("simple", TITLE),
        exceptions.PermissionDenied,
        "lack the permission",
        as_viewer,
    ),
    "no right to push": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data=TITLE),
        exceptions.PermissionDenied,
        "lack the permission",
        as_viewer,
    ),
    "no right to delete": Situation(
        lambda api, _: api.delete_order("simple", 1),
        exceptions.PermissionDenied,
        "lack the permission",
        as_viewer,
    ),
    "push of an unknown data_id": Situation(
        lambda api, _: api.push_order("simple", 4711, form_data=TITLE),
        exceptions.PermissionDenied,
        "data_id may not exist",
    ),
    "bad password": Situation(
        lambda api, _: api.query("simple", 1),
        exceptions.AuthenticationFailed,
        "'airflow'",
        connected(password="wrong-password"),
    ),
    "inactive user": Situation(
        lambda api, _: api.query("simple", 1), exceptions.AuthenticationFailed, "inactive", inactive
    ),
    "unknown user": Situation(
        lambda api, _: api.query("simple", 1),
        exceptions.AuthenticationFailed,
        "'nobody'",
        connected(login="nobody"),
    ),
    "login by e-mail address": Situation(
        lambda api, _: api.query("simple", 1), exceptions.AuthenticationFailed, "e-mail", email
    ),
    "password with a colon": Situation(
        lambda api, _: api.query("simple", 1), exceptions.AuthenticationFailed, "colon", colon
    ),
    "name within another user's": Situation(
        lambda api, _: api.query("simple", 1),
        exceptions.InvalidConnection,
        "part of another user's name",
        with_a_namesake,
    ),
    "action missing": Situation(lambda api, _: edit("simple"), exceptions.Rejected),
    "action empty": Situation(lambda api, _: edit("simple", action=""), exceptions.Rejected),
    "data_no missing": Situation(lambda api, _: raw(QUERY, {}), exceptions.Rejected),
    "data_no empty": Situation(lambda api, _: raw(QUERY, {"data_no": ""}), exceptions.Rejected),
    "required field missing": Situation(
        lambda api, _: api.open_order("simple", {"FORMITM_2": "x"}), exceptions.Rejected
    ),
    "required field blank": Situation(lambda api, _: api.open_order("simple", fill("")), exceptions.Rejected),
    "regex miss": Situation(
        lambda api, _: api.open_order("simple", {**TITLE, "FORMITM_4": "x"}), exceptions.Rejected
    ),
    "required field missing in a push": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data={}),
        exceptions.Rejected,
        "",
        at_approve,
    ),
    "unknown action": Situation(lambda api, _: edit("simple", action="explode"), exceptions.Rejected),
    "API switched off: open": Situation(lambda api, _: api.open_order("no-api", TITLE), exceptions.Rejected),
    "API switched off: push": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data=TITLE),
        exceptions.Rejected,
        "",
        switched(api=False),
    ),
    "API switched off: query": Situation(
        lambda api, _: api.query("simple", 1), [Stop(2, "Approve")], before=switched(api=False)
    ),
    "disabled: open": Situation(
        lambda api, _: api.open_order("simple", TITLE), exceptions.Rejected, "", switched(enabled=False)
    ),
    "disabled: push": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data=TITLE),
        exceptions.Rejected,
        "",
        switched(enabled=False),
    ),
    "disabled: query": Situation(
        lambda api, _: api.query("simple", 1), [Stop(2, "Approve")], before=switched(enabled=False)
    ),
    "already pushed": Situation(
        lambda api, data_id: api.push_order("two-step", data_id, form_data=TITLE),
        exceptions.Rejected,
        "matching query does not exist",
        pushed,
    ),
    "push of a closed order": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data=TITLE),
        exceptions.Rejected,
        "matching query does not exist",
        closed,
    ),
    "push while running": Situation(
        lambda api, data_id: api.push_order("sleepy", data_id, form_data=TITLE),
        exceptions.Rejected,
        "",
        first_row("sleepy", 0),
    ),
    "push of a failed row that is no stop": Situation(
        lambda api, data_id: api.push_order("failing", data_id, form_data=TITLE),
        exceptions.Rejected,
        "",
        first_row("failing", 5),
    ),
    "push of an unknown field": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data={**TITLE, "FORMITM_99": "x"}),
        exceptions.Rejected,
        "has no field named",
        at_approve,
    ),
    "push without data_id": Situation(
        lambda api, _: edit("simple", action="update", formdata=[]),
        exceptions.Rejected,
        "invalid literal for int()",
    ),
    "open with an unknown field": Situation(
        lambda api, _: api.open_order("simple", {**TITLE, "FORMITM_99": "x"}), None
    ),
    "start input missing": Situation(
        lambda api, _: api.open_order("formless", start_input={"other": 1}), None
    ),
    "query of an unknown process": Situation(
        lambda api, _: api.query("nowhere", 1), exceptions.NotFound, "'nowhere'"
    ),
    "open of an unknown process": Situation(
        lambda api, _: api.open_order("nowhere", TITLE), exceptions.NotFound, "No deployed process"
    ),
    "open of an undeployed process": Situation(
        lambda api, _: api.open_order("simple", TITLE),
        exceptions.NotFound,
        "No deployed process",
        switched(deployed=False),
    ),
    "data_no that is no number": Situation(
        lambda api, _: raw(QUERY, {"data_no": "x"}, repeatable=True),
        exceptions.Rejected,
        "invalid literal for int()",
    ),
    "list of an unknown column": Situation(
        lambda api, _: api.list_rows("simple", columns=["colour"]), exceptions.NotFound, "colour"
    ),
    "list of an unknown process": Situation(
        lambda api, _: api.list_rows("nowhere"), exceptions.NotFound, "'nowhere'"
    ),
    # The table of responses, row by row.
    "open": Situation(lambda api, _: api.open_order("simple", TITLE), 1),
    "open with a validation that passes": Situation(lambda api, _: api.open_order("validated", TITLE), None),
    "open with a validation that fails": Situation(lambda api, _: api.open_order("rejected", TITLE), None),
    "query of one stop": Situation(
        lambda api, _: api.query("simple", 1), [Stop(2, "Approve")], before=at_approve
    ),
    "query of parallel stops": Situation(
        lambda api, _: api.query("fork-ends", 1),
        [Stop(3, "A"), Stop(5, "B")],
        before=lambda server: open_order(server, "fork-ends"),
    ),
    "query while running": Situation(
        lambda api, _: api.query("sleepy", 1),
        [],
        before=lambda server: open_order(server, "sleepy", settle=0),
    ),
    "query of a closed order": Situation(lambda api, _: api.query("simple", 1), [], before=closed),
    "query of an unknown number": Situation(lambda api, _: api.query("simple", 4711), []),
    "query of a failed order lists it": Situation(
        lambda api, _: api.query("failing", 1), [Stop(2, "Boom")], before=first_row("failing", 5)
    ),
    "push": Situation(
        lambda api, data_id: api.push_order("simple", data_id, form_data=TITLE), None, before=at_approve
    ),
    "push with an unknown quick action": Situation(
        lambda api, data_id: api.push_order("simple", data_id, quick_action="action9"),
        None,
        before=at_approve,
    ),
    "delete": Situation(lambda api, _: api.delete_order("simple", 1), None, before=at_approve),
    "delete of an unknown number": Situation(lambda api, _: api.delete_order("simple", 4711), None),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation(each_omflow: OMFlowServer, run: Run, name: str) -> None:
    situation = SITUATIONS[name]
    prepared = situation.before(each_omflow)
    if isinstance(situation.outcome, type):
        with pytest.raises(exceptions.WorkflowError) as caught:
            run(lambda api: situation.call(api, prepared))
        assert caught.type is situation.outcome
        assert situation.says in str(caught.value)
        assert caught.value.vendor == "OMFlow"
        assert caught.value.code in (403, 404, 500)
        assert caught.value.status == 200, "OMFlow's HTTP status is always this"
    else:
        result = run(lambda api: situation.call(api, prepared))
        expected = situation.outcome
        # Version 1.2 tells numbers as text.
        assert result == (str(expected) if expected == 1 and each_omflow.version == "1.2" else expected)


@pytest.mark.parametrize("each_omflow", ["1.1"], indirect=True)
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("action missing", "action"),
        ("action empty", "action"),
        ("data_no missing", "data_no"),
        ("data_no empty", "data_no"),
    ],
)
def test_missing_parameters_are_named_where_the_server_names_them(
    each_omflow: OMFlowServer, run: Run, name: str, missing: str
) -> None:
    with pytest.raises(exceptions.Rejected, match=f"missing or empty fields {missing}"):
        run(lambda api: SITUATIONS[name].call(api, None))


@pytest.mark.parametrize("name", ["push of an unknown field", "required field missing in a push"])
def test_a_refused_push_changes_nothing(each_omflow: OMFlowServer, run: Run, name: str) -> None:
    data_id = at_approve(each_omflow)
    with pytest.raises(exceptions.Rejected):
        run(lambda api: SITUATIONS[name].call(api, data_id))
    assert each_omflow.effects()["pushed"] == 0
    assert stops("simple", 1) == {"Approve": data_id}


def test_items_without_type_on_the_recorded_version(each_omflow: OMFlowServer, run: Run) -> None:
    body = {"action": "create", "formdata": [{"id": "FORMITM_1", "value": "x"}]}
    if each_omflow.version == "1.1":
        with pytest.raises(exceptions.Rejected, match="has no type"):
            run(lambda api: raw(f"{EDIT}/simple", body))
    else:
        assert run(lambda api: raw(f"{EDIT}/simple", body))


@pytest.mark.parametrize("each_omflow", ["1.1"], indirect=True)
def test_files_in_the_open_call_on_the_recorded_version(each_omflow: OMFlowServer, run: Run) -> None:
    part = file_part(__file__, name="files")
    with pytest.raises(exceptions.Rejected, match=r"Set server_version of the connection to 1\.1"):
        run(lambda api: api.open_order("simple", TITLE, files=[part]))
    assert each_omflow.effects()["opened"] == 0


def test_answer_of_the_framework_itself(each_omflow: OMFlowServer, run: Run) -> None:
    # A path outside /rest is refused by the server's own protection, in HTML and with HTTP 403.
    with pytest.raises(exceptions.PermissionDenied) as caught:
        run(lambda api: raw("/flowmanage/api/omdata/list/x", {}))
    assert caught.value.status == 403
    assert caught.value.code is None


class TestSecurityCode:
    def requests(self, server: OMFlowServer, endpoint: str = "security") -> int:
        return int(server.effects()["requests"].get(endpoint, 0))

    def test_is_fetched_once_for_many_calls(self, omflow: OMFlowServer) -> None:
        for _ in range(5):
            OMFlowHook().query("simple", 1)
        assert self.requests(omflow) == 1

    def test_five_idle_minutes_are_normal_life(self, omflow: OMFlowServer, run: Run) -> None:
        for _ in range(3):
            run(lambda api: api.query("simple", 1))
            omflow.control.advance(IDLE)
        assert run(lambda api: api.open_order("simple", TITLE)) == "1"
        assert omflow.effects()["opened"] == 1

    def test_calls_keep_it_alive(self, omflow: OMFlowServer) -> None:
        for _ in range(5):
            OMFlowHook().query("simple", 1)
            omflow.control.advance(200)
        assert self.requests(omflow) == 1

    def test_a_restart_is_normal_life(self, omflow: OMFlowServer) -> None:
        hook = OMFlowHook()
        hook.query("simple", 1)
        omflow.control.restart(omflow.name)
        assert hook.open_order("simple", TITLE) == "1"
        assert self.requests(omflow) == 2
        assert self.requests(omflow, "open") == 2
        assert omflow.effects()["opened"] == 1

    def test_a_bad_password_is_tried_once(self, omflow: OMFlowServer, run: Run) -> None:
        omflow.connect(password="wrong-password")
        with pytest.raises(exceptions.AuthenticationFailed):
            run(lambda api: api.query("simple", 1))
        assert omflow.effects()["requests"] == {"security": 1}

    def test_a_refusal_for_lack_of_rights_is_final(self, omflow: OMFlowServer) -> None:
        omflow.connect(login="viewer", password="viewer")
        hook = OMFlowHook()
        hook.query("simple", 1)
        with pytest.raises(exceptions.PermissionDenied):
            hook.open_order("simple", TITLE)
        assert self.requests(omflow, "open") == 1
        assert self.requests(omflow) == 2, "asked once whether the code was still good"

    def test_concurrent_calls_renew_once(self, omflow: OMFlowServer) -> None:
        async def all_of_them() -> None:
            hook = OMFlowHook()
            await hook.aquery("simple", 1)
            omflow.control.restart(omflow.name)
            await asyncio.gather(*(hook.aquery("simple", 1) for _ in range(20)))

        asyncio.run(all_of_them())
        assert self.requests(omflow) == 2


class TestTestConnection:
    def test_says_where_and_as_whom(self, each_omflow: OMFlowServer) -> None:
        assert OMFlowHook().test_connection() == (
            True,
            f"Logged in to OMFlow as airflow, at {each_omflow.url}",
        )
        assert each_omflow.effects()["requests"] == {"security": 1, "other": 1}

    def test_says_what_is_wrong(self, each_omflow: OMFlowServer) -> None:
        each_omflow.connect(password="wrong-password")
        passed, message = OMFlowHook().test_connection()
        assert not passed
        assert "did not accept the user 'airflow'" in message
        assert "wrong-password" not in message

    def test_says_which_field_is_wrong(self, omflow: OMFlowServer) -> None:
        omflow.connect(extra={"server_version": "9"})
        passed, message = OMFlowHook().test_connection()
        assert not passed
        assert "server_version" in message


def test_language_goes_along(omflow: OMFlowServer, run: Run) -> None:
    said = {}
    for language in ("en", "ja"):
        omflow.connect(extra={"language": language})
        with pytest.raises(exceptions.PermissionDenied) as caught:
            run(lambda api: raw(QUERY, {"data_no": 1, "security": "wrong"}))
        said[language] = str(caught.value)
    assert "The security code is wrong" in said["en"]
    assert "コードが間違っています" in said["ja"]


OF_TASKS = frozenset({"create_order", "find_orders", "move_order", "order_states"})
"""
Operations that take items which a task has checked already: hooks have open_order and push_order. And the
search for many marks at once, and the reading of many orders at once.
"""


def _operations() -> set[str]:
    """Return the names of the operations, but for those of the transport, of tasks and of the Test button."""
    members = inspect.getmembers(OMFlowApi, inspect.isgeneratorfunction)
    return {name for name, _ in members if not name.startswith("_")} - {
        "security_code",
        "check_calls",
        *OF_TASKS,
    }


def test_every_operation_has_a_method_and_its_coroutine() -> None:
    assert len(_operations()) == 9
    assert not [name for name in OF_TASKS if hasattr(OMFlowHook, name) or hasattr(OMFlowHook, f"a{name}")]
    for name in _operations():
        assert getattr(OMFlowHook, name).__wrapped__ is getattr(OMFlowApi, name)
        assert getattr(OMFlowHook, f"a{name}").__wrapped__ is getattr(OMFlowApi, name)
        assert inspect.iscoroutinefunction(getattr(OMFlowHook, f"a{name}"))


def test_methods_and_coroutines_do_the_same(each_omflow: OMFlowServer, tmp_path: Path) -> None:
    attachment = tmp_path / "a.txt"
    attachment.write_text("abc")
    tried: set[str] = set()

    def life(call: Callable[..., Any]) -> list[Any]:
        """Go through an order's life with every method."""

        def do(name: str, *args: Any, **kwargs: Any) -> Any:
            tried.add(name)
            return call(name, *args, **kwargs)

        number = do("open_order", "two-step", {**TITLE, "FORMITM_2": "key"})
        each_omflow.control.advance(5)
        found = do("find_order", "two-step", "FORMITM_2", "key")
        stands = do("query", "two-step", number)
        files = do("upload_files", "two-step", number, [file_part(attachment, name="files")])
        again = do("list_files", "two-step", number)
        push = do("push_order", "two-step", stands[0].data_id, form_data=TITLE)
        each_omflow.control.advance(5)
        order = do("order_state", "two-step", number, columns=["formitm_2"])
        page = do("list_rows", "two-step", columns=["id", "stop_chart_text"], order_by=["-id"], size=1)
        delete = do("delete_order", "two-step", number)
        gone = do("order_state", "two-step", number)
        assert tuple(files) == again.items
        names = [row["file_name"] for row in files]
        labels = [row["stop_chart_text"] for row in order.rows]
        return [number, found, stands, names, push, order.status, labels, page.next, delete, gone.status]

    hook = OMFlowHook()
    by_method = life(lambda name, *args, **kwargs: getattr(hook, name)(*args, **kwargs))
    each_omflow.control.reset()
    by_coroutine = life(lambda name, *args, **kwargs: asyncio.run(getattr(hook, f"a{name}")(*args, **kwargs)))
    assert by_coroutine == by_method
    assert tried == _operations()
    assert by_method[5:] == ["waiting", ["Review", "Approve", "Approve"], 1, None, "unknown"]
