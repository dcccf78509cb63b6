"""BlizWork's calls by hand: what goes out, where to, and what is made of the answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.core.protocol.body import encode_json
from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
)
from tests.blizwork.driving import API, QUOTED, ask, done, refused, said

OPENING = {"companyId": "c1", "userId": "a@x.y", "workflowId": "alta"}
ACTING = {**OPENING, "environment": "production"}
READING = {"userId": "a@x.y", "environment": "production"}
WHERE, UPDATE = {"code": "N1"}, {"name": "North"}


def data(value: Any) -> Any:
    return done(payload=value)


def known(name: str) -> tuple[Operation[Any], str, dict[str, Any], bool, Any]:
    """Return a call, its path around the token, its body, whether it may be repeated, and an answer."""
    exec_body = {**ACTING, "caseNumber": 41, "formId": "f", "nextFormId": "g", "formData": {}}
    rows = data([{"a": 1}])
    table: dict[str, Any] = {
        "init": (API.init_case("alta"), "/init/{}", OPENING, False, done(caseNumber=41)),
        "exec": (API.exec_activity("alta", 41, "f", "g"), "/exec/{}", exec_body, False, done()),
        "load": (
            API.load_case("alta", 41),
            "/process/case/{}/",
            {**READING, "processId": "alta", "caseNumber": 41, "include": 2},
            True,
            data({}),
        ),
        "list": (
            API.list_cases("alta", where=WHERE),
            "/process/case-list/{}/",
            {**READING, "processId": "alta", "filter": WHERE},
            True,
            rows,
        ),
        "upload": (
            API.upload_attachment("a.pdf", b"\x00%PDF"),
            "/attachment/upload/{}/",
            {
                "userId": "a@x.y",
                "module": "form",
                "filename": "a.pdf",
                "file": base64.b64encode(b"\x00%PDF").decode(),
            },
            False,
            data({}),
        ),
        "notify": (
            API.send_notification("welcome", to=["a@x.y", "b@x.y"], params={"p1": "Ana"}),
            "/utils/send-notification/{}",
            {"template": "welcome", "params": {"to": "a@x.y,b@x.y", "p1": "Ana"}},
            False,
            done(),
        ),
        "query": (
            API.list_master_data("branches", where=WHERE),
            "/master-data/{}/",
            {**READING, "table": "branches", "filter": WHERE},
            True,
            rows,
        ),
        "upsert": (
            API.upsert_master_data("branches", where=WHERE, update=UPDATE),
            "/master-data/upsert/{}/",
            {**READING, "table": "branches", "filter": WHERE, "update": UPDATE},
            True,
            done(),
        ),
        "delete": (
            API.delete_master_data("branches", where=WHERE),
            "/master-data/delete/{}/",
            {**READING, "table": "branches", "filter": WHERE},
            False,
            done(),
        ),
    }
    found: tuple[Operation[Any], str, dict[str, Any], bool, Any] = table[name]
    return found


NAMES = ("init", "exec", "load", "list", "upload", "notify", "query", "upsert", "delete")


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_out(name: str) -> None:
    call, path, body, repeatable, answer = known(name)
    request, _ = ask(call, answer)
    assert (request.method, request.path) == ("POST", path.format(QUOTED))
    assert request.json == body
    assert request.repeatable is repeatable


@pytest.mark.parametrize("name", NAMES)
def test_no_call_shows_its_token(name: str) -> None:
    call, path, _, _, _ = known(name)
    request, error = ask(call, refused(1))
    assert isinstance(error, AuthenticationFailed)
    assert request.shown == error.path == path.format("***")
    for text in (repr(request), str(error), repr(error), repr(vars(error)), repr(request.headers)):
        assert "to/ken" not in text
        assert QUOTED not in text


@pytest.mark.parametrize("name", NAMES)
def test_an_unexpected_error_is_a_doubt_only_where_it_matters(name: str) -> None:
    call, _, _, repeatable, _ = known(name)
    _, error = ask(call, refused(101))
    assert type(error) is (ServiceUnavailable if repeatable else OutcomeUnknown)


class TestInit:
    def test_result_is_the_number(self) -> None:
        assert ask(API.init_case("alta"), done(caseNumber=41))[1] == 41

    @pytest.mark.parametrize("number", [None, "41", True, 4.5, [41]], ids=repr)
    def test_without_a_number_nobody_knows(self, number: Any) -> None:
        _, error = ask(API.init_case("alta"), done(**({} if number is None else {"caseNumber": number})))
        assert isinstance(error, OutcomeUnknown)
        assert "no case number" in error.message

    def test_number_of_a_refused_call_means_nothing(self) -> None:
        answer = said(resultCode=3, resultMessage="no", caseNumber=41)
        assert isinstance(ask(API.init_case("alta"), answer)[1], NotFound)

    def test_acting_user_and_another_organisation(self) -> None:
        call = API.init_case("alta", exec_user_id="b@other.z", company_id="c2")
        request, _ = ask(call, done(caseNumber=1))
        assert request.json == {**OPENING, "companyId": "c2", "execUserId": "b@other.z"}

    @pytest.mark.parametrize("environment", ["draft", "production"])
    def test_environment_goes_along_only_if_it_is_set(self, environment: str) -> None:
        """The vendor's documentation of this call has none."""
        api = BlizWorkApi(token="t", user_id="a@x.y", company_id="c1", environment=environment)
        request, _ = ask(api.init_case("alta"), done(caseNumber=1))
        assert request.json == {**OPENING, "environment": environment}
        assert "environment" not in ask(API.init_case("alta"), done(caseNumber=1))[0].json


