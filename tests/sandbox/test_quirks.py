"""Facts of the vendor that no recorded pair shows, or not in all their forms."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import TITLE, OMFlowClient

VENDOR = "omflow-1.1"


def condition(column: str, operator: str, value: Any) -> dict[str, Any]:
    return {"column": column, "condition": operator, "value": value}


@pytest.fixture
def three(old: OMFlowClient) -> OMFlowClient:
    """Three open orders of ``two-step``, with run keys alpha, beta and Gamma."""
    for key in ("alpha", "beta", "Gamma"):
        old.open("two-step", TITLE, {"id": "FORMITM_2", "type": "inputbox", "value": key})
    return old


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ([condition("data_no", "=", 2)], [2]),
        ([condition("data_no", "=", "2")], [2]),
        ([condition("data_no", "!=", 2)], [2]),
        ([condition("data_no", "<>", 2)], [2]),
        ([condition("data_no", ">", 1)], [2, 3]),
        ([condition("data_no", "<", 3)], [1, 2]),
        ([condition("data_no", "in", [1, 3])], [1, 3]),
        ([condition("formitm_2", "=", "beta")], [2]),
        ([condition("formitm_2", "contains", "A")], [1, 2, 3]),
        ([condition("formitm_2", "contains", "gam")], [3]),
        ([condition("running", "=", True), condition("data_no", ">", 2)], [3]),
        ([{"column": "data_no", "value": 1}], [1, 2, 3]),
        ([condition("data_no", ">", 1), {}, condition("data_no", "=", 3)], [2, 3]),
    ],
)
def test_list_conditions(three: OMFlowClient, conditions: list[Any], numbers: list[int]) -> None:
    rows = three.rows("two-step", "data_no", search_conditions=conditions)
    assert [row["data_no"] for row in rows] == numbers


def test_exclusions_are_joined_before_they_exclude(three: OMFlowClient) -> None:
    excluded = [condition("data_no", ">", 1), condition("formitm_2", "=", "beta")]
    assert three.rows("two-step", "data_no", exclude_conditions=excluded) == [{"data_no": 1}, {"data_no": 3}]


@pytest.mark.parametrize(
    ("request_", "ids"),
    [
        ({"order_columns": ["-id"]}, [3, 2, 1]),
        ({"order_columns": ["-running", "-data_no"], "limit": 2}, [3, 2]),
        ({"start": 1, "limit": 2}, [2]),
        ({"start": 2, "limit": 1}, []),
        ({"start": "1", "limit": "3"}, [2, 3]),
    ],
)
def test_list_order_and_slice(three: OMFlowClient, request_: dict[str, Any], ids: list[int]) -> None:
    assert [row["id"] for row in three.rows("two-step", "id", **request_)] == ids


@pytest.mark.parametrize(
    "request_", [{"limit": -1}, {"limit": "many"}, {"limit": None}, {"order_columns": ["x"]}]
)
def test_list_requests_that_fail(three: OMFlowClient, request_: dict[str, Any]) -> None:
    assert three.list("two-step", **request_)["status"] == 404


def test_a_list_ends_after_100_rows_unless_told_otherwise(old: OMFlowClient) -> None:
    for _ in range(101):
        old.open("simple")
    assert len(old.rows("simple", "id")) == 100
    assert len(old.rows("simple", "id", limit=1000)) > 100


def test_rights(server: SandboxServer, old: OMFlowClient, control: Control) -> None:
    old.open("simple")
    control.advance(60)
    viewer = OMFlowClient(server.omflow_url("1.1"), user="viewer", password="viewer")
    assert viewer.open("simple")["status"] == 403
    assert viewer.push("simple", 2)["status"] == 403
    assert viewer.edit("simple", action="delete", data_no="1")["status"] == 403
    assert viewer.list("simple")["status"] == 200
    viewer.close()


def test_rights_may_differ_by_process(server: SandboxServer, control: Control) -> None:
    control.add_user(VENDOR, "someone", "secret", rights={"simple": ["add"]})
    someone = OMFlowClient(server.omflow_url("1.1"), user="someone", password="secret")
    assert someone.open("simple")["status"] == 200
    assert someone.open("two-step")["status"] == 403
    someone.close()


def test_the_assignee_may_push_without_the_right(server: SandboxServer, control: Control) -> None:
    control.add_user(VENDOR, "owner", "secret", rights=["add"])
    owner = OMFlowClient(server.omflow_url("1.1"), user="owner", password="secret")
    group = {"id": "FORMITM_2", "type": "h_group", "value": {"group": "", "user": "owner"}}
    owner.open("simple", TITLE, group)
    owner.open("simple")
    control.advance(60)
    assert owner.push("simple", 3)["status"] == 200
    assert owner.push("simple", 4)["status"] == 403
    owner.close()


def test_a_restart_voids_codes_and_a_login_mends_it(old: OMFlowClient, control: Control) -> None:
    old.open("simple")
    first = old.code
    control.restart(VENDOR)
    assert old.open("simple")["status"] == 403
    old.login()
    assert old.code != first
    assert control.issued(VENDOR) == [first, old.code]
    assert old.open("simple")["status"] == 200


def test_each_request_keeps_a_code_alive(old: OMFlowClient, control: Control) -> None:
    old.login()
    for _ in range(3):
        control.advance(299)
        assert old.query("simple", 1) == []
    control.advance(301)
    assert old.list("simple")["status"] == 403


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("Basic ab", "Incorrect padding"),
        ("Basic bm9jb2xvbg==", "not enough values to unpack"),
        ("Bearer abc", "OmUser matching query does not exist."),
    ],
)
def test_odd_logins(server: SandboxServer, authorization: str, message: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        url = f"{server.omflow_url('1.1')}/accounts/api/security/get/"
        answer = session.get(url, headers={"Authorization": authorization}, timeout=5).json()
    assert answer["status"] == 500
    assert message in answer["message"]


@pytest.mark.parametrize("path", ["/", "/flowmanage/api/omdata/edit/simple"])
def test_outside_of_rest_there_is_only_html(server: SandboxServer, path: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(server.omflow_url("1.1") + path, json={}, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")


def test_the_start_page_leads_elsewhere_and_unknown_pages_are_not_found(server: SandboxServer) -> None:
    with requests.Session() as session:
        session.trust_env = False
        address = server.omflow_url("1.1")
        assert session.get(f"{address}/", timeout=5, allow_redirects=False).status_code == 302
        assert session.get(f"{address}/nope/", timeout=5).status_code == 404
        assert session.post(f"{address}/rest/", json={}, timeout=5).status_code == 404


def test_values_of_a_wrong_type_run_into_exceptions_of_the_server(old: OMFlowClient) -> None:
    assert old.edit("simple", action="create", formdata=5)["status"] == 500
    assert old.edit("simple", action="create", formdata="[")["status"] == 500
    assert old.edit("simple", action=["create"], formdata=[])["status"] == 404
    assert old.edit("simple", action="create", formdata=None)["status"] == 404
    assert old.edit("simple", action="delete", data_no=["x"])["status"] == 404


@pytest.mark.parametrize(("value", "status"), [("1", 200), ("no flag", 200)])
def test_an_item_reaches_columns_that_are_no_fields(
    old: OMFlowClient, control: Control, value: str, status: int
) -> None:
    answer = old.open("simple", TITLE, {"id": "closed", "type": "x", "value": value})
    assert answer["status"] == status
    assert (answer["result"] is None) == (value == "no flag")


def test_a_push_with_an_unknown_field_changes_nothing(old: OMFlowClient, control: Control) -> None:
    old.open("simple")
    control.advance(60)
    known = {"id": "FORMITM_2", "type": "inputbox", "value": "new"}
    unknown = {"id": "FORMITM_77", "type": "inputbox", "value": "x"}
    assert "no field named" in old.push("simple", 2, TITLE, known, unknown)["message"]
    assert old.rows("simple", "formitm_2", "running") == [{"formitm_2": "", "running": False}] * 2
    assert old.push("simple", 2, TITLE, {"id": "stop_uuid", "type": "x", "value": "nowhere"})["status"] == 200


def test_quick_actions(old: OMFlowClient, control: Control) -> None:
    for _ in range(2):
        old.open("purchase")
    control.advance(60)
    old.edit("purchase", action="update", data_id=3, quick_action="action2")
    old.edit("purchase", action="update", data_id=4, quick_action="no such")
    given = [record["fields"].get("FORMITM_6") for record in control.records(VENDOR)]
    assert given == ["refused", None]
    assert control.effects(VENDOR)["pushed"] == 2


def test_load_shows_the_form_with_its_values(old: OMFlowClient) -> None:
    old.open("simple")
    uuid = old.rows("simple", "flow_uuid")[0]["flow_uuid"].replace("-", "")
    loaded = old.call("flowmanage/api/omdata/load/", flow_uuid=uuid, data_id=1)["result"]
    assert loaded["closed"] is False
    assert loaded["formdata"][0] == {"id": "FORMITM_1", "type": "h_title", "value": "a title"}
    assert loaded["formdata"][2] == {"id": "FORMITM_3", "type": "checkbox", "value": []}
    assert [item["type"] for item in loaded["formobject"]["items"]][:3] == ["box12", "h_title", "inputbox"]
    assert old.call("flowmanage/api/omdata/load/", flow_uuid=uuid, data_id=9)["status"] == 403


def test_samples_show_ids_and_types_to_a_designer(server: SandboxServer, old: OMFlowClient) -> None:
    asked = {"app_name": "sandbox", "flow_name": "simple"}
    path = "flowmanage/api/flow-active-api-format/get/"
    create = old.call(path, **asked, action="create")["result"]["input"]
    assert create["formdata"][0] == {"id": "FORMITM_1", "type": "h_title", "value": "<Title>"}
    assert "data_id" in old.call(path, **asked, action="update")["result"]["input"]
    assert "data_no" in old.call(path, **asked, action="query")["result"]["input"]
    viewer = OMFlowClient(server.omflow_url("1.1"), user="viewer", password="viewer")
    assert viewer.call(path, **asked, action="create")["status"] == 403
    viewer.close()


def test_deleting_takes_text_or_a_list(old: OMFlowClient, control: Control) -> None:
    for _ in range(3):
        old.open("simple")
    assert old.edit("simple", action="delete", data_no=1)["status"] == 404
    assert old.edit("simple", action="delete", data_no="1")["status"] == 200
    assert old.edit("simple", action="delete", data_no=[2, "3", 99])["status"] == 200
    assert control.effects(VENDOR)["deleted"] == 3
    assert old.open("simple")["result"] == 4


@pytest.mark.parametrize(
    ("value", "status"), [("12", 200), ("12ab", 200), ("12\n", 200), ("ab12", 404), ("", 404), (7, 404)]
)
def test_patterns(either: OMFlowClient, value: Any, status: int) -> None:
    """From the start only, and a blank is refused even in an optional field; a field left out is not."""
    digits = {"id": "FORMITM_4", "type": "inputbox", "value": value}
    assert int(either.open("simple", TITLE, digits)["status"]) == status
    assert int(either.open("simple", TITLE)["status"]) == 200


def test_a_blank_among_two_items_of_one_id_is_refused(old: OMFlowClient) -> None:
    blank = {"id": "FORMITM_1", "type": "inputbox", "value": ""}
    assert old.open("simple", blank, TITLE)["status"] == 404


def test_a_blank_start_input_is_refused(old: OMFlowClient) -> None:
    answer = old.edit("formless", action="create", start_input={"who": ""})
    assert (answer["status"], answer["message"]) == (404, "開單失敗：缺少必填變數：who")  # noqa: RUF001
