"""MyBPM's operator against the sandbox: what it returns, and what really happened at the vendor."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    NotFound,
    Rejected,
)
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.upserts import BOTH, CUSTOMER, N1, NOTE, UNIQUE, lasting, linked, upserting

ANYWHERE = "aaaaBBBBcccc0001"


class TestUpsert:
    def test_result(self, each_login: MyBPMServer) -> None:
        runner = upserting(**UNIQUE)
        result = runner.run()
        assert set(result) == {"boi_id", "boCode", "state", "isTouched", "fields"}
        assert (result["boCode"], result["state"], result["isTouched"]) == ("CUSTOMER", "ALL", False)
        assert result["fields"] == {
            "IIN": {"apiValue": "900101", "displayValue": "900101", "type": "INPUT_TEXT"},
            "NAME": {"apiValue": "Asel", "displayValue": "Asel", "type": "INPUT_TEXT"},
        }
        assert json.loads(json.dumps(result)) == result
        assert runner.ti.xcoms == {"remote": {"vendor": "MyBPM", "id": f"CUSTOMER/{result['boi_id']}"}}
        assert each_login.effects()["created"] == 1

    def test_old_server_returns_the_same_keys(self, mybpm: MyBPMServer) -> None:
        mybpm.command("set_dialect", flat=True)
        result = upserting(**UNIQUE).run()
        assert result["isTouched"] is False
        assert result["fields"]["NAME"] == {"apiValue": "Asel", "displayValue": None, "type": None}

    def test_only_some_fields_are_returned(self, mybpm: MyBPMServer) -> None:
        assert set(upserting(**UNIQUE, result_fields=["IIN"]).run()["fields"]) == {"IIN"}
        assert upserting(**UNIQUE, result_fields=[]).run()["fields"] == {}

    @pytest.mark.parametrize(
        ("code", "value", "kept"),
        [
            ("NAME", True, "true"),
            ("LIMIT", Decimal("1E+3"), "1000"),
            ("LIMIT", 0.5, "0.5"),
            ("SINCE", datetime(2030, 1, 2, 3, 4, 5, 678999, tzinfo=UTC), "2030-01-02T03:04:05.678Z"),
            ("STATUS", "statusChk@000002", "checked"),
            ("NAME", "", ""),
        ],
        ids=["boolean", "decimal", "float", "date", "option", "empty"],
    )
    def test_values_arrive_as_the_vendor_wants_them(
        self, mybpm: MyBPMServer, code: str, value: Any, kept: str
    ) -> None:
        result = upserting(bo_code="CUSTOMER", field_values={code: value}).run()
        assert mybpm.record(f"CUSTOMER/{result['boi_id']}")["fields"][code] == kept

    def test_update_by_id_leaves_other_fields(self, mybpm: MyBPMServer) -> None:
        made = upserting(**UNIQUE).run()
        result = upserting(bo_code="CUSTOMER", boi_id=made["boi_id"], field_values={"NAME": "Aigul"}).run()
        assert result["boi_id"] == made["boi_id"]
        assert {code: one["apiValue"] for code, one in lasting(result)["fields"].items()} == {
            "IIN": "900101",
            "NAME": "Aigul",
        }
        assert mybpm.effects() == {"created": 1, "updated": 1, "linked": 0, "unlinked": 0}

    def test_unknown_id_is_an_error(self, mybpm: MyBPMServer) -> None:
        with pytest.raises(NotFound):
            upserting(**CUSTOMER, boi_id=ANYWHERE).run()
        assert mybpm.effects()["created"] == 0

    def test_unique_value_updates(self, mybpm: MyBPMServer) -> None:
        assert upserting(**UNIQUE).run()["boi_id"] == upserting(**UNIQUE).run()["boi_id"]
        assert mybpm.effects()["created"] == 1

    def test_references_are_added_and_removed(self, mybpm: MyBPMServer) -> None:
        made = upserting(**UNIQUE, field_ref_add=[BOTH]).run()
        assert linked(mybpm, made["boi_id"]) == "N1, S1"
        by_city = {"fieldCode": "BRANCHES", "fieldRefUniqCode": "CITY", "apiValues": ["North"]}
        upserting(**UNIQUE, field_ref_remove=[by_city]).run()
        assert linked(mybpm, made["boi_id"]) == "S1"

    @pytest.mark.parametrize(("remove_after", "left"), [(False, "N1"), (True, "")])
    def test_order_of_removing_and_adding(self, mybpm: MyBPMServer, remove_after: bool, left: str) -> None:
        # The same branch by two of its unique fields: what is done last counts.
        removed = FieldReference("BRANCHES", "CITY", ["North"])
        how: Any = {"field_ref_add": [N1], "field_ref_remove": [removed], "remove_after": remove_after}
        made = upserting(**UNIQUE, **how).run()
        assert linked(mybpm, made["boi_id"]) == left

    def test_reference_inside_a_co_names_its_object(self, mybpm: MyBPMServer) -> None:
        deal: Any = {"bo_code": "DEAL", "field_values": {"NUM": "1"}}
        with pytest.raises(Rejected, match="CO"):
            upserting(**deal, field_ref_add=[N1]).run()
        upserting(**deal, field_ref_add=[N1._replace(bo_code="CUSTOMER")]).run()
        assert mybpm.effects()["linked"] == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"bo_code": "None"},
            {"boi_id": "None"},
            {"field_values": {"NAME": None}},
            {"field_values": {"SINCE": datetime(2030, 1, 2)}},
            {"field_values": "no JSON"},
            {"field_values": {}},
            {"field_ref_add": [7]},
        ],
        ids=lambda wrong: str(wrong)[:50],
    )
    def test_wrong_input_sends_nothing_and_leaves_no_intent(self, mybpm: MyBPMServer, wrong: Any) -> None:
        runner = upserting(**{**CUSTOMER, **wrong})
        with pytest.raises(InvalidInput):
            runner.run()
        assert (mybpm.requests("login"), mybpm.requests("upsert")) == (0, 0)
        assert runner.store is not None
        assert runner.store.values == {}

    @pytest.mark.parametrize("call", [NOTE, {**UNIQUE, "field_ref_add": [N1]}], ids=["once", "references"])
    @pytest.mark.parametrize(
        ("connection", "kind"),
        [({"extra": {"timeout": "soon"}}, InvalidConnection), ({"password": "wrong"}, AuthenticationFailed)],
        ids=["connection", "login"],
    )
    def test_wrong_connection_leaves_no_intent(
        self, mybpm: MyBPMServer, call: Any, connection: Any, kind: type[Exception]
    ) -> None:
        mybpm.connect(**connection)
        runner = upserting(**call)
        with pytest.raises(kind):
            runner.run()
        assert runner.store is not None
        assert runner.store.values == {}

    def test_refused_values_leave_no_intent(self, mybpm: MyBPMServer) -> None:
        for call in (NOTE, {**UNIQUE, "field_ref_add": [N1]}):
            runner = upserting(**{**call, "field_values": {**call["field_values"], "NIM": "1"}})
            with pytest.raises(Rejected, match="NIM"):
                runner.run()
            assert runner.store is not None
            assert runner.store.values == {}


class TestValidate:
    def test_each_wrong_field_is_named_and_nothing_sent(self, mybpm: MyBPMServer) -> None:
        runner = upserting(
            bo_code="CUSTOMER",
            field_values={"NIM": "1", "LIMIT": "much", "SINCE": "soon", "STATUS": "checked"},
            field_ref_add=[FieldReference("BRANCH", "CODE", ["N1"])],
            validate=True,
        )
        with pytest.raises(InvalidInput) as caught:
            runner.run()
        for code in ("NIM", "LIMIT", "SINCE", "STATUS", "BRANCH"):
            assert f" {code}:" in str(caught.value)
        assert mybpm.requests("upsert") == 0

    def test_what_fits_is_sent(self, mybpm: MyBPMServer) -> None:
        values = {"IIN": "1", "LIMIT": 7, "SINCE": datetime.now(UTC), "STATUS": "statusNew~000001"}
        upserting(bo_code="CUSTOMER", field_values=values, field_ref_add=[N1], validate=True).run()
        assert mybpm.effects()["created"] == 1

    def test_co_wants_the_object_of_a_field(self, mybpm: MyBPMServer) -> None:
        deal: Any = {"bo_code": "DEAL", "field_values": {"NUM": "1"}, "validate": True}
        with pytest.raises(InvalidInput, match="requires bo_code, because DEAL is a CO"):
            upserting(**deal, field_ref_add=[N1]).run()
        upserting(**deal, field_ref_add=[N1._replace(bo_code="CUSTOMER")]).run()
        assert mybpm.effects()["created"] == 1

    def test_unknown_object(self, mybpm: MyBPMServer) -> None:
        with pytest.raises(NotFound):
            upserting(bo_code="NOWHERE", field_values={"A": "1"}, validate=True).run()

    def test_silent_structure_still_knows_its_codes(self, mybpm: MyBPMServer) -> None:
        with pytest.raises(InvalidInput, match=r"field_values NIM: no such field \["):
            upserting(bo_code="SILENT", field_values={"AMOUNT": "much", "NIM": "1"}, validate=True).run()


class TestTemplates:
    def test_every_input_is_a_template(self) -> None:
        assert set(MyBPMUpsertBOIOperator.template_fields) == {
            "bo_code",
            "field_values",
            "boi_id",
            "unique_field",
            "field_ref_add",
            "field_ref_remove",
            "result_fields",
            "mybpm_conn_id",
        }
        assert set(MyBPMUpsertBOIOperator.template_fields_renderers) <= set(
            MyBPMUpsertBOIOperator.template_fields
        )

    @pytest.mark.parametrize("native", [False, True])
    def test_templates_inside_values_and_references(self, native: bool) -> None:
        with DAG("dag", schedule=None, render_template_as_native_obj=native):
            task = MyBPMUpsertBOIOperator(
                task_id="upsert",
                bo_code="{{ bo }}",
                field_values={"IIN": "{{ iin }}"},
                field_ref_add=[FieldReference("BRANCHES", "CODE", ["{{ branch }}"])],
            )
        given: Any = {"bo": "CUSTOMER", "iin": "007", "branch": "N1"}
        task.render_template_fields(given)
        assert (task.bo_code, task.field_values) == ("CUSTOMER", {"IIN": "007"})
        assert task.field_ref_add == [FieldReference("BRANCHES", "CODE", ["N1"])]
        assert isinstance(task.field_ref_add[0], FieldReference)

    def test_mapping_that_a_template_has_turned_to_text(self, mybpm: MyBPMServer) -> None:
        result = upserting(bo_code="CUSTOMER", field_values='{"IIN": "1", "LIMIT": 0.10}').run()
        assert mybpm.record(f"CUSTOMER/{result['boi_id']}")["fields"]["LIMIT"] == "0.10"
