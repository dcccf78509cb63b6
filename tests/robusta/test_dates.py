"""Instants as local time of the server, daylight saving time included."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.robusta.api.dates import instant, local_text

ISTANBUL, BERLIN, LORD_HOWE = (
    pendulum.timezone(name) for name in ("Europe/Istanbul", "Europe/Berlin", "Australia/Lord_Howe")
)


@pytest.mark.parametrize(
    ("value", "zone", "text"),
    [
        (pendulum.datetime(2020, 11, 16, 6, 30, tz="UTC"), ISTANBUL, "2020-11-16 09:30:00"),
        (
            dt.datetime(2020, 11, 16, 9, 30, tzinfo=ZoneInfo("Europe/Istanbul")),
            ISTANBUL,
            "2020-11-16 09:30:00",
        ),
        ("2020-11-16T06:30:00+00:00", ISTANBUL, "2020-11-16 09:30:00"),
        (" 2020-11-16T06:30:00Z ", ISTANBUL, "2020-11-16 09:30:00"),
        ("2020-11-16 01:30:00-05:00", ISTANBUL, "2020-11-16 09:30:00"),
        ("2020-11-16T22:15:59.999999+00:00", ISTANBUL, "2020-11-17 01:15:59"),
        (dt.datetime(5, 1, 1, tzinfo=dt.UTC), pendulum.timezone("UTC"), "0005-01-01 00:00:00"),
    ],
    ids=str,
)
def test_an_instant_becomes_the_vendors_local_text(value: Any, zone: Any, text: str) -> None:
    assert local_text(value, "schedule_start", zone=zone) == text


@pytest.mark.parametrize(
    ("utc", "text"),
    [
        ("2026-03-29T00:59:59Z", "2026-03-29 01:59:59"),
        ("2026-03-29T01:00:00Z", "2026-03-29 03:00:00"),
        ("2026-10-24T23:59:59Z", "2026-10-25 01:59:59"),
        ("2026-10-25T02:00:00Z", "2026-10-25 03:00:00"),
    ],
    ids=["before the gap", "after the gap", "before the repeated hour", "after the repeated hour"],
)
def test_edges_of_daylight_saving_time(utc: str, text: str) -> None:
    assert local_text(utc, "schedule_start", zone=BERLIN) == text


@pytest.mark.parametrize(
    "utc", ["2026-10-25T00:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"]
)
def test_an_hour_that_occurs_twice_is_refused(utc: str) -> None:
    with pytest.raises(InvalidInput, match=r"schedule_end .* occurs twice in Europe/Berlin"):
        local_text(utc, "schedule_end", zone=BERLIN)


def test_a_change_of_half_an_hour_is_seen_too() -> None:
    with pytest.raises(InvalidInput, match="occurs twice"):
        local_text("2026-04-04T15:15:00Z", "schedule_start", zone=LORD_HOWE)
    assert local_text("2026-04-04T16:00:00Z", "schedule_start", zone=LORD_HOWE) == "2026-04-05 02:30:00"


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Berlin"), BERLIN], ids=["zoneinfo", "pendulum"])
def test_a_wall_time_that_is_skipped_is_the_instant_it_stands_for(zone: Any) -> None:
    skipped = dt.datetime(2026, 3, 29, 2, 30, tzinfo=zone)
    assert local_text(skipped, "schedule_start", zone=BERLIN) == "2026-03-29 03:30:00"


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2020, 11, 16, 9, 30),
        pendulum.naive(2020, 11, 16),
        "2020-11-16 09:30:00",
        "2020-11-16",
        dt.date(2020, 11, 16),
        "tomorrow",
        "None",
        "",
        1605512345,
        None,
    ],
    ids=repr,
)
def test_what_names_no_instant_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="schedule_start: expected a datetime with a time zone"):
        instant(value, "schedule_start")


def test_a_date_beyond_the_calendar_of_the_zone() -> None:
    with pytest.raises(InvalidInput, match=r"schedule_end .* is out of range in Europe/Istanbul"):
        local_text(dt.datetime.max.replace(tzinfo=dt.UTC), "schedule_end", zone=ISTANBUL)


@given(
    st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
    st.sampled_from([ISTANBUL, BERLIN, LORD_HOWE, pendulum.timezone("America/New_York")]),
)
def test_the_text_read_in_the_zone_is_the_instant_again(value: dt.datetime, zone: Any) -> None:
    try:
        text = local_text(value, "schedule_start", zone=zone)
    except InvalidInput:
        local = value.astimezone(ZoneInfo(zone.name))
        assert local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return
    read = dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone.name))
    assert read == value.replace(microsecond=0)
