"""What 1.2 says differently from the recorded 1.1, by the vendor's manual."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import TITLE, OMFlowClient


def test_statuses_and_numbers_are_text(new: OMFlowClient, control: Control) -> None:
    assert new.login()["status"] == "200"
    assert new.open("simple") == {"status": "200", "message": "開單成功。", "result": "1"}
    control.advance(60)
    assert new.query("simple", "1") == [{"data_id": 2, "stop_chart_text": "Approve"}]
    assert new.rows("simple", "data_no", "id") == [{"data_no": "1", "id": 1}, {"data_no": "1", "id": 2}]


def test_a_push_tells_nothing(new: OMFlowClient, old: OMFlowClient, control: Control) -> None:
    for client, result in ((new, ""), (old, 1)):
        client.open("simple")
        control.advance(60)
        assert client.push("simple", 2)["result"] == result


def test_a_failure_has_no_result(new: OMFlowClient, old: OMFlowClient) -> None:
    assert new.open("nowhere").keys() == {"status", "message"}
    assert old.open("nowhere").keys() == {"status", "message", "result"}


def test_the_type_of_an_item_may_be_missing(new: OMFlowClient, old: OMFlowClient, control: Control) -> None:
    item = {"id": "FORMITM_1", "value": "untyped"}
    assert old.open("simple", item)["message"] == "'type'"
    assert new.open("simple", item)["result"] == "1"
    assert new.rows("simple", "title", limit=1) == [{"title": "untyped"}]


def test_limit_0_is_everything(new: OMFlowClient, old: OMFlowClient) -> None:
    for client, rows in ((new, 1), (old, 0)):
        client.open("simple")
        assert len(client.rows("simple", "id", limit=0)) == rows


def test_only_1_2_tells_its_version(new: OMFlowClient, old: OMFlowClient) -> None:
    assert new.call("app/server-version/get/")["result"] == "1.2"
    assert old.call("app/server-version/get/")["status"] == 403


def test_work_log_names_the_process_otherwise(new: OMFlowClient, control: Control) -> None:
    new.open("simple")
    named: dict[str, Any] = {"api_path": "simple", "data_no": 1, "data_id": 1}
    created = new.call("flowmanage/api/omdata-worklog/create/", content="note", **named)
    assert created["status"] == "200"
    (entry,) = new.call("flowmanage/api/omdata-worklog/list/", **named)["result"]
    assert (entry["content"], entry["create_user_id__nick_name"]) == ("note", "airflow")
    assert new.call("flowmanage/api/omdata-worklog/list/", data_no=1)["status"] == "404"


@pytest.mark.parametrize(("version", "status"), [("1.2", "404"), ("1.1", 403)])
def test_a_bad_password(server: SandboxServer, version: str, status: object) -> None:
    client = OMFlowClient(server.omflow_url(version), password="wrong")
    assert client.login()["status"] == status
    client.close()


def test_multipart_open_with_files_and_a_file_of_a_field(new: OMFlowClient, control: Control) -> None:
    files = [
        ("files", ("a.txt", b"first")),
        ("files", ("b.txt", b"second")),
        ("FORMITM_5", ("quotation.pdf", b"third")),
    ]
    fields = {
        "action": "create",
        "formdata": '[{"id": "FORMITM_1", "value": "with files"}]',
        "files_item": '["FORMITM_5"]',
    }
    answer = new.send_form("flowmanage/api/omdata/edit/purchase", fields, files)
    assert answer["result"] == "1"
    (record,) = control.records("omflow-1.2")
    assert [(file["name"], file["field"]) for file in record["files"]] == [
        ("a.txt", "files"),
        ("b.txt", "files"),
        ("quotation.pdf", "FORMITM_5"),
    ]
    assert record["fields"]["FORMITM_5"] == "quotation.pdf"
    assert control.effects("omflow-1.2")["uploaded"] == 3


def test_a_file_that_files_item_does_not_name_is_dropped(new: OMFlowClient, control: Control) -> None:
    fields = {"action": "create", "formdata": '[{"id": "FORMITM_1", "value": "x"}]'}
    new.send_form("flowmanage/api/omdata/edit/purchase", fields, [("FORMITM_5", ("q.pdf", b"third"))])
    (record,) = control.records("omflow-1.2")
    assert record["files"] == []


def test_multipart_push_fails_in_both(either: OMFlowClient, control: Control) -> None:
    either.open("simple")
    control.advance(60)
    fields = {"action": "update", "data_id": "2", "formdata": '[{"id": "FORMITM_1", "value": "x"}]'}
    answer = either.send_form("flowmanage/api/omdata/edit/simple", fields, [("files", ("p.txt", b"p"))])
    assert int(answer["status"]) in (404, 500)
    assert control.effects(either.url.rpartition("/")[2])["pushed"] == 0


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("en", "Create data successfully."),
        ("de, en;q=0.5", "Create data successfully."),
        ("zh-CN", "开单成功。"),
        ("ja", "開單成功。"),
        ("*;q=x", "開單成功。"),
    ],
)
def test_messages_follow_the_language(new: OMFlowClient, header: str, message: str) -> None:
    answer = new.call("flowmanage/api/omdata/edit/simple", language=header, action="create", formdata=[TITLE])
    assert answer["message"] == message


def test_a_cookie_is_set_that_nobody_needs(server: SandboxServer) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{server.omflow_url()}/accounts/api/security/get/", timeout=5)
    assert "csrftoken" in answer.cookies
