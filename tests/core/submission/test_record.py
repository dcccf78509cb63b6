"""The record: what is written is read again, whoever wrote it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.submission.record import (
    FORMAT,
    Record,
    derive_mark,
    fingerprint,
    read_record,
)
from tests.core.harness import TaskInstance

WHEN = "2026-03-01T12:00:00+00:00"
AT = 1772366400.0

seconds = st.floats(min_value=0, max_value=4e9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=6,
)
records = st.builds(
    Record,
    mark=st.text(),
    generation=st.integers(min_value=0, max_value=10**6),
    subject=st.text(),
    payload=st.text(),
    mark_place=st.text(),
    intended_at=seconds,
    lost_at=st.none() | seconds,
    baseline=json_values,
    note=json_values,
    id=json_values,
    accepted_at=st.none() | seconds,
)


def kept(record: Record) -> Any:
    """Return what the store gives back."""
    return json.loads(json.dumps({**record.to_json(), "generation": record.generation}))


class TestRoundTrip:
    @given(records)
    def test_all_of_it_comes_back(self, record: Record) -> None:
        read = read_record(kept(record))
        times = ("intended_at", "lost_at", "accepted_at")
        for name in times:
            there, back = getattr(record, name), getattr(read, name)
            assert back == pytest.approx(there, abs=1e-5) if there is not None else back is None
        same: dict[str, Any] = {name: getattr(read, name) for name in times}
        assert replace(record, **same) == read

    @given(records)
    def test_a_second_time_it_is_the_same_text(self, record: Record) -> None:
        first = kept(record)
        assert kept(read_record(first)) == first

    @given(records)
    def test_as_text_it_is_the_same(self, record: Record) -> None:
        assert read_record(json.dumps(kept(record))) == read_record(kept(record))

    def test_what_is_not_known_is_left_out_and_dates_are_readable(self) -> None:
        record = Record(mark="m", generation=0, subject="an order", payload="sha256:1", intended_at=AT)
        assert record.to_json() == {
            "format": FORMAT,
            "subject": "an order",
            "mark": "m",
            "payload": "sha256:1",
            "intended_at": WHEN,
            "generation": 0,
        }


class TestWrittenByHand:
    @pytest.mark.parametrize("value", ["run-1", 17, "17", ["a", 1], 1.5])
    def test_a_bare_value_is_the_id(self, value: Any) -> None:
        read = read_record(value)
        assert (read.id, read.id_from_person, read.mark, read.intended_at) == (value, True, "", 0.0)

    @pytest.mark.parametrize("text", ['{"id": "run-1"}', ' \n{"id": "run-1"}'])
    def test_a_record_may_come_as_text(self, text: str) -> None:
        assert read_record(text) == read_record({"id": "run-1"})

    def test_an_id_in_an_intent_is_id_from_person(self) -> None:
        intent = {"format": FORMAT, "mark": "m", "intended_at": WHEN, "generation": 3}
        assert not read_record(intent).id_from_person
        read = read_record({**intent, "id": "run-1"})
        assert (read.id_from_person, read.mark, read.generation) == (True, "m", 3)
        assert not read_record({**intent, "id": "run-1", "accepted_at": WHEN}).id_from_person

    @pytest.mark.parametrize("date", [WHEN, "2026-03-01T12:00:00", "2026-03-01 13:00:00+01:00", AT, int(AT)])
    def test_dates_in_every_form(self, date: Any) -> None:
        assert read_record({"intended_at": date}).intended_at == AT

    def test_an_id_taken_out_again_is_an_intent(self) -> None:
        assert read_record({"id": None, "mark": "m"}).id is None


@pytest.mark.parametrize("spelling", [FORMAT - 1, FORMAT + 1, 99, "2", None, [2], 1.5, {"a": 1}])
def test_another_format_is_not_guessed_at(spelling: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"in format {spelling!r}")):
        read_record({"format": spelling, "id": "run-1", "accepted_at": WHEN})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"intended_at": "yesterday"},
        {"intended_at": [1]},
        {"lost_at": {}},
        {"accepted_at": "soon"},
        {"accepted_at": float("inf")},
        {"lost_at": float("nan")},
        {"intended_at": 10**20},
        {"intended_at": "0001-01-01T00:00:00+10:00"},
        {"intended_at": -(10**20)},
        {"generation": "first"},
        {"generation": None},
        {"generation": float("inf")},
        '{"id": ',
        '{"id": "run-1"} or so',
    ],
)
def test_what_a_person_has_spoilt_is_an_error_of_one_kind(spoilt: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_record(spoilt)


@given(json_values)
def test_any_value_is_read_or_refused(value: Any) -> None:
    try:
        record = read_record(value)
    except (TypeError, ValueError):
        return
    record.to_json()


class TestMarks:
    AWKWARD: ClassVar[dict[str, Any]] = {
        "ti": TaskInstance(dag_id="Bestellung über 100€ " * 5, task_id="grp.öffnen")
    }

    def test_they_are_readable_unique_and_plain(self) -> None:
        marks = {derive_mark(self.AWKWARD, namespace=str(number)) for number in range(50)}
        marks.add(derive_mark({}, namespace="0"))
        assert len(marks) == 51
        assert all(re.fullmatch(r"af-[A-Za-z0-9-]{1,61}", mark) for mark in marks)
        assert any(mark.startswith("af-Bestellung--ber-100") for mark in marks)

    def test_a_derived_one_is_the_same_in_every_attempt(self) -> None:
        first, second = (TaskInstance(try_number=number, max_tries=3) for number in (1, 2))
        assert derive_mark({"ti": first}, namespace="prod") == derive_mark({"ti": second}, namespace="prod")
        assert re.fullmatch(r"af-[A-Za-z0-9-]{1,61}", derive_mark(self.AWKWARD, namespace="prod"))

    @pytest.mark.parametrize(
        "other", [{"dag_id": "e"}, {"task_id": "u"}, {"max_tries": 1}, {"run_id": "r2"}, {"map_index": 4}]
    )
    def test_a_derived_one_is_another_for_another_task(self, other: dict[str, Any]) -> None:
        known = {"dag_id": "d", "run_id": "r1", "task_id": "t", "map_index": 3, "max_tries": 0}
        marks = {
            derive_mark({"ti": Instance(**{**known, **change})}, namespace="prod") for change in ({}, other)
        }
        assert len(marks) == 2

    def test_a_derived_one_is_another_in_another_installation(self) -> None:
        context = {"ti": TaskInstance()}
        assert derive_mark(context, namespace="a") != derive_mark(context, namespace="b")

    def test_names_do_not_run_into_one_another(self) -> None:
        known = {"run_id": "r", "map_index": -1, "max_tries": 0}
        left, right = (
            Instance(dag_id="a-b", task_id="c", **known),
            Instance(dag_id="a", task_id="b-c", **known),
        )
        assert derive_mark({"ti": left}, namespace="") != derive_mark({"ti": right}, namespace="")


class Instance:
    """A task instance with all names that Airflow gives it."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


class TestFingerprint:
    def test_it_notices_a_change_and_no_order_of_keys(self) -> None:
        assert fingerprint({"a": 1, "b": 2}, mark="m") == fingerprint({"b": 2, "a": 1}, mark="m")
        assert fingerprint({"a": 1}, mark="m") != fingerprint({"a": "1"}, mark="m")

    def test_alike_values_of_two_tasks_do_not_look_alike(self) -> None:
        assert fingerprint({"a": 1}, mark="m") != fingerprint({"a": 1}, mark="n")

    def test_it_shows_nothing_of_the_values(self) -> None:
        assert re.fullmatch(r"sha256:[0-9a-f]{16}", fingerprint({"password": "s3cret"}, mark="m"))
