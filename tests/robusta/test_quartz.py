"""Quartz cron expressions: what is one, what is none, and what a Unix cron is in them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.robusta.quartz import DAYS, FORM, MONTHS, check_quartz, from_unix

VALID = [
    "0 0 12 * * ?",
    "0 15 10 ? * *",
    "0 15 10 * * ? 2026",
    "0 15 10 * * ? *",
    "0 * 14 * * ?",
    "0 0/5 14,18 * * ?",
    "0 0-5 14 * * ?",
    "0 10,44 14 ? 3 WED",
    "0 15 10 ? * MON-FRI",
    "0 15 10 15 * ?",
    "0 15 10 L * ?",
    "0 15 10 L-2 * ?",
    "0 15 10 LW * ?",
    "0 15 10 L-3W * ?",
    "0 15 10 15W * ?",
    "0 15 10 ? * 6L",
    "0 15 10 ? * FRIL",
    "0 15 10 ? * L",
    "0 15 10 ? * 6L 2026-2029",
    "0 15 10 ? * 6#3",
    "0 15 10 ? * fri#3",
    "0 0 12 1/5 * ?",
    "0 11 11 11 11 ?",
    "0 0 22-2 ? NOV-feb SUN,Tue",
    "/5 * * * * ?",
    "*/10 0 0 ? 1/3 2/2 2026/2",
]

INVALID = [
    ("0 30 9 ? * FR", "day-of-week: 'FR' is not 1 to 7 or SUN"),
    ("0 30 9 ? * 0", "day-of-week"),
    ("0 30 9 ? * 8", "day-of-week"),
    ("0 30 9 ? * MONDAY", "day-of-week"),
    ("0 30 9 ? * 6#6", "day-of-week"),
    ("0 30 9 ? * 6#3,2", "day-of-week"),
    ("0 30 9 ? * L,2", "day-of-week"),
    ("0 30 9 ? * 1-5-6", "day-of-week"),
    ("0 30 9 ? * MON-6", "mixes a name and a number"),
    ("0 30 9 ? * MON/2", "numbers, not names"),
    ("0 30 9 * * *", "exactly one of"),
    ("0 30 9 ? * ?", "exactly one of"),
    ("0 30 9 1 * MON", "exactly one of"),
    ("60 30 9 * * ?", "second: '60' is not 0 to 59"),
    ("0 60 9 * * ?", "minute"),
    ("0 0 24 * * ?", "hour"),
    ("0 0 9 0 * ?", "day-of-month"),
    ("0 0 9 32 * ?", "day-of-month"),
    ("0 0 9 32W * ?", "day-of-month"),
    ("0 0 9 1,15W * ?", "day-of-month"),
    ("0 0 9 L-31 * ?", "day-of-month"),
    ("0 0 9 1 0 ?", "month"),
    ("0 0 9 1 13 ?", "month"),
    ("0 0 9 1 JANUARY ?", "month"),
    ("0 0 9 1 * ? 1969", "year"),
    ("0 0 9 1 * ? 2100", "year"),
    ("0 0 9 1 * ? 2030-2026", "runs backwards"),
    ("? 0 9 1 * ?", "second"),
    ("0 */0 9 * * ?", "step after / must be 1 to 59"),
    ("0 */60 9 * * ?", "step"),
    ("0 0 */24 * * ?", "step after / must be 1 to 23"),
    ("0 0/x 9 * * ?", "step"),
    ("0 0/ 9 * * ?", "step"),
    ("0 1,,2 9 * * ?", "minute"),
    ("0 1- 9 * * ?", "minute"),
    ("0 -1 9 * * ?", "minute"),
    ("0 \u0661 9 * * ?", "minute"),
    ("0 JAN 9 * * ?", "minute"),
    ("0 0 9 MON * ?", "day-of-month"),
    ("@daily", r"1 field\(s\)"),
    ("", r"0 field\(s\)"),
    ("0 0 9 * * ? 2026 x", r"8 field\(s\)"),
]

UNIX = [
    ("30 9 * * 1-5", "0 30 9 ? * MON-FRI"),
    ("0 0 * * 0", "0 0 0 ? * SUN"),
    ("0 0 * * 7", "0 0 0 ? * SUN"),
    ("*/15 * * * *", "0 */15 * * * ?"),
    ("0 6 1,15 * *", "0 0 6 1,15 * ?"),
    ("5 4 * jan-mar sun", "0 5 4 ? JAN-MAR SUN"),
    ("0 9 * * 1-5/2", "0 0 9 ? * 2-6/2"),
    ("0 9 * * */2", "0 0 9 ? * */2"),
]


@pytest.mark.parametrize("text", VALID)
def test_what_quartz_documents_is_taken(text: str) -> None:
    assert check_quartz(text) == text


def test_fields_are_set_apart_by_single_spaces() -> None:
    assert check_quartz("  0 30\t9  ? * FRI\n") == "0 30 9 ? * FRI"


@pytest.mark.parametrize(("text", "reason"), INVALID)
def test_what_is_no_quartz_is_refused_with_the_field_and_the_right_form(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        check_quartz(text)
    assert "quartz_def" in str(caught.value)
    assert FORM in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, ["0 0 9 * * ?"]], ids=repr)
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="quartz_def must be a Quartz expression"):
        check_quartz(value)


@pytest.mark.parametrize(("unix", "quartz"), UNIX)
def test_a_unix_cron_is_refused_with_the_same_schedule_in_quartz(unix: str, quartz: str) -> None:
    with pytest.raises(InvalidInput, match="Unix cron expression of 5 fields") as caught:
        check_quartz(unix)
    assert f"the same in Quartz is {quartz!r}" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["0 9 1 * MON", "0 9 * * 0-7", "0 9 * * 8", "99 9 * * *", "a b c d e", "0 9 * * MON#"]
)
def test_a_unix_cron_without_such_a_schedule_is_refused_with_the_form(text: str) -> None:
    assert from_unix(text) is None
    with pytest.raises(InvalidInput, match="Unix cron expression of 5 fields") as caught:
        check_quartz(text)
    assert FORM in str(caught.value)


def test_only_five_fields_are_unix() -> None:
    assert from_unix("0 0 9 * * ?") is None


# Expressions made from the grammar, with what each numeric field amounts to.


def values(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    single = numbers.map(str)
    span = st.tuples(numbers, numbers).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    stepped = st.tuples(st.just("*") | single | span, st.integers(1, high - low or 1)).map(
        lambda parts: f"{parts[0]}/{parts[1]}"
    )
    choices = [single, span, stepped]
    if names:
        choices += [
            st.sampled_from(names),
            st.tuples(st.sampled_from(names), st.sampled_from(names)).map(lambda ends: "-".join(ends)),
        ]
    return st.just("*") | st.lists(st.one_of(choices), min_size=1, max_size=3).map(",".join)


MINUTES, HOURS = values(0, 59), values(0, 23)
MONTH_DAYS, MONTH_NUMBERS = values(1, 31), values(1, 12, MONTHS)
WEEKDAYS = values(1, 7, DAYS) | st.tuples(st.sampled_from(DAYS), st.integers(1, 5)).map(
    lambda parts: f"{parts[0]}#{parts[1]}"
)
DAY_PAIRS = st.tuples(MONTH_DAYS, st.just("?")) | st.tuples(st.just("?"), WEEKDAYS)


@st.composite
def quartz_fields(draw: st.DrawFn) -> list[str]:
    day, weekday = draw(DAY_PAIRS)
    fields = [draw(MINUTES), draw(MINUTES), draw(HOURS), day, draw(MONTH_NUMBERS), weekday]
    return fields + draw(st.lists(values(1970, 2099), max_size=1))


@given(quartz_fields())
def test_every_expression_of_the_grammar_is_taken(fields: list[str]) -> None:
    assert check_quartz(" ".join(fields)) == " ".join(fields)


@given(quartz_fields(), st.data())
def test_one_value_out_of_range_is_refused_wherever_it_stands(fields: list[str], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([n for n, text in enumerate(fields) if text != "?"]))
    wrong = data.draw(st.sampled_from(["2100", "-1", "x", "1-", "*/0", "1,?", "", "**", "1//2"]))
    assume(wrong)
    fields[place] = data.draw(
        st.sampled_from([wrong, f"{fields[place]},{wrong}", f"{wrong},{fields[place]}"])
    )
    with pytest.raises(InvalidInput):
        check_quartz(" ".join(fields))


@given(quartz_fields())
def test_without_its_question_mark_it_is_refused(fields: list[str]) -> None:
    with pytest.raises(InvalidInput, match="exactly one of"):
        check_quartz(" ".join("*" if text == "?" else text for text in fields))


@given(st.text(alphabet="0123456789*?/,-LW#JANFRI \t", max_size=30))
def test_any_text_is_taken_or_refused_as_input(text: str) -> None:
    try:
        taken = check_quartz(text)
    except InvalidInput:
        return
    assert check_quartz(taken) == taken
    assert len(taken.split()) in (6, 7)


UNIX_DAYS = values(0, 6)


def expanded(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """What a field amounts to; an independent reading for plain numbers, names, spans and steps."""
    found: set[int] = set()
    for entry in text.split(","):
        span, _, step = entry.partition("/")
        first, dash, last = span.partition("-")
        begin, end = (
            (low, high) if span == "*" else (_number(first, low, names), _number(last or first, low, names))
        )
        if step and not dash and span != "*":
            end = high
        if end < begin:
            end += high - low + 1
        found |= {low + (n - low) % (high - low + 1) for n in range(begin, end + 1, int(step or 1))}
    return found


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    return low + names.index(text) if text in names else int(text)


@given(MINUTES, HOURS, MONTH_DAYS, values(1, 12), UNIX_DAYS)
def test_a_suggested_expression_means_the_same_days_and_times(
    minute: str, hour: str, day: str, month: str, weekday: str
) -> None:
    for fields in ([minute, hour, day, month, "*"], [minute, hour, "*", month, weekday]):
        suggested = from_unix(" ".join(fields))
        if suggested is None:
            # Steps that Unix takes and Quartz does not, and 0-6/n before a single day.
            continue
        second, *rest = check_quartz(suggested).split()
        assert second == "0"
        assert rest[:2] == [minute, hour]
        assert rest[3] == month
        if fields[4] == "*":
            assert rest[2] == fields[2]
        else:
            shifted = {number % 7 + 1 for number in expanded(weekday, 0, 6)}
            assert expanded(rest[4], 1, 7, DAYS) == shifted


@given(st.sets(st.integers(0, 7), min_size=1))
def test_plain_weekdays_always_have_a_suggestion(days: set[int]) -> None:
    suggested = from_unix(f"0 9 * * {','.join(map(str, sorted(days)))}")
    assert suggested is not None
    assert expanded(suggested.split()[5], 1, 7, DAYS) == {day % 7 + 1 for day in days}
