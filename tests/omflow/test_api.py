"""OMFlow's operations, driven by hand: what is sent, and what becomes of each answer."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.message import Part, Reply
from airflow_provider_workflows.core.protocol.operation import Page
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import STATE_COLUMNS, Stop
from airflow_provider_workflows.omflow.api.reading import PAGE
from tests.omflow.driving import Driven, ok, refused

EDIT = "/rest/flowmanage/api/omdata/edit/purchase"
CODE = {"security": "code-1", "omflow_restapi": 1}


@pytest.fixture
def api() -> OMFlowApi:
    return OMFlowApi(login="robot", password="hunter2-secret")


def row(data_id: int, data_no: Any = 7, **more: Any) -> dict[str, Any]:
    return {"id": data_id, "data_no": data_no, "flow_uuid": "0f-1e-2d", **more}


def file(name: str, size: int = 3, field: str = "files") -> Part:
    return Part(name=field, filename=name, open=lambda: BytesIO(b"abc"), size=size)


class TestSecurityCode:
    def test_request(self, api: OMFlowApi) -> None:
        driven = Driven(api.security_code(), [ok({"security": "uuid"})])
        (request,) = driven.requests
        assert driven.result == "uuid"
        assert (request.method, request.path) == ("GET", "/accounts/api/security/get/")
        basic = base64.b64encode(b"robot:hunter2-secret").decode()
        assert request.headers == {"Authorization": f"Basic {basic}"}
        assert request.repeatable
        assert request.confidential
        assert set(request.secrets) == {"hunter2-secret", basic}

    def test_status_as_text(self, api: OMFlowApi) -> None:
        assert Driven(api.security_code(), [ok({"security": "uuid"}, status="200")]).result == "uuid"

    @pytest.mark.parametrize("status", [401, 403, 404, "404"])
    def test_refused(self, api: OMFlowApi, status: Any) -> None:
        with pytest.raises(exceptions.AuthenticationFailed, match="'robot'"):
            Driven(api.security_code(), [refused(status)])

    @pytest.mark.parametrize(
        "message",
        [
            "OmUser matching query does not exist.",
            "local variable 'username_db' referenced before assignment",
            "too many values to unpack (expected 2)",
        ],
    )
    def test_refused_by_exception_text(self, api: OMFlowApi, message: str) -> None:
        with pytest.raises(exceptions.AuthenticationFailed, match="colon"):
            Driven(api.security_code(), [refused(500, message)])

    def test_any_other_failure_is_the_servers(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.ServiceUnavailable):
            Driven(api.security_code(), [refused(500, "database is locked")])

    @pytest.mark.parametrize(
        "result", [None, {}, {"security": None}, {"security": ""}, "uuid", [1]], ids=repr
    )
    def test_success_without_a_code(self, api: OMFlowApi, result: Any) -> None:
        with pytest.raises(exceptions.UnreadableAnswer):
            Driven(api.security_code(), [ok(result)])


class TestOpen:
    def test_request(self, api: OMFlowApi) -> None:
        driven = Driven(api.open_order("purchase", {"FORMITM_1": "x"}), [ok(7)])
        (request,) = driven.requests
        items = [{"id": "FORMITM_1", "value": "x"}]
        assert (request.method, request.path) == ("POST", EDIT)
        assert request.json == {**CODE, "action": "create", "formdata": items}
        assert not request.repeatable, "OMFlow makes a second order of the same call"

    @pytest.mark.parametrize(
        ("form", "start_input", "body"),
        [
            (None, None, {"formdata": []}),
            (None, {"who": 1}, {"start_input": {"who": 1}}),
            ({}, {"who": 1}, {"formdata": [], "start_input": {"who": 1}}),
        ],
        ids=["neither", "start input", "both"],
    )
    def test_form_and_start_input(self, api: OMFlowApi, form: Any, start_input: Any, body: Any) -> None:
        driven = Driven(api.open_order("purchase", form, start_input=start_input), [ok(7)])
        assert driven.bodies == [{**CODE, "action": "create", **body}]

    @pytest.mark.parametrize(("result", "number"), [(7, 7), ("7", "7"), (None, None), ("", None)], ids=repr)
    def test_number_is_told_or_not(self, api: OMFlowApi, result: Any, number: Any) -> None:
        assert Driven(api.open_order("purchase", {}), [ok(result)]).result == number

    @pytest.mark.parametrize("result", [{}, [], True, 1.5, {"data_no": 7}], ids=repr)
    def test_what_is_no_number_leaves_the_outcome_unknown(self, api: OMFlowApi, result: Any) -> None:
        with pytest.raises(exceptions.OutcomeUnknown, match="no order number"):
            Driven(api.open_order("purchase", {}), [ok(result)])

    def test_result_may_be_absent(self, api: OMFlowApi) -> None:
        absent = Reply(status=200, body=b'{"status": "200", "message": "ok"}')
        assert Driven(api.open_order("purchase", {}), [absent]).result is None

    def test_files_make_it_multipart(self, api: OMFlowApi) -> None:
        files = [file("a.txt"), file("b.txt", field="FORMITM_5")]
        (request,) = Driven(api.open_order("purchase", {"FORMITM_1": "x"}, files=files), [ok(7)]).requests
        assert {part.name for part in request.parts} >= {"files", "files_item", "FORMITM_5", "formdata"}

    @pytest.mark.parametrize("form", [{"closed": "1"}, [{"id": "title", "value": "x"}]])
    def test_nothing_is_yielded_for_wrong_ids(self, api: OMFlowApi, form: Any) -> None:
        with pytest.raises(exceptions.InvalidInput):
            next(api.open_order("purchase", form))


class TestPush:
    def test_request(self, api: OMFlowApi) -> None:
        (request,) = Driven(api.push_order("purchase", 3, form_data={"FORMITM_1": "x"}), [ok(7)]).requests
        items = [{"id": "FORMITM_1", "value": "x"}]
        assert request.json == {**CODE, "action": "update", "data_id": 3, "formdata": items}
        assert not request.repeatable

    def test_quick_action_takes_the_forms_place(self, api: OMFlowApi) -> None:
        driven = Driven(api.push_order("purchase", "3", quick_action="action1"), [ok("")])
        assert driven.bodies == [{**CODE, "action": "update", "data_id": "3", "quick_action": "action1"}]

    @pytest.mark.parametrize("result", [7, "7", "", None])
    def test_any_result_is_success(self, api: OMFlowApi, result: Any) -> None:
        assert Driven(api.push_order("purchase", 3), [ok(result)]).result is None

    def test_already_pushed(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.Rejected, match="does not exist"):
            Driven(api.push_order("purchase", 3), [refused(404, "Omdata_x matching query does not exist.")])

    def test_failure_inside_is_a_doubt(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.OutcomeUnknown):
            Driven(api.push_order("purchase", 3), [refused(500, "database is locked")])


class TestDelete:
    @pytest.mark.parametrize("data_no", [7, "7"])
    def test_number_goes_as_a_list(self, api: OMFlowApi, data_no: Any) -> None:
        # Recorded: a bare number is refused.
        (request,) = Driven(api.delete_order("purchase", data_no), [ok("")]).requests
        assert request.json == {**CODE, "action": "delete", "data_no": [data_no]}
        assert request.repeatable


class TestQuery:
    @pytest.mark.parametrize(
        ("result", "stops"),
        [
            ([{"data_id": 2, "stop_chart_text": "A"}], [Stop(2, "A")]),
            ({"data_id": 2, "stop_chart_text": "A"}, [Stop(2, "A")]),
            ([{"data_id": "2", "stop_chart_text": "A"}], [Stop(2, "A")]),
            (
                [{"data_id": 2, "stop_chart_text": "A"}, {"data_id": 4, "stop_chart_text": "B"}],
                [Stop(2, "A"), Stop(4, "B")],
            ),
            ([], []),
            (None, []),
            ("", []),
        ],
        ids=repr,
    )
    def test_always_a_list(self, api: OMFlowApi, result: Any, stops: Any) -> None:
        assert Driven(api.query("purchase", 7), [ok(result)]).result == stops

    def test_request(self, api: OMFlowApi) -> None:
        (request,) = Driven(api.query("a b", "7"), [ok([])]).requests
        assert request.path == "/rest/flowmanage/api/omdata-data-id/get/a%20b"
        assert request.json == {**CODE, "data_no": "7"}
        assert request.repeatable

    def test_unknown_process(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.NotFound, match="'purchase'"):
            Driven(api.query("purchase", 7), [refused(404)])


class TestList:
    def test_request_has_an_end_index_and_no_count(self, api: OMFlowApi) -> None:
        operation = api.list_rows(
            "purchase",
            columns=["id"],
            where={"data_no": 7},
            exclude={"closed": True},
            order_by=["-id"],
            start=10,
            size=5,
        )
        assert Driven(operation, [ok([])]).bodies == [
            {
                **CODE,
                "search_columns": ["id"],
                "search_conditions": [{"column": "data_no", "condition": "=", "value": 7}],
                "exclude_conditions": [{"column": "closed", "condition": "=", "value": True}],
                "order_columns": ["-id"],
                "start": 10,
                "limit": 15,
            }
        ]

    @pytest.mark.parametrize(("rows", "following"), [(5, 15), (4, None), (0, None)])
    def test_page(self, api: OMFlowApi, rows: int, following: Any) -> None:
        listed = [row(number) for number in range(rows)]
        page = Driven(api.list_rows("purchase", start=10, size=5), [ok(listed)]).result
        assert (page.items, page.next) == (tuple(listed), following)

    @pytest.mark.parametrize(("start", "size"), [(-1, 5), (0, 0), (0, -1)])
    def test_no_page_at_all(self, api: OMFlowApi, start: int, size: int) -> None:
        with pytest.raises(exceptions.InvalidInput):
            next(api.list_rows("purchase", start=start, size=size))

    def test_unknown_column_is_told(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.NotFound, match="Choices are: id, data_no"):
            Driven(api.list_rows("purchase"), [refused(404, "Cannot resolve; Choices are: id, data_no")])


class TestOrderState:
    def test_asks_for_few_columns_and_the_ones_wanted(self, api: OMFlowApi) -> None:
        driven = Driven(api.order_state("purchase", 7, columns=["formitm_1"]), [ok([row(1)])])
        (body,) = driven.bodies
        assert body["search_columns"] == [*STATE_COLUMNS, "formitm_1"]
        assert body["search_conditions"] == [{"column": "data_no", "condition": "=", "value": 7}]
        assert "data_param" not in body["search_columns"]

    @pytest.mark.parametrize("data_no", [7, "7"])
    def test_rows_of_other_orders_are_dropped(self, api: OMFlowApi, data_no: Any) -> None:
        # Recorded: a condition that the server does not understand is no condition.
        listed = [row(1), row(2, 8), row(3, "7"), row(4, None), {"id": 5}]
        order = Driven(api.order_state("purchase", data_no), [ok(listed)]).result
        assert [one["id"] for one in order.rows] == [1, 3]

    def test_pages(self, api: OMFlowApi) -> None:
        first = [row(number) for number in range(PAGE)]
        driven = Driven(api.order_state("purchase", 7), [ok(first), ok([row(PAGE)])])
        assert len(driven.result.rows) == PAGE + 1
        assert [(body["start"], body["limit"]) for body in driven.bodies] == [(0, PAGE), (PAGE, 2 * PAGE)]


class TestFindOrder:
    def found(self, *values: tuple[Any, Any]) -> Reply:
        return ok([row(n, data_no, formitm_3=value) for n, (data_no, value) in enumerate(values)])

    def test_request(self, api: OMFlowApi) -> None:
        driven = Driven(
            api.find_order("purchase", "FORMITM_3", "af-1"), [self.found((7, "af-1"), (7, "af-1"))]
        )
        assert driven.result == 7
        (body,) = driven.bodies
        assert body["search_columns"] == ["id", "data_no", "formitm_3"]
        assert body["search_conditions"] == [{"column": "formitm_3", "condition": "=", "value": "af-1"}]

    def test_rows_without_the_value_are_no_find(self, api: OMFlowApi) -> None:
        others = self.found((8, "af-2"), (9, None), (10, "AF-1"), (11, "af-1 "))
        assert Driven(api.find_order("purchase", "FORMITM_3", "af-1"), [others]).result is None

    def test_a_condition_that_is_dropped_hides_no_order(self, api: OMFlowApi) -> None:
        """The server then lists all rows; ours may be on any page."""
        others = self.found(*((number, f"af-{number}") for number in range(2, PAGE + 2)))
        driven = Driven(
            api.find_order("purchase", "FORMITM_3", "af-1"), [others, self.found((PAGE + 2, "af-1"))]
        )
        assert driven.result == PAGE + 2
        assert [body["start"] for body in driven.bodies] == [0, PAGE]

    def test_rows_that_do_not_show_the_field_prove_nothing(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.NotFound, match="rows of purchase have no field FORMITM_3"):
            Driven(api.find_order("purchase", "FORMITM_3", "af-1"), [ok([row(3)])])

    def test_several_orders_are_a_doubt(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.OutcomeUnknown, match="7, 8"):
            Driven(api.find_order("purchase", "FORMITM_3", "af-1"), [self.found((7, "af-1"), (8, "af-1"))])

    def test_patience(self, api: OMFlowApi) -> None:
        answers = [self.found(), self.found(), self.found((7, "af-1"))]
        driven = Driven(api.find_order("purchase", "FORMITM_3", "af-1", patience=10), answers)
        assert driven.result == 7
        assert len(driven.slept) == 2

    def test_patience_ends(self, api: OMFlowApi) -> None:
        driven = Driven(api.find_order("purchase", "FORMITM_3", "x", patience=4), [self.found()] * 3)
        assert driven.result is None
        assert sum(driven.slept) == 4

    def test_only_form_fields(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.InvalidInput):
            next(api.find_order("purchase", "title", "x"))


class TestFiles:
    PLACE: ClassVar[dict[str, Any]] = {"flow_uuid": "0f1e2d", "data_no": 7, "data_id": 3}

    def test_upload_goes_under_the_newest_row_and_is_confirmed(self, api: OMFlowApi) -> None:
        listed = [{"file_name": "a.txt", "size": 3}]
        driven = Driven(
            api.upload_files("purchase", 7, [file("a.txt")]), [ok([row(3), row(1)]), ok(), ok(listed)]
        )
        assert driven.result == listed
        _, upload, confirm = driven.requests
        texts = {part.name: part.value for part in upload.parts if part.value is not None}
        assert {name: texts[name] for name in self.PLACE} == {k: str(v) for k, v in self.PLACE.items()}
        assert upload.repeatable, "a file of the same name is replaced"
        assert confirm.json == {**CODE, **self.PLACE}

    @pytest.mark.parametrize(
        "listed",
        [[], [{"file_name": "a.txt", "size": 2}], [{"file_name": "b.txt", "size": 3}], None],
        ids=repr,
    )
    def test_a_yes_that_is_not_confirmed_is_a_no(self, api: OMFlowApi, listed: Any) -> None:
        with pytest.raises(exceptions.Rejected, match=r"a\.txt"):
            Driven(api.upload_files("purchase", 7, [file("a.txt")]), [ok([row(3)]), ok(), ok(listed)])

    def test_unknown_order(self, api: OMFlowApi) -> None:
        with pytest.raises(exceptions.NotFound, match="does not list order 7 of purchase"):
            Driven(api.list_files("purchase", 7), [ok([])])

    def test_list(self, api: OMFlowApi) -> None:
        driven = Driven(api.list_files("purchase", "7"), [ok([row(3)]), ok([{"file_name": "a"}])])
        assert driven.result == Page(({"file_name": "a"},))
        assert driven.bodies[1] == {**CODE, **self.PLACE, "data_no": "7"}


def test_no_request_shows_the_password_or_the_code(api: OMFlowApi) -> None:
    driven = Driven(api.open_order("purchase", {}), [refused(), ok(7)], codes=["code-1", "code-2"])
    login = Driven(api.security_code(), [ok({"security": "uuid"})])
    shown = repr([*driven.steps, *login.steps])
    assert "code-1" not in shown
    assert "hunter2" not in shown
    assert json.dumps(driven.bodies).count("code-2") == 1
