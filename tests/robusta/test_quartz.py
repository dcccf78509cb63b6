"""Quartz cron expressions: what is told from a Unix cron and from nonsense, and what is left to Robusta."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.robusta.api.quartz import FORM, check_quartz

DOCUMENTED = [
    "0 0 12 * * ?",
    "0 15 10 * * ? 2026",
    "0 0/5 14,18 * * ?",
    "0 10,44 14 ? 3 WED",
    "0 15 10 ? * MON-FRI",
    "0 15 10 LW * ?",
    "0 15 10 L-3W * ?",
    "0 15 10 ? * FRIL",
    "0 15 10 ? * 6L 2026-2029",
    "0 15 10 ? * fri#3",
    "0 0 22-2 ? NOV-feb SUN,Tue",
    "/5 * * * * ?",
]

REFUSED = {
    "@daily": r"has 1 field\(s\)",
    "": r"has 0 field\(s\)",
    "0 0 9 * * ? 2026 x": r"has 8 field\(s\)",
    "0 30 9 ? * FR": "'FR' is not a valid day-of-week",
    "0 30 9 ? * MONDAY": "'MONDAY' is not a valid day-of-week",
    "0 0 9 1 JANUARY ?": "'JANUARY' is not a valid month",
    "0 0 9 MON * ?": "'MON' is not a valid day-of-month",
    "0 JAN 9 * * ?": "'JAN' is not a valid minute",
    "? 0 9 1 * ?": r"'\?' is not a valid second",
    "0 \u0661 9 * * ?": "is not a valid minute",
    "0 0 9 1 * ? soon": "'soon' is not a valid year",
    "0 30 9 * * 1-5": "exactly one of",
    "0 30 9 1 * MON": "exactly one of",
    "0 30 9 ? * ?": "exactly one of",
}


@pytest.mark.parametrize("text", DOCUMENTED)
def test_what_quartz_documents_is_taken(text: str) -> None:
    assert check_quartz(text) == text


def test_fields_are_set_apart_by_single_spaces() -> None:
    assert check_quartz("  0 30\t9  ? * FRI\n") == "0 30 9 ? * FRI"


@pytest.mark.parametrize("text", ["0 0 25 * * ?", "0 */0 9 * * ?", "0 30 9 ? * 9", "0 0 9 31 2 ?"])
def test_values_are_left_to_robusta(text: str) -> None:
    assert check_quartz(text) == text


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_quartz_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(InvalidInput, match=REFUSED[text]) as caught:
        check_quartz(text)
    assert "quartz_def" in str(caught.value)
    assert FORM in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, ["0 0 9 * * ?"]], ids=repr)
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="It must be a Quartz expression"):
        check_quartz(value)


@pytest.mark.parametrize("text", ["30 9 * * 1-5", "0 9 1 * MON", "a b c d e"])
def test_a_unix_cron_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Unix cron expression of 5 fields") as caught:
        check_quartz(text)
    assert FORM in str(caught.value)
    assert "from Sunday as 1" in str(caught.value)


@given(st.text() | st.lists(st.text("0123456789*/,-?#LWMONJA", max_size=5)).map(" ".join))
def test_any_text_is_either_taken_or_refused(text: str) -> None:
    try:
        taken = check_quartz(text)
    except InvalidInput:
        return
    assert check_quartz(taken) == taken
    assert taken.split().count("?") == 1
