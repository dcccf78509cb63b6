"""The hook against the sandbox: every result code and endpoint, on both drivers."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.blizwork.connection import RATES
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InvalidConnection,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from tests.blizwork.cases import closed, opened, pending, ran
from tests.blizwork.conftest import COMPANY, TOKEN, USER, BlizWorkServer, Run

Call = Callable[[BlizWorkApi], Operation[Any]]


def exec_of(case: int, form: str = "request", to: str = "done", **how: Any) -> Call:
    return lambda api: api.exec_activity("one-step", case, form, to, **how)


@pytest.fixture
def case(blizwork: BlizWorkServer) -> int:
    return opened()


class TestSituations:
    """Each result code, brought about by what the vendor says it means."""

    def refused(self, run: Run, call: Call, kind: type[WorkflowError], code: int) -> None:
        with pytest.raises(WorkflowError) as caught:
            run(call)
        assert (type(caught.value), caught.value.code) == (kind, code)

    def test_0_done(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        assert run(exec_of(case)) is None
        assert blizwork.record(f"one-step/{case}")["state"] == "finished"

    def test_1_token_invalid(self, blizwork: BlizWorkServer, run: Run) -> None:
        blizwork.connect(password="another")
        self.refused(run, lambda api: api.init_case("one-step"), AuthenticationFailed, 1)

    def test_2_user_not_authorised(self, blizwork: BlizWorkServer, run: Run) -> None:
        blizwork.connect(login="former@example.com")
        self.refused(run, lambda api: api.init_case("one-step"), PermissionDenied, 2)

    def test_2_token_of_another_organisation(self, blizwork: BlizWorkServer, run: Run) -> None:
        self.refused(run, lambda api: api.init_case("one-step", company_id="c2"), PermissionDenied, 2)

    @pytest.mark.parametrize("workflow", ["nowhere", "One-Step", "one-step ", "drafted"])
    def test_3_workflow_missing_or_not_published(
        self, blizwork: BlizWorkServer, run: Run, workflow: str
    ) -> None:
        self.refused(run, lambda api: api.init_case(workflow), NotFound, 3)

    def test_3_workflow_disabled(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        blizwork.control.command("blizwork", "set_workflow", workflow="one-step", enabled=False)
        self.refused(run, exec_of(case), NotFound, 3)

    def test_4_case_unknown(self, blizwork: BlizWorkServer, run: Run) -> None:
        self.refused(run, exec_of(99), NotFound, 4)
        self.refused(run, lambda api: api.load_case("one-step", 99), NotFound, 4)

    def test_5_case_closed(self, blizwork: BlizWorkServer, run: Run) -> None:
        self.refused(run, exec_of(closed()), Rejected, 5)

    def test_6_form_unknown(self, run: Run, case: int) -> None:
        self.refused(run, exec_of(case, "nowhere"), Rejected, 6)

    def test_6_form_was_run(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("loop")
        ran("loop", case, "request", "check")
        self.refused(run, lambda api: api.exec_activity("loop", case, "request", "check"), Rejected, 6)

    def test_7_action_invalid(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("loop")
        self.refused(run, lambda api: api.exec_activity("loop", case, "request", "done"), Rejected, 7)

    def test_8_not_its_turn(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("loop")
        self.refused(run, lambda api: api.exec_activity("loop", case, "check", "done"), Rejected, 8)

    def test_9_action_unknown(self, run: Run, case: int) -> None:
        self.refused(run, exec_of(case, to="nowhere"), Rejected, 9)

    def test_10_field_unknown(self, run: Run, case: int) -> None:
        self.refused(run, exec_of(case, form_data={"Text": "case matters"}), Rejected, 10)

    def test_11_user_unknown(self, blizwork: BlizWorkServer, run: Run) -> None:
        self.refused(run, lambda api: api.init_case("one-step", exec_user_id="no@x.y"), PermissionDenied, 11)

    def test_100_wrong_type_of_a_field(self, run: Run, case: int) -> None:
        self.refused(run, exec_of(case, form_data={"text": 3}), Rejected, 100)

    def test_101_unexpected_error(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        blizwork.answer("exec", 101, effect=True)
        self.refused(run, exec_of(case), OutcomeUnknown, 101)
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1)

    def test_101_of_a_read_is_asked_again(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        blizwork.answer("case", 101)
        assert run(lambda api: api.load_case("one-step", case)).pending == "request"
        assert blizwork.requests("case") == 2

    def test_200_throttled_calls_are_sent_again(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        blizwork.answer("exec", 200)
        run(exec_of(case))
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 2)

    def test_200_for_good(self, blizwork: BlizWorkServer, run: Run, case: int) -> None:
        """The plan Free has no use of the API at all."""
        blizwork.control.set_plan("blizwork", 0)
        self.refused(run, exec_of(case), Throttled, 200)
        assert blizwork.effects()["executed"] == 0


def test_200_waits_as_long_as_the_plan_asks(blizwork: BlizWorkServer, run: Run) -> None:
    blizwork.connect(extra={"plan": "avanzado"})
    blizwork.control.set_plan("blizwork", 4)
    cases = [run(lambda api: api.init_case("one-step")) for _ in range(3)]
    assert cases == [1, 2, 3]
    assert blizwork.requests("init") > 3


@pytest.mark.parametrize(
    ("fault", "once", "read"),
    [
        ({"kind": "lost_answer"}, OutcomeUnknown, None),
        ({"kind": "reset_before"}, OutcomeUnknown, None),
        ({"kind": "reset_unread"}, OutcomeUnknown, None),
        ({"kind": "truncated"}, OutcomeUnknown, None),
        ({"kind": "bad_gateway", "effect": True}, OutcomeUnknown, None),
        ({"kind": "unavailable"}, OutcomeUnknown, None),
        ({"kind": "not_json"}, OutcomeUnknown, None),
        ({"kind": "status", "status": 408}, OutcomeUnknown, None),
        ({"kind": "throttled"}, None, None),
        ({"kind": "redirect"}, UnexpectedRedirect, UnexpectedRedirect),
        ({"kind": "status", "status": 403}, PermissionDenied, PermissionDenied),
        ({"kind": "status", "status": 404}, NotFound, NotFound),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_answers_that_are_lost_or_none(
    blizwork: BlizWorkServer, run: Run, case: int, fault: dict[str, Any], once: Any, read: Any
) -> None:
    for endpoint, call, kind in (
        ("case", lambda api: api.load_case("one-step", case), read),
        ("exec", exec_of(case), once),
    ):
        fault_id = blizwork.fault(endpoint, **fault)
        if kind is None:
            run(call)
        else:
            with pytest.raises(kind):
                run(call)
        assert blizwork.control.hits(fault_id) == 1
        assert blizwork.requests(endpoint) == (2 if kind is None else 1)


@pytest.mark.parametrize("fault", ["bad_gateway", "not_json"])
def test_a_read_that_fails_for_good(blizwork: BlizWorkServer, run: Run, case: int, fault: str) -> None:
    blizwork.fault("case", fault, times=9)
    with pytest.raises((ServiceUnavailable, UnreadableAnswer)):
        run(lambda api: api.load_case("one-step", case))
    assert blizwork.requests("case") == 2


class TestCalls:
    def test_init_opens_another_case_each_time(self, blizwork: BlizWorkServer, run: Run) -> None:
        assert [run(lambda api: api.init_case("credit")) for _ in range(2)] == [1, 2]
        assert blizwork.effects()["opened"] == 2

    def test_form_data_arrives_with_its_types(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("credit")
        form = {"applicant": "Ana Ñúñez", "age": 30, "amount": Decimal("1234567890.123456789")}
        run(lambda api: api.exec_activity("credit", str(case), "application", "scoring", form))
        assert blizwork.record(f"credit/{case}")["fields"] == {
            "applicant": "Ana Ñúñez",
            "age": "30",
            "amount": "1234567890.123456789",
        }

    @pytest.mark.parametrize(
        "form", [{"age": "30"}, {"age": Decimal("30.5")}, {"applicant": 1}, {"amount": "1"}], ids=str
    )
    def test_a_wrong_type_is_refused(self, blizwork: BlizWorkServer, run: Run, form: Any) -> None:
        case = opened("credit")
        with pytest.raises(Rejected, match="malformed"):
            run(lambda api: api.exec_activity("credit", case, "application", "scoring", form))
        assert blizwork.effects()["executed"] == 0

    def test_attachments_link_to_an_uploaded_file(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("credit")
        file = run(lambda api: api.upload_attachment("contract.pdf", b"%PDF"))
        files = {"contract": file}
        run(lambda api: api.exec_activity("credit", case, "application", "scoring", attachments=files))
        found = run(lambda api: api.load_case("credit", case))
        assert found.files == {"contract": file["fileUrl"]}
        assert blizwork.record(f"credit/{case}")["files"][0]["name"] == "contract.pdf"

    def test_a_dead_url_is_refused(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = opened("credit")
        file = {"contract": {"fileName": "a.pdf", "fileUrl": "https://nowhere.example/a.pdf"}}
        with pytest.raises(Rejected):
            run(lambda api: api.exec_activity("credit", case, "application", "scoring", attachments=file))

    def test_acting_user_is_the_author(self, blizwork: BlizWorkServer, run: Run) -> None:
        case = run(lambda api: api.init_case("one-step", exec_user_id="analyst@example.com"))
        run(exec_of(case, exec_user_id="analyst@example.com", skip_extensions=True))
        found = run(lambda api: api.load_case("one-step", case))
        assert [entry.author for entry in found.history] == ["analyst@example.com"] * 2

    @pytest.mark.parametrize(
        ("include", "key"),
        [(0, None), (1, "users"), (2, "history"), (3, "processDefinition"), (4, "company")],
    )
    def test_how_much_of_a_case(self, run: Run, case: int, include: int, key: str | None) -> None:
        document = run(lambda api: api.load_case("one-step", case, include=include)).document
        assert document["caseNumber"] == case
        assert key is None or key in document
        assert ("history" in document) == (include >= 2)

    def test_draft_is_another_world(self, blizwork: BlizWorkServer, run: Run) -> None:
        blizwork.connect(extra={"environment": "draft"})
        case = run(lambda api: api.init_case("drafted"))
        assert run(lambda api: api.load_case("drafted", case)).document["environment"] == "draft"
        blizwork.connect()
        with pytest.raises(NotFound):
            run(lambda api: api.load_case("drafted", case))

    def test_list_cases(self, blizwork: BlizWorkServer, run: Run) -> None:
        for _ in range(2):
            opened()
        rows = run(lambda api: api.list_cases("one-step", where={"caseNumber": 2}))
        assert [row["caseNumber"] for row in rows] == [2]
        assert len(run(lambda api: api.list_cases("one-step")).items) == 2

    def test_send_notification(self, blizwork: BlizWorkServer, run: Run) -> None:
        run(lambda api: api.send_notification("welcome", to=["a@x.y", "b@x.y"], params={"p1": "Ana"}))
        assert blizwork.effects()["notified"] == 1
        with pytest.raises(Rejected):
            run(lambda api: api.send_notification("welcome", to="nobody"))

    def test_master_data(self, blizwork: BlizWorkServer, run: Run) -> None:
        where = {"code": "W1"}
        assert run(lambda api: api.list_master_data("branches", where=where)).items == ()
        run(lambda api: api.upsert_master_data("branches", where=where, update={"name": "West"}))
        run(lambda api: api.upsert_master_data("branches", where=where, update={"name": "Far West"}))
        found = run(lambda api: api.list_master_data("branches", where=where))
        assert list(found) == [{"code": "W1", "name": "Far West"}]
        run(lambda api: api.delete_master_data("branches", where=where))
        assert len(run(lambda api: api.list_master_data("branches")).items) == 2

    def test_an_upsert_may_be_repeated(self, blizwork: BlizWorkServer, run: Run) -> None:
        blizwork.fault("upsert", "lost_answer")
        run(lambda api: api.upsert_master_data("branches", where={"code": "W1"}, update={"name": "West"}))
        assert len(run(lambda api: api.list_master_data("branches", where={"code": "W1"})).items) == 1

    @pytest.mark.parametrize("endpoint", ["init", "upload", "notify", "delete"])
    def test_what_is_once_only_is_sent_once(self, blizwork: BlizWorkServer, run: Run, endpoint: str) -> None:
        calls: dict[str, Call] = {
            "init": lambda api: api.init_case("one-step"),
            "upload": lambda api: api.upload_attachment("a", b"x"),
            "notify": lambda api: api.send_notification("t", to="a@x.y"),
            "delete": lambda api: api.delete_master_data("branches", where={"code": "N1"}),
        }
        blizwork.fault(endpoint, "lost_answer")
        with pytest.raises(OutcomeUnknown):
            run(calls[endpoint])
        assert blizwork.requests(endpoint) == 1


class TestConnection:
    def test_button(self, blizwork: BlizWorkServer) -> None:
        good, text = BlizWorkHook().test_connection()
        assert (good, text) == (True, f"BlizWork accepted the token and the user {USER}, at {blizwork.url}")
        effects = blizwork.effects()
        assert sum(effects[name] for name in effects if name != "requests") == 0

    @pytest.mark.parametrize(
        ("change", "says"),
        [({"password": "bad"}, "token is invalid"), ({"login": "no@x.y"}, "user is not registered")],
        ids=["token", "user"],
    )
    def test_button_says_what_is_wrong(self, blizwork: BlizWorkServer, change: Any, says: str) -> None:
        blizwork.connect(**change)
        good, text = BlizWorkHook().test_connection()
        assert not good
        assert says in text

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"password": None}, "'password' (API token)"),
            ({"login": ""}, "'login' (User e-mail)"),
            ({"extra": {"company_id": ""}}, "'company_id'"),
            ({"extra": {"environment": "test"}}, "'environment'"),
            ({"extra": {"plan": "gold"}}, "'plan'"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_is_wrong_is_named(self, blizwork: BlizWorkServer, change: Any, named: str) -> None:
        blizwork.connect(**change)
        with pytest.raises(InvalidConnection) as caught:
            BlizWorkHook().get_conn()
        assert named in str(caught.value)
        assert TOKEN not in str(caught.value)

    def test_defaults(self, blizwork: BlizWorkServer) -> None:
        blizwork.connect(host=None)
        hook = BlizWorkHook()
        assert hook._side().endpoint.base_url == "https://api.blizwork.com"
        api = hook.get_conn()
        assert (api.environment, api.rate, api.company_id, api.user_id) == (None, None, COMPANY, USER)

    def test_production_is_the_same_place_whether_or_not_it_is_named(self, blizwork: BlizWorkServer) -> None:
        place = BlizWorkHook().where
        assert place == f"{blizwork.url} {USER} {COMPANY} production"
        blizwork.connect(extra={"environment": "production"})
        assert BlizWorkHook().where == place
        blizwork.connect(extra={"environment": "draft"})
        assert BlizWorkHook().where == f"{blizwork.url} {USER} {COMPANY} draft"

    @pytest.mark.parametrize(
        ("plan", "rate"),
        [("basico", 0.5), ("medio", 1), ("avanzado", 5), ("empresa", 50), ("corporativo", None)],
    )
    def test_plans(self, blizwork: BlizWorkServer, plan: str, rate: float | None) -> None:
        blizwork.connect(extra={"plan": plan})
        assert BlizWorkHook().get_conn().rate == rate == RATES[plan]

    def test_a_plan_without_calls_is_refused_before_anything_is_sent(
        self, blizwork: BlizWorkServer, run: Run
    ) -> None:
        blizwork.connect(extra={"plan": "free"})
        with pytest.raises(InvalidConnection, match=r"'plan'.*free, a plan that allows no calls") as caught:
            run(lambda api: api.init_case("one-step"))
        assert isinstance(caught.value, PermanentError)
        assert BlizWorkHook().test_connection()[0] is False
        assert blizwork.effects()["requests"] == {}

    @pytest.mark.parametrize("token", ["24characterslong12345678", "x" * 34, "t", "a/b c+ñ"])
    def test_tokens_of_any_kind(self, blizwork: BlizWorkServer, run: Run, token: str) -> None:
        """Samples of tokens have different lengths, so none is demanded."""
        blizwork.connect(password=token)
        with pytest.raises(AuthenticationFailed):
            run(lambda api: api.init_case("one-step"))
        assert blizwork.requests("init") == 1

    def test_nobody_answers(self, blizwork: BlizWorkServer, run: Run) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            blizwork.connect(host=f"http://127.0.0.1:{held.getsockname()[1]}")
            with pytest.raises(ConnectionFailed):
                run(lambda api: api.init_case("one-step"))


OF_TASKS = frozenset({"open_case", "run_activity", "send_mail"})
"""Operations that take a body which a task has checked already: hooks have those that check it."""


def test_every_operation_has_both_methods() -> None:
    operations = dict(inspect.getmembers(BlizWorkApi, inspect.isfunction))
    assert operations.keys() > OF_TASKS
    assert not [name for name in OF_TASKS if hasattr(BlizWorkHook, name) or hasattr(BlizWorkHook, f"a{name}")]
    for name, function in operations.items():
        if name.startswith("_") or name == "probe" or name in OF_TASKS:
            continue
        plain, asynchronous = getattr(BlizWorkHook, name), getattr(BlizWorkHook, f"a{name}")
        assert inspect.signature(plain).parameters.keys() == inspect.signature(function).parameters.keys()
        assert inspect.iscoroutinefunction(asynchronous), name


def test_methods_return_what_the_operations_do(blizwork: BlizWorkServer) -> None:
    hook = BlizWorkHook()
    assert hook.init_case("one-step") == 1
    assert asyncio.run(hook.ainit_case("one-step")) == 2
    assert pending("one-step", 2) == "request"
