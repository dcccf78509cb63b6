"""MyBPM's operator against the sandbox: what it returns, and what really happened at the vendor."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from airflow.sdk import DAG

from airflow_provider_workflows.base import submission
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.references import FieldReference
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Throttled,
)
from tests.base.harness import Runner
from tests.mybpm.conftest import MyBPMServer
from tests.sandbox.client import until

CUSTOMER: dict[str, Any] = {"bo_code": "CUSTOMER", "field_values": {"IIN": "900101", "NAME": "Asel"}}
UNIQUE: dict[str, Any] = {**CUSTOMER, "unique_field": "IIN"}
NOTE: dict[str, Any] = {"bo_code": "NOTE", "field_values": {"TEXT": "a"}}
ANYWHERE = "aaaaBBBBcccc0001"
N1 = FieldReference("BRANCHES", "CODE", ["N1"])
BOTH = FieldReference("BRANCHES", "CODE", ["N1", "S1"])

#: Answers that are lost or no answers, and whether the upsert was carried out all the same.
LOST: dict[str, tuple[dict[str, Any], bool]] = {
    "reset after": ({"kind": "lost_answer"}, True),
    "reset before": ({"kind": "reset_before"}, False),
    "cut off": ({"kind": "truncated"}, True),
    "502 after": ({"kind": "bad_gateway", "effect": True}, True),
    "502 before": ({"kind": "bad_gateway"}, False),
    "HTML after": ({"kind": "not_json", "effect": True}, True),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, True),
}


def upserting(**arguments: Any) -> Runner:
    arguments = {"settle": 0, **arguments}
    return Runner(lambda: MyBPMUpsertBOIOperator(task_id="upsert", **arguments))


def stored(runner: Runner, key: str = submission.KEY) -> Any:
    assert runner.store is not None
    return runner.store.get(key)


def linked(server: MyBPMServer, boi_id: str) -> str:
    return str(server.record(f"CUSTOMER/{boi_id}")["fields"].get("BRANCHES", ""))


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
        assert (result["boi_id"], result["isTouched"]) == (made["boi_id"], True)
        assert {code: one["apiValue"] for code, one in result["fields"].items()} == {
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
            {"field_ref_add": [N1], "field_ref_remove": [BOTH]},
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
        with pytest.raises(InvalidInput, match="needs bo_code, as DEAL is a CO"):
            upserting(**deal, field_ref_add=[N1]).run()
        upserting(**deal, field_ref_add=[N1._replace(bo_code="CUSTOMER")]).run()
        assert mybpm.effects()["created"] == 1

    def test_unknown_object(self, mybpm: MyBPMServer) -> None:
        with pytest.raises(NotFound):
            upserting(bo_code="NOWHERE", field_values={"A": "1"}, validate=True).run()

    def test_silent_structure_still_knows_its_codes(self, mybpm: MyBPMServer) -> None:
        with pytest.raises(InvalidInput, match=r"field_values NIM: no such field$"):
            upserting(bo_code="SILENT", field_values={"AMOUNT": "much", "NIM": "1"}, validate=True).run()


#: Calls that may be repeated: by a unique field, where the structure tells and where not, and by id.
REPEATABLE: dict[str, dict[str, Any]] = {
    "unique field": UNIQUE,
    "unique field, silent structure": {
        "bo_code": "SILENT",
        "field_values": {"NUM": "1"},
        "unique_field": "NUM",
    },
    "id": {"bo_code": "CUSTOMER", "field_values": {"NAME": "Aigul"}, "boi_id": "made before"},
}
#: Calls that may not.
ONCE: dict[str, dict[str, Any]] = {
    "neither": CUSTOMER,
    "denied by the structure": {**CUSTOMER, "unique_field": "NAME"},
    "not among the values": {"bo_code": "CUSTOMER", "field_values": {"NAME": "A"}, "unique_field": "IIN"},
    "blank": {"bo_code": "CUSTOMER", "field_values": {"IIN": " "}, "unique_field": "IIN"},
    "with references": {**CUSTOMER, "field_ref_add": [N1]},
}


class TestRepeating:
    @pytest.mark.parametrize(
        ("call", "name"),
        [
            *(("unique field", name) for name in ("reset after", "cut off", "502 before", "HTML after")),
            *((call, "reset after") for call in list(REPEATABLE)[1:]),
        ],
    )
    def test_a_lost_answer_is_made_good_in_the_attempt(
        self, mybpm: MyBPMServer, call: str, name: str
    ) -> None:
        arguments = dict(REPEATABLE[call])
        if call == "id":
            arguments["boi_id"] = upserting(**UNIQUE).run()["boi_id"]
        fault = mybpm.fault("upsert", **LOST[name][0])
        before = mybpm.requests("upsert")
        runner = upserting(**arguments)
        result = runner.run()
        assert mybpm.control.hits(fault) == 1
        assert mybpm.requests("upsert") == before + 2
        assert len(mybpm.control.records("mybpm")) == 1
        assert runner.retry()["boi_id"] == result["boi_id"]
        assert runner.clear()["boi_id"] == result["boi_id"]
        assert mybpm.effects()["created"] == 1

    def test_a_retry_repeats_what_the_attempt_could_not(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "throttled", retry_after=60)
        runner = upserting(**UNIQUE)
        with pytest.raises(Throttled):
            runner.run()
        runner.retry()
        assert mybpm.effects()["created"] == 1

    def test_nothing_is_sent_if_the_structure_cannot_be_asked(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("structure", "throttled", retry_after=60)
        with pytest.raises(Throttled):
            upserting(**UNIQUE).run()
        assert mybpm.requests("upsert") == 0


class TestOnce:
    @pytest.mark.parametrize("call", ONCE)
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_never_followed_by_a_second_call(
        self, mybpm: MyBPMServer, call: str, name: str
    ) -> None:
        fault, done = LOST[name]
        mybpm.fault("upsert", **fault)
        runner = upserting(**ONCE[call])
        with pytest.raises(OutcomeUnknown):
            runner.run()
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="never learned whether it did"):
                again()
        assert mybpm.requests("upsert") == 1
        assert mybpm.effects()["created"] == int(done)

    def test_a_retry_returns_the_same_instance_and_sends_nothing(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**NOTE)
        result = runner.run()
        assert stored(runner)["id"] == result["boi_id"]
        assert runner.retry() == result
        assert mybpm.requests("upsert") == 1

    def test_a_clear_makes_another_instance(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**NOTE)
        assert runner.run()["boi_id"] != runner.clear()["boi_id"]
        assert mybpm.effects()["created"] == 2

    def test_a_request_to_slow_down_is_no_doubt(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "throttled", retry_after=60)
        runner = upserting(**NOTE)
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner) is None
        runner.retry()
        assert mybpm.effects()["created"] == 1


class TestLinking:
    """An upsert that adds references: the sandbox links twice what is added twice."""

    CALL: ClassVar[dict[str, Any]] = {**UNIQUE, "field_ref_add": [BOTH]}

    def test_the_sandbox_links_twice_what_is_added_twice(self, mybpm: MyBPMServer) -> None:
        for _ in range(2):
            result = upserting(**self.CALL).run()
        assert linked(mybpm, result["boi_id"]) == "N1, S1, N1, S1"

    @pytest.mark.parametrize("by_id", [False, True], ids=["unique field", "id"])
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_made_good_after_reading_back(
        self, mybpm: MyBPMServer, name: str, by_id: bool
    ) -> None:
        arguments = dict(self.CALL)
        if by_id:
            arguments["boi_id"] = upserting(**UNIQUE).run()["boi_id"]
        fault, done = LOST[name]
        fault_id = mybpm.fault("upsert", **fault)
        runner = upserting(**arguments)
        result = runner.run()
        assert mybpm.control.hits(fault_id) == 1
        assert linked(mybpm, result["boi_id"]) == "N1, S1"
        # The call, its values alone, and only if need be its references.
        assert mybpm.requests("upsert") == int(by_id) + (2 if done else 3)
        assert (mybpm.effects()["created"], mybpm.effects()["linked"]) == (1, 2)

    def test_a_retry_and_a_clear_link_nothing_twice(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**self.CALL)
        result = runner.run()
        before = mybpm.requests("upsert")
        assert runner.retry() == result
        assert mybpm.requests("upsert") == before
        assert runner.clear()["boi_id"] == result["boi_id"]
        assert linked(mybpm, result["boi_id"]) == "N1, S1"

    def test_a_clear_links_what_somebody_has_taken_away(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**self.CALL)
        runner.run()
        upserting(**UNIQUE, field_ref_remove=[N1]).run()
        result = runner.clear()
        assert linked(mybpm, result["boi_id"]) == "S1, N1"

    def test_lost_twice_is_a_doubt_that_the_retry_resolves(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "reset_before", times=1)
        mybpm.fault("upsert", "lost_answer", skip=1)  # the values get through, the references' answer is lost
        runner = upserting(**self.CALL)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        result = runner.retry()
        assert linked(mybpm, result["boi_id"]) == "N1, S1"
        assert mybpm.effects()["linked"] == 2

    def test_a_refusal_after_a_doubt_forgets_nothing(self, mybpm: MyBPMServer) -> None:
        # First the answer is lost though N1 and S1 were linked; then the server has no time to be asked.
        mybpm.fault("upsert", "lost_answer")
        mybpm.fault("upsert", "throttled", retry_after=60, skip=0)
        runner = upserting(**self.CALL)
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner, submission.Step.KEY)["baseline"] == {"bo_code": "CUSTOMER", "boi_id": None}
        result = runner.retry()
        assert linked(mybpm, result["boi_id"]) == "N1, S1"

    def test_a_refusal_of_what_was_left_forgets_nothing(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer")
        mybpm.fault("nested", "throttled", retry_after=60)
        runner = upserting(**self.CALL)
        with pytest.raises(Throttled):
            runner.run()
        upserting(**UNIQUE, field_ref_remove=[N1]).run()
        mybpm.fault("upsert", "throttled", retry_after=60, skip=1)  # the values pass, the reference does not
        with pytest.raises(Throttled):
            runner.retry()
        result = runner.retry()
        assert linked(mybpm, result["boi_id"]) == "S1, N1"

    def test_killed_between_the_call_and_memory(
        self, mybpm: MyBPMServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = upserting(**self.CALL)
        assert runner.store is not None
        write = runner.store.set

        def die(key: str, value: Any, **how: Any) -> None:
            if "result" in value:
                raise KeyboardInterrupt
            write(key, value, **how)

        with monkeypatch.context() as patch:
            patch.setattr(runner.store, "set", die)
            with pytest.raises(KeyboardInterrupt):
                runner.run()
        result = runner.retry()
        assert linked(mybpm, result["boi_id"]) == "N1, S1"

    def test_it_waits_before_it_reads_back(self, mybpm: MyBPMServer) -> None:
        # The server links only after the client has given up.
        mybpm.connect(extra={"timeout": 0.3})
        mybpm.fault("upsert", "late_effect", seconds=0.9)
        result = upserting(**self.CALL, settle=1.2).run()
        until(lambda: mybpm.effects()["created"] + mybpm.effects()["updated"] == mybpm.requests("upsert"))
        assert linked(mybpm, result["boi_id"]) == "N1, S1"

    def test_without_a_memory_a_retry_reads_back(self, mybpm: MyBPMServer) -> None:
        runner = Runner(lambda: MyBPMUpsertBOIOperator(task_id="upsert", settle=0, **self.CALL), store=False)
        result = runner.run()
        assert runner.retry()["boi_id"] == result["boi_id"]
        assert runner.clear()["boi_id"] == result["boi_id"]
        assert linked(mybpm, result["boi_id"]) == "N1, S1"

    def test_removals_are_made_good_too(self, mybpm: MyBPMServer) -> None:
        made = upserting(**UNIQUE, field_ref_add=[N1]).run()
        mybpm.fault("upsert", "reset_before")
        add = [FieldReference("BRANCHES", "CODE", ["S1"])]
        upserting(**UNIQUE, field_ref_add=add, field_ref_remove=[N1]).run()
        assert linked(mybpm, made["boi_id"]) == "S1"
        assert mybpm.effects()["unlinked"] == 1

    def test_only_removing_is_simply_repeated(self, mybpm: MyBPMServer) -> None:
        made = upserting(**UNIQUE, field_ref_add=[N1]).run()
        mybpm.fault("upsert", "lost_answer")
        upserting(**UNIQUE, field_ref_remove=[N1]).run()
        assert linked(mybpm, made["boi_id"]) == ""

    def test_server_that_stays_away_is_temporary(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer")
        mybpm.fault("nested", "throttled", retry_after=60)
        runner = upserting(**self.CALL)
        with pytest.raises(Throttled):
            runner.run()
        result = runner.retry()
        assert linked(mybpm, result["boi_id"]) == "N1, S1"


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