class TestExec:
    def test_case_number_goes_as_an_integer(self) -> None:
        request, _ = ask(API.exec_activity("alta", "41", "f", "g"), done())
        assert (request.json["caseNumber"], type(request.json["caseNumber"])) == (41, int)

    def test_form_data_is_an_object_with_decimals_as_numbers(self) -> None:
        form = {"name": "Ana", "age": 30, "amount": Decimal("1000.10")}
        request, _ = ask(API.exec_activity("alta", 1, "f", "g", form), done())
        assert b'"formData":{"name":"Ana","age":30,"amount":1000.10}' in encode_json(request.json)

    def test_attachments_are_fields(self) -> None:
        file = {"fileName": "a.pdf", "fileUrl": "https://x.y/1"}
        request, _ = ask(API.exec_activity("alta", 1, "f", "g", attachments={"contract": file}), done())
        assert request.json["formData"] == {"contract": file}

    @pytest.mark.parametrize("skip", [True, False])
    def test_skip_extensions(self, skip: bool) -> None:
        request, _ = ask(API.exec_activity("alta", 1, "f", "g", skip_extensions=skip), done())
        assert request.json["skipExtensions"] is skip

    def test_acting_user_and_another_organisation(self) -> None:
        call = API.exec_activity("alta", 1, "f", "g", exec_user_id="b@other.z", company_id="c2")
        request, _ = ask(call, done())
        assert (request.json["execUserId"], request.json["companyId"]) == ("b@other.z", "c2")

    def test_the_answer_tells_nothing_of_the_case(self) -> None:
        assert ask(API.exec_activity("alta", 1, "f", "g"), done())[1] is None

    def test_ids_go_as_they_are(self) -> None:
        """BlizWork minds case and blanks."""
        request, _ = ask(API.exec_activity("Alta ", 1, " f", "G"), done())
        assert [request.json[key] for key in ("workflowId", "formId", "nextFormId")] == ["Alta ", " f", "G"]

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("", 1, "f", "g"), "workflow_id"),
            (("alta", 1.0, "f", "g"), "case_number"),
            (("alta", 1, None, "g"), "form_id"),
            (("alta", 1, "f", ""), "next_form_id"),
            (("alta", 1, "f", "g", {"a": True}), "form_data a"),
        ],
        ids=str,
    )
    def test_wrong_input_names_the_argument(self, arguments: Any, named: str) -> None:
        with pytest.raises(InvalidInput, match=named):
            next(API.exec_activity(*arguments))


