"""Many processes: each is started as the operator for one does it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Unknown
from airflow_provider_workflows.exceptions import InvalidConnection, InvalidInput
from airflow_provider_workflows.robusta.many import RobustaStartManyOperator
from tests.core.many import intent, prepared, send
from tests.robusta.conftest import RobustaServer


def starting(**arguments: Any) -> RobustaStartManyOperator:
    arguments = {"process_name": "InvoiceBot", "worker": "3", **arguments}
    return RobustaStartManyOperator(task_id="start", records=[], **arguments)


def test_starts_a_process_for_each(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    spids = [send(operator, {"orderNo": number}) for number in (7, 8)]
    assert robusta.effects()["saved"] == len({*spids}) == 2


def test_the_body_is_that_of_a_single_start(robusta: RobustaServer) -> None:
    operator = prepared(starting(retry_count=2))
    single = operator.hook.get_conn().start_body(
        process_name="InvoiceBot", worker="4", values={"orderNo": 7}, retry_count=2
    )
    assert operator.effect({"orderNo": 7}, {"worker": "4"}).payload == single
    assert not operator.effect({"orderNo": 7}, {}).recurring


def test_dates_are_local_time_of_the_server(robusta: RobustaServer) -> None:
    operator = prepared(starting(run_immediately=False))
    payload = operator.effect({}, {"schedule_start": "2030-01-01T10:00:00+00:00"}).payload
    assert payload["startDate"] == "2030-01-01 13:00:00"


def test_dates_need_a_time_zone(robusta: RobustaServer) -> None:
    robusta.connect(extra={"time_zone": None})
    operator = prepared(starting())
    with pytest.raises(InvalidConnection, match="time_zone"):
        operator.effect({}, {"schedule_start": "2030-01-01T10:00:00+00:00"})


def test_nothing_finds_a_process(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    effect = operator.effect({"orderNo": 7}, {})
    assert effect.group is None
    found = operator.hook.run(lambda api: effect.look_up_many(api, [intent(1), intent(2)]))
    assert [type(one) for one in found.values()] == [Unknown, Unknown]


def test_bad_rows(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    rows: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"": 1}, {}, "parameter name"),
        ({"orderNo": float("nan")}, {}, "orderNo"),
        ({}, {"worker": 1.5}, "worker"),
    ]
    for values, arguments, told in rows:
        with pytest.raises(InvalidInput, match=told):
            operator.effect(values, arguments)
