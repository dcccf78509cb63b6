"""Many instances: each is written as the operator for one writes it, with one reading of the structure."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, NotFound
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.effects import LinkingUpsert, OnceUpsert, RepeatableUpsert, make_upsert
from airflow_provider_workflows.mybpm.many import MyBPMUpsertManyOperator
from tests.core.many import intent, prepared, send
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.driving import Driven, answer, boi

API = MyBPMApi(token=Token(header="API-TOKEN", value="t"))
ASEL = {"IIN": "900101", "NAME": "Asel"}


def upserting(**arguments: Any) -> MyBPMUpsertManyOperator:
    arguments = {"bo_code": "CUSTOMER", "unique_field": "IIN", **arguments}
    return MyBPMUpsertManyOperator(task_id="load", records=[], **arguments)


def test_the_structure_is_read_once_for_all(mybpm: MyBPMServer) -> None:
    operator = prepared(upserting(validate=True))
    ids = {send(operator, {"IIN": f"90010{number}", "NAME": "Asel"}) for number in range(5)}
    assert len(ids) == 5
    assert mybpm.effects()["created"] == 5
    assert mybpm.requests("structure") == 1


def test_a_record_with_a_known_value_updates_its_instance(mybpm: MyBPMServer) -> None:
    operator = prepared(upserting())
    first = send(operator, ASEL)
    assert send(operator, {**ASEL, "NAME": "Aigerim"}) == first
    assert mybpm.record(f"CUSTOMER/{first}")["fields"]["NAME"] == "Aigerim"


def test_a_column_names_the_instance_to_update(mybpm: MyBPMServer) -> None:
    operator = prepared(upserting(unique_field=None))
    first = send(operator, ASEL)
    assert send(operator, {"NAME": "Aigerim"}, boi_id=first) == first


@pytest.mark.parametrize(
    ("arguments", "given", "kind"),
    [
        ({}, {}, RepeatableUpsert),
        ({"unique_field": None}, {}, OnceUpsert),
        ({"unique_field": None}, {"boi_id": "aaaaBBBB~ccc0@01"}, RepeatableUpsert),
        ({"unique_field": "NAME"}, {}, OnceUpsert),
    ],
    ids=["unique field", "nothing", "boi_id", "a field that is not unique"],
)
def test_what_may_be_repeated(
    mybpm: MyBPMServer, arguments: dict[str, Any], given: dict[str, Any], kind: type
) -> None:
    assert type(prepared(upserting(**arguments)).effect(ASEL, given)) is kind


def test_a_structure_that_may_not_be_read_is_no_hindrance(mybpm: MyBPMServer) -> None:
    mybpm.fault("structure", "status", status=403, times=9)
    operator = prepared(upserting())
    assert isinstance(operator.effect(ASEL, {}), RepeatableUpsert)
    assert send(operator, ASEL)


def test_bad_rows(mybpm: MyBPMServer) -> None:
    operator = prepared(upserting(validate=True))
    rows: list[tuple[dict[str, Any], str]] = [
        ({"IIN": " "}, "empty value for the unique_field"),
        ({**ASEL, "NOTHING": "x"}, "NOTHING"),
        ({}, "nothing to write"),
        ({**ASEL, "NAME": object()}, "NAME"),
    ]
    for values, told in rows:
        with pytest.raises(InvalidInput, match=told):
            operator.effect(values, {})
    assert mybpm.requests("upsert") == 0


def test_an_unknown_object_stops_all(mybpm: MyBPMServer) -> None:
    with pytest.raises(NotFound):
        prepared(upserting(bo_code="NOTHING", validate=True))
    with pytest.raises(InvalidInput, match="bo_code"):
        prepared(upserting(bo_code=" "))


@pytest.mark.parametrize("pooled", [True, False])
def test_only_what_may_be_repeated_uses_open_connections(pooled: bool) -> None:
    """The operator for one record keeps its fresh connection; and what is sent once never has another."""
    wanted = Upsert.read("ORD", ASEL)
    linking = Upsert.read("ORD", ASEL, field_ref_add=[FieldReference("F", "C", ["v"])])
    cases = [
        (make_upsert(wanted, unique_field="IIN", once=None, pooled=pooled), RepeatableUpsert, pooled),
        (make_upsert(wanted, unique_field=None, once="why", pooled=pooled), OnceUpsert, False),
        (make_upsert(linking, unique_field="IIN", once=None, pooled=pooled), LinkingUpsert, False),
    ]
    for effect, kind, expected in cases:
        assert type(effect) is kind
        driven = Driven(effect.submit(API, intent(), again=False), [answer(boi())])
        assert [(one.pooled, one.repeatable) for one in driven.requests] == [(expected, False)]


def test_an_upsert_of_many_is_pooled() -> None:
    operator = upserting(unique_field=None)
    effect = operator.effect(ASEL, {"boi_id": "aaaaBBBB~ccc0@01"})
    driven = Driven(effect.submit(API, intent(), again=False), [answer(boi())])
    assert driven.requests[0].pooled