class TestReading:
    @pytest.mark.parametrize("include", range(5))
    def test_how_much_of_a_case(self, include: int) -> None:
        request, _ = ask(API.load_case("alta", 1, include=include), data({}))
        assert request.json["include"] == include

    @pytest.mark.parametrize("include", [-1, 5, "2", None], ids=repr)
    def test_wrong_include(self, include: Any) -> None:
        with pytest.raises(InvalidInput, match="include"):
            next(API.load_case("alta", 1, include=include))

    @pytest.mark.parametrize("payload", [None, [], "case", 4], ids=repr)
    def test_no_case_in_the_answer(self, payload: Any) -> None:
        assert isinstance(ask(API.load_case("alta", 1), data(payload))[1], UnreadableAnswer)

    @pytest.mark.parametrize(
        "call",
        [lambda: API.list_cases("alta"), lambda: API.list_master_data("branches")],
        ids=["cases", "rows"],
    )
    @pytest.mark.parametrize(
        ("payload", "rows"),
        [([{"a": 1}], [{"a": 1}]), ({"a": 1}, [{"a": 1}]), ([], []), (None, []), ([{"a": 1}, 7], [{"a": 1}])],
        ids=str,
    )
    def test_rows(self, call: Callable[[], Operation[Any]], payload: Any, rows: Any) -> None:
        assert ask(call(), data(payload))[1] == Page(tuple(rows))

    def test_filter_may_be_left_out_of_a_listing(self) -> None:
        assert ask(API.list_cases("alta"), data([]))[0].json["filter"] == {}


class TestOthers:
    @pytest.mark.parametrize(("to", "sent"), [("a@x.y,b@x.y", "a@x.y,b@x.y"), (["a@x.y"], "a@x.y")])
    def test_recipients(self, to: Any, sent: str) -> None:
        assert ask(API.send_notification("t", to=to), done())[0].json["params"] == {"to": sent}

    @pytest.mark.parametrize("to", ["", [], [""], [None]], ids=repr)
    def test_no_recipient(self, to: Any) -> None:
        with pytest.raises(InvalidInput, match="to must be a non-empty string"):
            next(API.send_notification("t", to=to))

    @pytest.mark.parametrize("where", [{}, None, "{}"], ids=repr)
    def test_a_filter_that_may_match_every_row_is_refused(self, where: Any) -> None:
        for call in (
            API.upsert_master_data("branches", where=where, update=UPDATE),
            API.delete_master_data("branches", where=where),
        ):
            with pytest.raises(InvalidInput, match="where must not be empty"):
                next(call)

    def test_upload_returns_what_it_is_told(self) -> None:
        """Neither the encoding nor the answer is documented; this is our guess."""
        assert ask(API.upload_attachment("a", b"x"), data({"any": 1}))[1] == {"any": 1}
        assert ask(API.upload_attachment("a", b"x"), done())[1] is None

    def test_upload_wants_bytes(self) -> None:
        with pytest.raises(InvalidInput, match="content must be bytes"):
            next(API.upload_attachment("a", "text"))  # type: ignore[arg-type]


class TestProbe:
    @pytest.mark.parametrize("code", [3, 4])
    def test_an_unknown_case_proves_the_token_good(self, code: int) -> None:
        request, found = ask(API.probe(), refused(code))
        assert found == "BlizWork accepted the token and the user a@x.y"
        assert request.repeatable

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (refused(1), AuthenticationFailed),
            (refused(2), PermissionDenied),
            (refused(11), PermissionDenied),
            (refused(100), Rejected),
            (said(404, error="no such page"), NotFound),
        ],
        ids=["1", "2", "11", "100", "HTTP 404"],
    )
    def test_anything_else_does_not(self, answer: Any, kind: type[Exception]) -> None:
        assert type(ask(API.probe(), answer)[1]) is kind
