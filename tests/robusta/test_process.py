"""The body of a start: every row of the vendor's table of fields."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.exceptions import InvalidConnection, InvalidInput
from airflow_provider_workflows.robusta.api.start_body import check_not_past, start_body, text_values

ISTANBUL = pendulum.timezone("Europe/Istanbul")
START, END = pendulum.datetime(2026, 6, 5, 6, 0), pendulum.datetime(2026, 7, 1, 6, 0)


def body(**arguments: Any) -> dict[str, Any]:
    return start_body(**{"process_name": "InvoiceBot", "worker": "3", "zone": ISTANBUL, **arguments})


def test_one_run_now_is_the_body_that_a_public_client_sends() -> None:
    assert body(values={"orderNo": "7"}) == {
        "name": "InvoiceBot",
        "worker": "3",
        "runOnce": "Y",
        "runImmediately": "Y",
        "values": {"orderNo": "7"},
    }


def test_everything_together() -> None:
    whole = body(
        worker=3,
        values={"first": "Ayşe", "last": "Öztürk"},
        run_once=False,
        run_immediately=False,
        quartz_def="0 0 9 ? * FRI",
        schedule_start=START,
        schedule_end="2026-07-01T06:00:00Z",
        retry_count=2,
        allow_recurring=True,
    )
    assert whole == {
        "name": "InvoiceBot",
        "worker": "3",
        "runOnce": "N",
        "runImmediately": "N",
        "values": {"first": "Ayşe", "last": "Öztürk"},
        "quartzDef": "0 0 9 ? * FRI",
        "startDate": "2026-06-05 09:00:00",
        "endDate": "2026-07-01 09:00:00",
        "retryCount": "2",
    }
    flat = {name: value for name, value in whole.items() if name != "values"}
    assert all(isinstance(value, str) for value in (*flat.values(), *whole["values"].values()))


@pytest.mark.parametrize(("given", "sent"), [(" InvoiceBot ", "InvoiceBot"), (7, "7")], ids=repr)
def test_name_is_text(given: Any, sent: str) -> None:
    assert body(process_name=given)["name"] == sent


@pytest.mark.parametrize("value", ["", " ", "None", None, True, 1.5], ids=repr)
def test_name_must_be_there(value: Any) -> None:
    with pytest.raises(InvalidInput, match="process_name must"):
        body(process_name=value)


@pytest.mark.parametrize(("given", "sent"), [("3", "3"), (3, "3")], ids=repr)
def test_worker_is_text(given: Any, sent: str) -> None:
    assert body(worker=given)["worker"] == sent


def test_worker_that_is_none_is_left_out() -> None:
    assert "worker" not in body(worker=None)


@pytest.mark.parametrize("value", ["", "None", False, 3.0, ["3"]], ids=repr)
def test_worker_must_be_one(value: Any) -> None:
    with pytest.raises(InvalidInput, match="worker must"):
        body(worker=value)


FLAGS = [(True, "Y"), (False, "N"), ("Y", "Y"), ("n", "N"), ("True", "Y"), ("false", "N")]


@pytest.mark.parametrize(("given", "sent"), FLAGS, ids=repr)
def test_run_once_is_y_or_n(given: Any, sent: str) -> None:
    made = body(run_once=given, allow_recurring=True, quartz_def="0 0 9 ? * FRI")
    assert made["runOnce"] == sent


@pytest.mark.parametrize(("given", "sent"), FLAGS, ids=repr)
def test_run_immediately_is_y_or_n(given: Any, sent: str) -> None:
    assert body(run_immediately=given, quartz_def="0 0 9 ? * FRI")["runImmediately"] == sent


@pytest.mark.parametrize("name", ["run_once", "run_immediately", "allow_recurring"])
@pytest.mark.parametrize("value", ["yes", "", "None", 1, 0, None, "N,"], ids=repr)
def test_flags_are_nothing_else(name: str, value: Any) -> None:
    # "N," with its comma inside the text is the slip of the published sample.
    with pytest.raises(InvalidInput, match=f"{name} must be True or False"):
        body(**{name: value})


def test_quartz_def_is_sent_as_it_is() -> None:
    assert body(quartz_def="0 0 9 ? * FRI 2026")["quartzDef"] == "0 0 9 ? * FRI 2026"


def test_quartz_def_of_the_published_sample_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'FR' is not a valid day-of-week"):
        body(quartz_def="0 0 9 ? * FR")


def test_start_date_is_local_time_of_the_server() -> None:
    assert body(schedule_start=START)["startDate"] == "2026-06-05 09:00:00"


def test_end_date_is_local_time_of_the_server() -> None:
    assert body(schedule_end=END)["endDate"] == "2026-07-01 09:00:00"


@pytest.mark.parametrize("name", ["schedule_start", "schedule_end"])
def test_dates_need_a_zone_of_the_connection(name: str) -> None:
    with pytest.raises(InvalidConnection, match=f"{name} .* time_zone"):
        body(**{name: START}, zone=None)


@pytest.mark.parametrize("name", ["schedule_start", "schedule_end"])
def test_dates_without_zone_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        body(**{name: dt.datetime(2026, 6, 5)})


@pytest.mark.parametrize("end", [START, START.subtract(seconds=1)], ids=["same", "before"])
def test_end_date_is_after_start_date(end: Any) -> None:
    with pytest.raises(InvalidInput, match=r"schedule_end .* is not after schedule_start"):
        body(schedule_start=START, schedule_end=end)


@pytest.mark.parametrize(("given", "sent"), [(0, "0"), (3, "3"), (" 3 ", "3")], ids=repr)
def test_retry_count_is_a_number_as_text(given: Any, sent: str) -> None:
    assert body(retry_count=given)["retryCount"] == sent


@pytest.mark.parametrize("value", [-1, "-1", 1.5, "x", "", True, "None", "٣"], ids=repr)
def test_retry_count_is_nothing_else(value: Any) -> None:
    with pytest.raises(InvalidInput, match="retry_count must be an integer of 0 or more"):
        body(retry_count=value)


class TestSchedule:
    def test_a_recurring_one_is_refused_unless_asked_for(self) -> None:
        with pytest.raises(InvalidInput, match=r"no API can remove\n.*allow_recurring=True"):
            body(run_once=False, quartz_def="0 0 9 ? * FRI")

    def test_a_recurring_one_needs_its_times(self) -> None:
        with pytest.raises(InvalidInput, match="requires quartz_def"):
            body(run_once=False, allow_recurring=True)

    @pytest.mark.parametrize("when", [{"quartz_def": "0 0 9 ? * FRI"}, {"schedule_start": START}], ids=str)
    def test_one_run_later(self, when: dict[str, Any]) -> None:
        made = body(run_immediately=False, **when)
        assert (made["runOnce"], made["runImmediately"]) == ("Y", "N")

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ({"run_immediately": False, "schedule_start": START}, "schedule_start is in the past"),
            ({"schedule_end": START}, "schedule_end is in the past"),
            ({"quartz_def": "0 0 9 5 6 ? 2025"}, "quartz_def names only the past year 2025"),
        ],
        ids=["start", "end", "year"],
    )
    def test_a_time_that_is_over_is_refused(self, arguments: dict[str, Any], reason: str) -> None:
        made = body(**arguments)
        with pytest.raises(InvalidInput, match=reason):
            check_not_past(made, zone=ISTANBUL, now=START.add(seconds=1))
        check_not_past(made, zone=ISTANBUL, now=pendulum.datetime(2025, 12, 31, 20, 59))

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"schedule_start": START},
            {"run_immediately": False, "schedule_start": START, "quartz_def": "0 0 9 ? * FRI 2025-2027"},
            {"schedule_start": START, "schedule_end": END},
        ],
        ids=["now", "now from then on", "as scheduled from then on", "until later"],
    )
    def test_a_time_that_is_over_may_begin_one(self, arguments: dict[str, Any]) -> None:
        check_not_past(body(**arguments), zone=ISTANBUL, now=START.add(seconds=1))

    def test_never_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="nothing would run"):
            body(run_immediately=False)


VALUES = [
    ("text", "text"),
    ("", ""),
    (7, "7"),
    (True, "true"),
    (False, "false"),
    (Decimal("1E+3"), "1000"),
    (Decimal("0.10"), "0.10"),
    (0.1, "0.1"),
    (1e22, "10000000000000000000000"),
    (1e-7, "0.0000001"),
    (dt.date(2026, 6, 5), "2026-06-05"),
    (START, "2026-06-05T06:00:00+00:00"),
    (["ş", 1], '["ş", 1]'),
    ({"a": None}, '{"a": null}'),
]


@pytest.mark.parametrize(("given", "sent"), VALUES, ids=repr)
def test_values_become_text(given: Any, sent: str) -> None:
    assert text_values({"x": given}) == {"x": sent}


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), float("inf"), Decimal("NaN"), b"x", {1, 2}, object, [float("nan")], {"a": object}],
    ids=repr,
)
def test_a_value_without_text_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"values\['x'\]"):
        text_values({"fine": 1, "x": value})


@pytest.mark.parametrize("values", [["a"], 7, "[]", '"x"', {"": 1}, {7: 1}, {" ": 1}], ids=repr)
def test_values_are_a_mapping_of_names(values: Any) -> None:
    with pytest.raises(InvalidInput, match="values"):
        text_values(values)


def test_values_left_out_are_an_empty_map() -> None:
    assert body()["values"] == {}


def test_values_may_come_as_the_text_that_a_template_made() -> None:
    assert text_values('{"orderNo": 7}') == {"orderNo": "7"}


def test_a_key_given_twice_is_refused_as_it_would_lose_one() -> None:
    # As "username" in the published sample.
    with pytest.raises(InvalidInput, match="duplicate key: username"):
        text_values('{"username": "Ayşe", "username": "Öztürk"}')


@given(
    st.dictionaries(
        st.text(min_size=1).filter(str.strip),
        st.text() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False),
    )
)
def test_every_value_is_text_that_reads_back(values: dict[str, Any]) -> None:
    made = text_values(values)
    assert json.loads(json.dumps(made)) == made
    for name, value in values.items():
        if isinstance(value, bool):
            assert made[name] == str(value).lower()
        elif isinstance(value, (int, Decimal)):
            assert "E" not in made[name]
            assert Decimal(made[name]) == value
        else:
            assert made[name] == value
