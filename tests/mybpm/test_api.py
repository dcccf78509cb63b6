"""MyBPM's operations, driven by hand: what is sent, and what becomes of each answer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import PAGE, MyBPMApi
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.effects import pending
from tests.mybpm.driving import BOI_ID, Driven, answer, boi, structure

LIST = "/api/v1/business-object-instance/v2/load-api-bracket-boi-table"
STRUCTURE = "/api/v1/metadata/load-bo-structure"
REF = FieldReference("CLIENT", "IIN", ["900101"])


@pytest.fixture
def api() -> MyBPMApi:
    return MyBPMApi(
        token=Token(header="TOKEN"), login="robot@example.com", password="hunter2-secret", timezone="GMT+0600"
    )


class TestSessionToken:
    def test_request(self, api: MyBPMApi) -> None:
        driven = Driven(api.session_token(), [answer({"token": "abc"})])
        (request,) = driven.requests
        assert driven.result == "abc"
        assert (request.method, request.path) == ("POST", "/api/v1/json/auth/get-access-by-password")
        assert request.json == {
            "email": "robot@example.com",
            "password": "hunter2-secret",
            "timezone": "GMT+0600",
        }
        assert request.repeatable
        assert request.confidential
        assert request.secrets == ("hunter2-secret",)

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_refused(self, api: MyBPMApi, status: int) -> None:
        with pytest.raises(exceptions.AuthenticationFailed, match=r"robot@example\.com"):
            Driven(api.session_token(), [answer({}, status=status)])

    def test_at_another_place(self, api: MyBPMApi) -> None:
        with pytest.raises(exceptions.NotFound):
            Driven(api.session_token(), [answer({}, status=404)])

    @pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": None}, {"token": 7}, [], "abc"], ids=repr)
    def test_success_without_a_token(self, api: MyBPMApi, body: Any) -> None:
        with pytest.raises(exceptions.UnreadableAnswer) as caught:
            Driven(api.session_token(), [answer(body)])
        assert caught.value.excerpt is None


class TestUpsert:
    def test_once_only_without_id_and_unique_field(self, api: MyBPMApi) -> None:
        driven = Driven(api.upsert("ORD", {"NUM": 7}), [answer(boi(NUM="7"))])
        (request,) = driven.requests
        assert (request.path, request.repeatable) == ("/api/v1/boi/upsert", False)
        assert request.json == {"boCode": "ORD", "fieldValues": {"NUM": "7"}}
        assert driven.result.boi_id == BOI_ID

    def test_repeatable_with_id(self, api: MyBPMApi) -> None:
        (request,) = Driven(api.upsert("ORD", {"NUM": 7}, boi_id=BOI_ID), [answer(boi())]).requests
        assert request.repeatable
        assert request.json["boiId"] == BOI_ID

    @pytest.mark.parametrize(
        ("told", "repeatable"),
        [
            (answer(structure(NUM={"unique": True})), True),
            (answer(structure("NUM")), True),
            (answer(structure(NUM={"unique": False})), False),
            (answer({}, status=400), True),
            (answer({}, status=403), True),
            (answer({}, status=404), True),
        ],
        ids=["unique", "no word", "not unique", "rejected", "forbidden", "not found"],
    )
    def test_repeatable_with_a_unique_field(self, api: MyBPMApi, told: Any, repeatable: bool) -> None:
        driven = Driven(api.upsert("ORD", {"NUM": 7}, unique_field="NUM"), [told, answer(boi())])
        asked, sent = driven.requests
        assert (asked.path, asked.json) == (STRUCTURE, {"boCode": "ORD"})
        assert sent.repeatable is repeatable

    @pytest.mark.parametrize("value", ["", " "])
    def test_with_a_blank_unique_value_nothing_is_sent(self, api: MyBPMApi, value: str) -> None:
        with pytest.raises(exceptions.InvalidInput, match="an empty value for the unique_field"):
            Driven(api.upsert("ORD", {"NUM": value}, unique_field="NUM"), [])

    @pytest.mark.parametrize(
        ("more", "repeatable"), [({"field_ref_add": [REF]}, False), ({"field_ref_remove": [REF]}, True)]
    )
    def test_adding_references_is_sent_once(self, api: MyBPMApi, more: Any, repeatable: bool) -> None:
        driven = Driven(api.upsert("ORD", {"NUM": 7}, boi_id=BOI_ID, **more), [answer(boi())])
        assert driven.requests[-1].repeatable is repeatable

    def test_order_of_removing_and_adding(self, api: MyBPMApi) -> None:
        other = FieldReference("CLIENT", "IIN", ["900102"])
        for after in (True, False):
            how: Any = {"field_ref_add": [REF], "field_ref_remove": [other], "remove_after": after}
            (request,) = Driven(api.upsert("ORD", {}, boi_id=BOI_ID, **how), [answer(boi())]).requests
            assert request.json["removeAfter"] is after

    @pytest.mark.parametrize("body", [None, [], {}, {"boiId": ""}, "ok"], ids=repr)
    def test_success_without_an_instance_is_a_doubt(self, api: MyBPMApi, body: Any) -> None:
        with pytest.raises(exceptions.OutcomeUnknown):
            Driven(api.upsert("ORD", {"NUM": 7}), [answer(body)])

    def test_unknown_id_is_an_error_of_whatever_status(self, api: MyBPMApi) -> None:
        for status in (400, 404):
            with pytest.raises(exceptions.PermanentError):
                Driven(api.upsert("ORD", {"NUM": 7}, boi_id=BOI_ID), [answer({}, status=status)])

    def test_wrong_input_sends_nothing(self, api: MyBPMApi) -> None:
        with pytest.raises(exceptions.InvalidInput):
            Driven(api.upsert("ORD", {"NUM": None}))


class TestPending:
    def wanted(self, *, bo_code: str | None = None) -> Upsert:
        add = FieldReference("CLIENT", "IIN", ["1", "2"], bo_code=bo_code)
        return Upsert.read("ORD", {"NUM": 7}, boi_id=BOI_ID, field_ref_add=[add])

    def test_nested_instances_are_read_to_the_last_page(self, api: MyBPMApi) -> None:
        pages = [
            {"records": [boi("b" * 16, IIN="0"), boi("c" * 16, IIN="2")]},
            {"records": [boi("d" * 16, IIN="3")]},
            {"records": []},
        ]
        driven = Driven(pending(api, self.wanted()), [answer(page) for page in pages])
        assert [one.values for one in driven.result.add] == [("1",)]
        assert [body["paging"] for body in driven.bodies] == [
            {"offset": offset, "limit": PAGE} for offset in (0, 2, 3)
        ]
        assert driven.bodies[0] == {
            "parentBoCode": "ORD",
            "parentBoiId": BOI_ID,
            "parentFieldCode": "CLIENT",
            "paging": {"offset": 0, "limit": PAGE},
        }

    def test_field_inside_a_co_is_read_from_its_object(self, api: MyBPMApi) -> None:
        driven = Driven(pending(api, self.wanted(bo_code="FIRM")), [answer({"records": []})])
        assert driven.bodies[0]["parentBoCode"] == "FIRM"

    def test_a_server_that_does_not_page_ends(self, api: MyBPMApi) -> None:
        driven = Driven(pending(api, self.wanted()), [answer({"records": [boi(IIN="1")]})] * 2)
        assert [one.values for one in driven.result.add] == [("2",)]

    def test_a_field_is_read_once_for_several_entries(self, api: MyBPMApi) -> None:
        entries = [FieldReference("CLIENT", "IIN", ["1"]), FieldReference("CLIENT", "PHONE", ["2"])]
        wanted = Upsert.read("ORD", {"NUM": 7}, boi_id=BOI_ID, field_ref_add=entries)
        driven = Driven(pending(api, wanted), [answer({"records": []})])
        assert len(driven.requests) == 1
        assert driven.result.add == wanted.add


class TestCreate:
    def test_request(self, api: MyBPMApi) -> None:
        driven = Driven(
            api.create("ORD", {"NUM": 7}, field_ref_add=[REF], multi_language=True), [answer(boi(NUM="7"))]
        )
        (request,) = driven.requests
        assert (request.path, request.repeatable) == ("/api/v1/boi/create", False)
        assert request.json == {
            "boCode": "ORD",
            "initialFieldValues": {"NUM": "7"},
            "fieldRefAdd": [{"fieldCode": "CLIENT", "fieldRefUniqCode": "IIN", "apiValues": ["900101"]}],
            "multiLanguage": True,
        }
        assert driven.result.fields["NUM"].api_value == "7"


class TestReading:
    def test_load(self, api: MyBPMApi) -> None:
        driven = Driven(api.load("ORD", BOI_ID), [answer(boi(NUM="7"))])
        (request,) = driven.requests
        assert (request.path, request.repeatable) == ("/api/v1/boi/load", True)
        assert request.json == {"boCode": "ORD", "boiId": BOI_ID}
        assert driven.result.fields["NUM"].api_value == "7"

    def test_load_in_all_languages(self, api: MyBPMApi) -> None:
        told = {**boi(NUM="7"), "fieldValuesLang": {"NUM": {"ENG": "seven"}}}
        driven = Driven(api.load("ORD", BOI_ID, multi_language=True), [answer(told)])
        assert driven.bodies[0]["multiLanguage"] is True
        assert driven.result.languages == {"NUM": {"ENG": "seven"}}

    @pytest.mark.parametrize("body", [None, {}, []], ids=repr)
    def test_load_of_nothing(self, api: MyBPMApi, body: Any) -> None:
        with pytest.raises(exceptions.NotFound, match=f"ORD/{BOI_ID}"):
            Driven(api.load("ORD", BOI_ID), [answer(body)])

    @pytest.mark.parametrize("body", [{"odd": 1}, "x", [boi()]], ids=repr)
    def test_load_of_another_shape(self, api: MyBPMApi, body: Any) -> None:
        with pytest.raises(exceptions.UnreadableAnswer):
            Driven(api.load("ORD", BOI_ID), [answer(body)])

    @pytest.mark.parametrize("body", [[boi()], boi()], ids=["array", "object"])
    def test_load_many(self, api: MyBPMApi, body: Any) -> None:
        driven = Driven(api.load_many("ORD", [BOI_ID]), [answer(body)])
        assert driven.requests[0].path == "/api/v1/boi/load-many"
        assert driven.bodies == [{"boCode": "ORD", "boiIds": [BOI_ID]}]
        assert [one.boi_id for one in driven.result] == [BOI_ID]

    @pytest.mark.parametrize("ids", [BOI_ID, ["short"], [None]], ids=repr)
    def test_load_many_of_what_are_no_ids(self, api: MyBPMApi, ids: Any) -> None:
        with pytest.raises(exceptions.InvalidInput, match="boi_ids"):
            Driven(api.load_many("ORD", ids))

    def test_structure(self, api: MyBPMApi) -> None:
        driven = Driven(api.load_structure("ORD"), [answer(structure("NUM"))])
        assert (driven.requests[0].path, driven.bodies) == (STRUCTURE, [{"boCode": "ORD"}])
        assert list(driven.result.fields) == ["NUM"]

    def test_nested_in_all_languages(self, api: MyBPMApi) -> None:
        operation = api.list_nested_bois("ORD", BOI_ID, "CLIENT", start=5, size=2, multi_language=True)
        driven = Driven(operation, [answer({"records": [boi()]})])
        assert driven.requests[0].path == "/api/v1/boi/load-nested-with-sort"
        assert driven.bodies[0]["paging"] == {"offset": 5, "limit": 2}
        assert driven.bodies[0]["multiLanguage"] is True
        assert driven.result.next == 6


class TestList:
    def test_only_what_is_required(self, api: MyBPMApi) -> None:
        driven = Driven(api.list_bois("ORD"), [answer([boi()])])
        assert driven.requests[0].path == LIST
        assert driven.requests[0].repeatable
        assert driven.bodies == [{"boCode": "ORD", "paging": {"offset": 0, "limit": PAGE}}]

    def test_everything(self, api: MyBPMApi) -> None:
        operation = api.list_bois(
            "ORD",
            columns=["NUM"],
            order_by="NUM",
            descending=True,
            search="desk",
            state="ALL",
            touched="ALL",
            brackets=[{"id": "a"}],
            start=10,
            size=5,
        )
        (body,) = Driven(operation, [answer([])]).bodies
        assert body == {
            "boCode": "ORD",
            "headCodes": ["NUM"],
            "orderingFieldCode": "NUM",
            "orderState": "DESC",
            "search": "desk",
            "state": "ALL",
            "touchedFilter": "ALL",
            "brackets": [
                {
                    "id": "a",
                    "parentId": None,
                    "connectionType": "AND",
                    "parentTreeIds": [],
                    "brackets": [],
                    "dynamicFilters": [],
                    "nativeFilters": [],
                }
            ],
            "paging": {"offset": 10, "limit": 5},
        }

    def test_ascending_by_default(self, api: MyBPMApi) -> None:
        (body,) = Driven(api.list_bois("ORD", order_by="NUM"), [answer([])]).bodies
        assert body["orderState"] == "ASC"

    @pytest.mark.parametrize(
        ("body", "key"),
        [([boi()], "records"), ({"records": [boi()]}, "records"), ({"rows": [boi()], "total": 1}, "rows")],
        ids=["array", "under records", "under a key of choice"],
    )
    def test_shape_of_the_answer_is_a_setting(self, api: MyBPMApi, body: Any, key: str) -> None:
        page = Driven(api.list_bois("ORD", records_key=key), [answer(body)]).result
        assert [one.boi_id for one in page.items] == [BOI_ID]

    def test_shape_that_nobody_has_named(self, api: MyBPMApi) -> None:
        with pytest.raises(exceptions.UnreadableAnswer, match="records"):
            Driven(api.list_bois("ORD"), [answer({"rows": [boi()]})])

    @pytest.mark.parametrize(("got", "following"), [(3, 13), (1, 11), (0, None)])
    def test_only_an_empty_page_is_the_last(self, api: MyBPMApi, got: int, following: int | None) -> None:
        page = Driven(api.list_bois("ORD", start=10, size=3), [answer([boi()] * got)]).result
        assert page.next == following

    @pytest.mark.parametrize("paging", [{"start": -1}, {"size": 0}], ids=repr)
    def test_wrong_paging(self, api: MyBPMApi, paging: Any) -> None:
        with pytest.raises(exceptions.InvalidInput, match="start must be 0"):
            Driven(api.list_bois("ORD", **paging))


class TestProbe:
    def made(self, **how: Any) -> MyBPMApi:
        return MyBPMApi(token=Token(header="API-TOKEN", value="key"), **how)

    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_any_word_on_an_unknown_object_shows_a_server_and_no_more(self, status: int) -> None:
        driven = Driven(self.made().probe(), [answer(structure("NUM"), status=status)])
        assert driven.result.startswith("MyBPM was reached, but the API token was not checked")
        assert driven.requests[0].path == STRUCTURE

    @pytest.mark.parametrize(
        ("status", "kind"), [(401, exceptions.AuthenticationFailed), (403, exceptions.PermissionDenied)]
    )
    def test_refused_token(self, status: int, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            Driven(self.made().probe(), [answer({}, status=status)])

    def test_object_of_choice_must_be_there(self) -> None:
        driven = Driven(self.made(test_bo_code="ORD").probe(), [answer(structure("NUM"))])
        assert driven.bodies == [{"boCode": "ORD"}]
        with pytest.raises(exceptions.NotFound):
            Driven(self.made(test_bo_code="ORD").probe(), [answer({}, status=404)])
