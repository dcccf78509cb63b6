"""MyBPM's double, as stubborn as the vendor's facts say and where they say nothing as its comments do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import chosen
from tests.sandbox.mybpm.client import MyBPMClient

ANYWHERE = "aaaaBBBBcccc0001"
YES = "decisionYes~0001"


def reference(*values: Any, field: str = "BRANCHES", code: str = "CODE", **more: Any) -> dict[str, Any]:
    return {"fieldCode": field, "fieldRefUniqCode": code, "apiValues": list(values), **more}


def record(control: Control) -> dict[str, Any]:
    (only,) = control.records("mybpm")
    return only


class TestTokens:
    def test_either_header_with_an_api_token(self, client: MyBPMClient) -> None:
        for header in ("API-TOKEN", "TOKEN", "token", "api-token", "API_TOKEN"):
            client.headers = {header: "sandbox-api-token"}
            client.good("structure", boCode="NOTE")

    @pytest.mark.parametrize(
        "headers", [{}, {"API-TOKEN": "x"}, {"TOKEN": ""}, {"Authorization": "Bearer x"}]
    )
    def test_none(self, client: MyBPMClient, headers: dict[str, str]) -> None:
        client.headers = headers
        assert client.refused("structure", boCode="NOTE") == "401 no valid token"

    def test_session(self, client: MyBPMClient, control: Control) -> None:
        assert client.log_in()[0] == 200
        client.good("structure", boCode="NOTE")
        client.headers = {"API-TOKEN": client.headers["token"]}
        assert client.refused("structure", boCode="NOTE").startswith("401")

    def test_what_was_issued_is_told_even_when_it_is_void(
        self, client: MyBPMClient, control: Control
    ) -> None:
        client.log_in()
        control.restart("mybpm")
        assert control.issued("mybpm") == [client.headers["token"]]

    @pytest.mark.parametrize("how", ["time", "restart", "revoke"])
    def test_end_of_a_session(self, client: MyBPMClient, control: Control, how: str) -> None:
        client.log_in()
        if how == "time":
            control.advance(1800)
        elif how == "restart":
            control.restart("mybpm")
        else:
            control.command("mybpm", "expire_logins")
        assert client.refused("structure", boCode="NOTE").startswith("401")

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"password": "x"}, 401),
            ({"email": "x"}, 401),
            ({"email": None}, 401),
            ({"timezone": "Asia/Almaty"}, 400),
            ({"timezone": None}, 400),
            ({"timezone": "GMT+9900"}, 400),
            ({"timezone": "GMT+1500"}, 400),
            ({"timezone": "GMT-1300"}, 400),
        ],
        ids=str,
    )
    def test_login_refused(self, client: MyBPMClient, change: Any, status: int) -> None:
        assert client.log_in(**change)[0] == status


class TestRequests:
    def test_everything_is_a_post(self, client: MyBPMClient) -> None:
        answer = requests.get(f"{client.url}/api/v1/boi/load", headers=client.headers, timeout=5)
        assert answer.status_code == 405

    def test_other_paths(self, client: MyBPMClient) -> None:
        answer = requests.post(f"{client.url}/api/v1/boi/delete", json={}, headers=client.headers, timeout=5)
        assert answer.status_code == 404

    @pytest.mark.parametrize("body", [b"", b"no JSON", b"[]"])
    def test_body_that_is_no_object(self, client: MyBPMClient, body: bytes) -> None:
        answer = requests.post(f"{client.url}/api/v1/boi/load", data=body, headers=client.headers, timeout=5)
        assert answer.status_code == 400

    @pytest.mark.parametrize("endpoint", ["upsert", "create", "load", "load_many", "list", "structure"])
    def test_unknown_object(self, client: MyBPMClient, endpoint: str) -> None:
        assert client.refused(endpoint, boCode="NOWHERE").startswith("404 there is no business object")


class TestWriting:
    def test_without_unique_value_every_call_creates(self, client: MyBPMClient, control: Control) -> None:
        first, second = (client.upsert("NOTE", {"TEXT": "a"}) for _ in range(2))
        assert first["boiId"] != second["boiId"]
        client.upsert("CUSTOMER", {"IIN": " "})
        client.upsert("CUSTOMER", {"IIN": " "})
        assert control.effects("mybpm")["created"] == 4

    def test_unique_value_updates(self, client: MyBPMClient, control: Control) -> None:
        first = client.upsert("CUSTOMER", {"IIN": "1"})
        second = client.upsert("CUSTOMER", {"IIN": "1", "NAME": "Asel"})
        assert second["boiId"] == first["boiId"]
        effects = control.effects("mybpm")
        assert (effects["created"], effects["updated"]) == (1, 1)

    def test_touched_is_what_the_caller_has_read(self, client: MyBPMClient) -> None:
        def touched(one: Any) -> bool:
            return bool(one["isTouched"])

        made = client.upsert("CUSTOMER", {"IIN": "1"})
        assert not touched(made)
        assert not touched(client.upsert("CUSTOMER", {"IIN": "1", "NAME": "Asel"}))
        paging = {"offset": 0, "limit": 9}
        assert not touched(client.good("list", boCode="CUSTOMER", paging=paging)["records"][0])
        assert touched(client.good("load", boCode="CUSTOMER", boiId=made["boiId"]))
        assert touched(client.upsert("CUSTOMER", {"IIN": "1", "NAME": "Aigul"}))
        client.log_in()
        assert not touched(client.upsert("CUSTOMER", {"IIN": "1"}))
        assert touched(client.good("load_many", boCode="CUSTOMER", boiIds=[made["boiId"]]))

    def test_unique_value_of_a_removed_instance_is_free(self, client: MyBPMClient, control: Control) -> None:
        first = client.upsert("CUSTOMER", {"IIN": "1"})
        control.command("mybpm", "set_state", bo_code="CUSTOMER", boi_id=first["boiId"], state="REMOVED")
        assert client.upsert("CUSTOMER", {"IIN": "1"})["boiId"] != first["boiId"]

    def test_a_unique_value_that_has_changed_is_free(self, client: MyBPMClient) -> None:
        first = client.upsert("CUSTOMER", {"IIN": "1"})
        client.upsert("CUSTOMER", {"IIN": "2"}, boiId=first["boiId"])
        assert client.upsert("CUSTOMER", {"IIN": "2"})["boiId"] == first["boiId"]
        assert client.upsert("CUSTOMER", {"IIN": "1"})["boiId"] != first["boiId"]

    def test_create_of_a_unique_value_that_is_there(self, client: MyBPMClient) -> None:
        client.good("create", boCode="CUSTOMER", initialFieldValues={"IIN": "1"})
        assert "already" in client.refused("create", boCode="CUSTOMER", initialFieldValues={"IIN": "1"})

    def test_ids_have_16_characters(self, client: MyBPMClient) -> None:
        made = client.upsert("NOTE", {"TEXT": "a"})
        assert len(made["boiId"]) == 16
        assert {"~", "@"} < set(made["boiId"])

    @pytest.mark.parametrize(
        ("code", "value", "reason"),
        [
            ("LIMIT", 7, "must be a string, not int"),
            ("LIMIT", None, "must be a string"),
            ("LIMIT", "1E+2", "is no INPUT_NUMBER"),
            ("SINCE", "2030-01-02T03:04:05Z", "is no FULL_DATE"),
            ("SINCE", "2030-01-02T03:04:05.000+06", "is no FULL_DATE"),
            ("SINCE", "2030-13-02T03:04:05.000Z", "is no FULL_DATE"),
            ("STATUS", "checked", "is no RADIO_BUTTON_GROUP"),
            ("BRANCHES", "N1", "is no REFERENCE"),
            ("NIM", "1", "has no field NIM"),
        ],
    )
    def test_wrong_values_change_nothing(
        self, client: MyBPMClient, control: Control, code: str, value: Any, reason: str
    ) -> None:
        assert reason in client.refused("upsert", boCode="CUSTOMER", fieldValues={"IIN": "1", code: value})
        assert control.records("mybpm") == []

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            (reference("N9"), "there is no BRANCH with CODE 'N9'"),
            (reference("N1", code="NAME"), "BRANCH has no unique field 'NAME'"),
            (reference("N1", field="NAME"), "no reference field 'NAME'"),
            ({"fieldCode": "BRANCHES"}, "needs apiValues"),
        ],
    )
    def test_wrong_references_change_nothing(
        self, client: MyBPMClient, control: Control, entry: Any, reason: str
    ) -> None:
        body: Any = {
            "boCode": "CUSTOMER",
            "fieldValues": {"IIN": "1"},
            "fieldRefAdd": [reference("N1"), entry],
        }
        assert reason in client.refused("upsert", **body)
        assert control.records("mybpm") == []

    def test_links_are_counted_and_added_twice(self, client: MyBPMClient, control: Control) -> None:
        for _ in range(2):
            made = client.upsert("CUSTOMER", {"IIN": "1"}, fieldRefAdd=[reference("N1")])
        page: Any = {"parentBoCode": "CUSTOMER", "parentBoiId": made["boiId"], "parentFieldCode": "BRANCHES"}
        found = client.good("nested", **page, paging={"offset": 0, "limit": 9})["records"]
        assert [one["fieldValues"]["CODE"]["apiValue"] for one in found] == ["N1", "N1"]
        client.upsert("CUSTOMER", {"IIN": "1"}, fieldRefRemove=[reference("N1", "S1")])
        assert client.good("nested", **page, paging={"offset": 0, "limit": 9}) == {"records": []}
        effects = control.effects("mybpm")
        assert (effects["linked"], effects["unlinked"]) == (2, 1)

    @pytest.mark.parametrize(("after", "left"), [(None, "N1"), (False, "N1"), (True, "")])
    def test_remove_after(self, client: MyBPMClient, control: Control, after: Any, left: str) -> None:
        both: Any = {"fieldRefAdd": [reference("N1")], "fieldRefRemove": [reference("N1")]}
        client.upsert("CUSTOMER", {"IIN": "1"}, **both, removeAfter=after)
        assert record(control)["fields"].get("BRANCHES", "") == left

    def test_field_inside_a_co(self, client: MyBPMClient) -> None:
        body: Any = {"boCode": "DEAL", "fieldValues": {"NUM": "1"}}
        assert "sits inside a CO" in client.refused("upsert", **body, fieldRefAdd=[reference("N1")])
        client.good("upsert", **body, fieldRefAdd=[reference("N1", boCode="CUSTOMER")])


class TestReading:
    def test_dates_in_the_users_zone(self, client: MyBPMClient) -> None:
        sent = {"SINCE": "2030-01-02T03:04:05.123Z"}
        for zone, api, display in (
            ("GMT+0600", "2030-01-02T09:04:05.123+06", "2030-01-02 09:04"),
            ("GMT+0530", "2030-01-02T08:34:05.123+0530", "2030-01-02 08:34"),
            ("GMT+0000", "2030-01-02T03:04:05.123Z", "2030-01-02 03:04"),
        ):
            client.log_in(timezone=zone)
            value = client.upsert("CUSTOMER", sent)["fieldValues"]["SINCE"]
            assert value == {"apiValue": api, "displayValue": display, "type": "FULL_DATE"}

    def test_options(self, client: MyBPMClient) -> None:
        value = client.upsert("REQUEST", {"DECISION": YES})["fieldValues"]["DECISION"]
        assert value == {"apiValue": YES, "displayValue": "yes", "type": "RADIO_BUTTON_GROUP"}

    def test_flat(self, client: MyBPMClient, control: Control) -> None:
        control.command("mybpm", "set_dialect", flat=True)
        made = client.upsert("NOTE", {"TEXT": "a"})
        assert (made["fieldValues"], made["isTouched"]) == ({"TEXT": "a"}, "false")

    def test_languages(self, client: MyBPMClient) -> None:
        made = client.upsert("NOTE", {"TEXT": "a"})
        told = client.good("load", boCode="NOTE", boiId=made["boiId"], multiLanguage=True)
        assert told["fieldValuesLang"] == {"TEXT": {"ENG": "a"}}
        assert "fieldValuesLang" not in client.good("load", boCode="NOTE", boiId=made["boiId"])

    def test_load_many_answers_one_with_an_object(self, client: MyBPMClient) -> None:
        ids = [client.upsert("NOTE", {"TEXT": "a"})["boiId"] for _ in range(2)]
        assert [one["boiId"] for one in client.good("load_many", boCode="NOTE", boiIds=ids)] == ids
        assert client.good("load_many", boCode="NOTE", boiIds=[ids[0], ANYWHERE])["boiId"] == ids[0]
        assert client.good("load_many", boCode="NOTE", boiIds=[]) == []
        assert client.refused("load_many", boCode="NOTE", boiIds="x").startswith("400")

    def test_unknown_instance(self, client: MyBPMClient) -> None:
        assert client.refused("load", boCode="NOTE", boiId=ANYWHERE).startswith("404")
        made = client.upsert("NOTE", {"TEXT": "a"})
        assert client.refused("load", boCode="CUSTOMER", boiId=made["boiId"]).startswith("404")

    def test_pages_are_cut_to_the_servers_size(self, client: MyBPMClient) -> None:
        for number in range(52):
            client.upsert("NOTE", {"TEXT": str(number)})
        sizes = [
            len(client.good("list", boCode="NOTE", paging={"offset": offset, "limit": 500})["records"])
            for offset in (0, 50, 52)
        ]
        assert sizes == [50, 2, 0]

    def test_native_filters_count_days(self, client: MyBPMClient, control: Control) -> None:
        def found(**native: Any) -> list[str]:
            bracket = {"id": "a", "connectionType": "AND", "nativeFilters": [{"id": "b", **native}]}
            paging = {"offset": 0, "limit": 9}
            rows = client.good("list", boCode="CUSTOMER", paging=paging, brackets=[bracket])["records"]
            return [row["fieldValues"]["IIN"]["apiValue"] for row in rows]

        def now() -> datetime:
            paging, heads = {"offset": 0, "limit": 1}, ["CREATED_AT"]
            (row,) = client.good("list", boCode="CUSTOMER", paging=paging, headCodes=heads)["records"]
            return datetime.fromisoformat(row["fieldValues"]["CREATED_AT"]["apiValue"]).astimezone(UTC)

        def day(days: int) -> str:
            return (begun + timedelta(days=days)).isoformat(timespec="milliseconds")

        client.upsert("CUSTOMER", {"IIN": "1"})
        begun = now()
        client.upsert("CUSTOMER", {"IIN": "2"})
        control.advance(48 * 3600)
        client.upsert("CUSTOMER", {"IIN": "2", "NAME": "Asel"})
        early, late = {"dateFrom": day(-1), "dateTo": day(1)}, {"dateFrom": day(2), "dateTo": day(3)}
        assert found(type="LAST_MODIFIED_AT", **early) == ["1"]
        assert found(type="LAST_MODIFIED_AT", **late) == ["2"]
        assert found(type="CREATED_AT", **early) == ["1", "2"]
        assert found(type="CREATED_AT", **late) == []

    def test_native_fields_are_shown_as_columns(self, client: MyBPMClient) -> None:
        client.upsert("CUSTOMER", {"IIN": "1"})
        paging, heads = {"offset": 0, "limit": 9}, ["LAST_MODIFIED_AT", "IIN"]
        (row,) = client.good("list", boCode="CUSTOMER", paging=paging, headCodes=heads)["records"]
        shown = row["fieldValues"]["LAST_MODIFIED_AT"]
        assert shown["type"] == "LAST_MODIFIED_AT"
        assert datetime.fromisoformat(shown["apiValue"]).utcoffset() == timedelta(hours=6)
        assert row["fieldValues"]["IIN"]["apiValue"] == "1"

    @pytest.mark.parametrize(
        "options",
        [
            {"paging": None},
            {"paging": {"offset": 0}},
            {"paging": {"offset": -1, "limit": 1}},
            {"orderState": "UP"},
            {"headCodes": ["NIM"]},
            {"colour": "red"},
            {"brackets": [{"id": "a"}]},
            {"brackets": [{"connectionType": "AND", "dynamicFilters": [1], "nativeFilters": [1]}]},
            {
                "brackets": [
                    {"connectionType": "AND", "brackets": [{"connectionType": "OR", "nativeFilters": [1]}]}
                ]
            },
            {"brackets": [{"connectionType": "AND", "nativeFilters": [{"type": "CREATED_BY"}]}]},
            {"brackets": [{"connectionType": "AND", "nativeFilters": [{"type": "CREATED_AT"}]}]},
        ],
        ids=str,
    )
    def test_wrong_options_of_a_listing(self, client: MyBPMClient, options: Any) -> None:
        body = {"boCode": "NOTE", "paging": {"offset": 0, "limit": 1}, **options}
        assert client.refused("list", **body).startswith("400")

    def test_structure_tells_or_is_silent(self, client: MyBPMClient) -> None:
        told = client.good("structure", boCode="CUSTOMER")
        assert (told["boType"], len(told["boId"])) == ("BO", 16)
        fields = {one["code"]: one for one in told["fields"].values()}
        assert (fields["IIN"]["unique"], fields["IIN"]["type"]) == (True, "INPUT_TEXT")
        assert {key: one["id"] for key, one in told["fields"].items()} == {key: key for key in told["fields"]}
        silent = client.good("structure", boCode="SILENT")
        assert {frozenset(one) for one in silent["fields"].values()} == {frozenset({"id", "code", "label"})}


class TestProcess:
    def test_runs_by_itself(self, client: MyBPMClient, control: Control) -> None:
        made = client.upsert("CUSTOMER", {"IIN": "1"})
        assert (record(control)["state"], record(control)["stops"]) == ("running", [])
        control.advance(1)
        assert (record(control)["state"], record(control)["stops"]) == ("running", ["Register"])
        control.advance(3)
        assert (record(control)["state"], record(control)["stops"]) == ("finished", ["Register", "Check"])
        assert record(control)["id"] == f"CUSTOMER/{made['boiId']}"
        assert record(control)["fields"]["STATUS"] == "checked"

    def test_waits_for_a_person(self, client: MyBPMClient, server: SandboxServer, control: Control) -> None:
        made = client.upsert("REQUEST", {"SUBJECT": "Desk"})
        control.advance(60)
        assert (record(control)["state"], record(control)["standing"]) == ("waiting", ["Decide"])
        labels = [action["label"] for action in record(control)["actions"]]
        assert labels == ["Approve", "Refuse", "Archive", "Remove", "Save"]
        address = f"{server.url}/records/mybpm/REQUEST/{made['boiId']}"
        button = chosen(requests.get(address, timeout=5).text, "Refuse")
        requests.post(server.url + button.path, data=button.form, timeout=5)
        assert record(control)["fields"]["DECISION"] == "no"
        control.advance(2)
        assert (record(control)["state"], record(control)["fields"]["state"]) == ("finished", "ARCHIVED")
        pressed = {"bo_code": "REQUEST", "boi_id": made["boiId"], "choice": "Refuse"}
        with pytest.raises(ControlError, match="does not wait for 'Refuse'; it waits for nobody"):
            control.command("mybpm", "choose", **pressed)

    def test_a_person_edits_the_values(
        self, client: MyBPMClient, server: SandboxServer, control: Control
    ) -> None:
        made = client.upsert("CUSTOMER", {"IIN": "7", "NAME": "Ana"})
        control.advance(60)
        address = f"{server.url}/records/mybpm/CUSTOMER/{made['boiId']}"
        button = chosen(requests.get(address, timeout=5).text, "Save")
        assert (button.form["value.NAME"], button.form["value.STATUS"]) == ("Ana", "statusChk@000002")
        wrong = requests.post(address, data={**button.form, "value.LIMIT": "much"}, timeout=5)
        assert (wrong.status_code, "is no INPUT_NUMBER" in wrong.text) == (400, True)
        changed = {**button.form, "value.LIMIT": "900", "value.STATUS": "statusNew~000001"}
        requests.post(address, data=changed, timeout=5)
        one = record(control)
        assert (one["fields"]["LIMIT"], one["fields"]["STATUS"]) == ("900", "new")
        assert one["history"][-1]["what"] == "Changed LIMIT, STATUS"

    @pytest.mark.parametrize("at_once", [True, False], ids=["created so", "updated"])
    def test_an_update_decides_as_a_person_does(
        self, client: MyBPMClient, control: Control, at_once: bool
    ) -> None:
        made = client.upsert("REQUEST", {"DECISION": YES if at_once else ""})
        if not at_once:
            assert record(control)["state"] == "waiting"
            client.upsert("REQUEST", {"DECISION": YES}, boiId=made["boiId"])
        assert (record(control)["state"], record(control)["stops"]) == ("running", ["Decide"])
        control.advance(2)
        assert record(control)["stops"] == ["Decide", "Archive"]

    def test_removed_it_stands_still_and_restored_it_goes_on(
        self, client: MyBPMClient, control: Control
    ) -> None:
        made = client.upsert("CUSTOMER", {"IIN": "1"})
        named = {"bo_code": "CUSTOMER", "boi_id": made["boiId"]}
        control.command("mybpm", "set_state", **named, state="REMOVED")
        control.advance(60)
        assert (record(control)["state"], record(control)["stops"]) == ("finished", [])
        control.command("mybpm", "set_state", **named, state="ALL")
        control.advance(4)
        assert record(control)["stops"] == ["Register", "Check"]

    def test_restart_begins_the_step_anew(self, client: MyBPMClient, control: Control) -> None:
        client.upsert("CUSTOMER", {"IIN": "1"})
        control.advance(3.5)
        control.restart("mybpm")
        control.advance(1)
        assert record(control)["stops"] == ["Register"]
        control.advance(2)
        assert record(control)["stops"] == ["Register", "Check"]

    def test_what_was_there_from_the_beginning_is_no_record(self, control: Control) -> None:
        assert control.records("mybpm") == []

    def test_reset(self, client: MyBPMClient, control: Control) -> None:
        first = client.upsert("CUSTOMER", {"IIN": "1"})
        control.reset()
        assert control.records("mybpm") == []
        assert client.upsert("CUSTOMER", {"IIN": "1"})["boiId"] == first["boiId"]


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "arguments"),
        [
            ("set_state", {"state": "GONE"}),
            ("set_field", {"field": "NIM", "value": "1"}),
            ("set_field", {"field": "LIMIT", "value": "much"}),
            ("choose", {"choice": "Approve"}),
        ],
    )
    def test_what_cannot_be_done(
        self, client: MyBPMClient, control: Control, command: str, arguments: Any
    ) -> None:
        made = client.upsert("CUSTOMER", {"IIN": "1"})
        with pytest.raises(ControlError):
            control.command("mybpm", command, bo_code="CUSTOMER", boi_id=made["boiId"], **arguments)
        with pytest.raises(ControlError):
            control.command("mybpm", command, bo_code="CUSTOMER", boi_id=ANYWHERE, **arguments)

    def test_field_and_users(self, client: MyBPMClient, control: Control) -> None:
        made = client.upsert("NOTE", {"TEXT": "a"})
        control.command("mybpm", "set_field", bo_code="NOTE", boi_id=made["boiId"], field="TEXT", value="b")
        assert record(control)["fields"]["TEXT"] == "b"
        control.command("mybpm", "add_user", email="new@example.com", password="new")
        assert client.log_in(email="new@example.com", password="new")[0] == 200
        control.command("mybpm", "remove_user", email="new@example.com")
        assert client.log_in(email="new@example.com", password="new")[0] == 401
        with pytest.raises(ControlError, match="no user"):
            control.command("mybpm", "remove_user", email="new@example.com")


@pytest.mark.parametrize("effect", [True, False])
def test_generic_faults(client: MyBPMClient, control: Control, effect: bool) -> None:
    fault = control.fault("mybpm", "upsert", "status", status=500, effect=effect)
    answer = requests.post(
        f"{client.url}/api/v1/boi/upsert",
        json={"boCode": "NOTE", "fieldValues": {"TEXT": "a"}},
        headers=client.headers,
        timeout=5,
    )
    assert (answer.status_code, control.hits(fault)) == (500, 1)
    assert control.effects("mybpm")["created"] == int(effect)
