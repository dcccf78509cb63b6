"""What the history tells of an execution whose id was never heard."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.submission.effect import Found, NotSent, Unknown
from airflow_provider_workflows.exceptions import NotFound, ServiceUnavailable, UnreadableAnswer
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.effects.marks import Marks
from airflow_provider_workflows.kiban.effects.search import (
    MOST_PAGES,
    PAGE,
    Several,
    by_marks,
    in_period,
)
from tests.kiban.driving import Driven, ok

MARK = "af-loans-apply-0123456789ab"
API = KibanApi(key="k", sandbox=True)
SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def execution(*forms: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """Return the detail of an execution that shows these forms."""
    nodes = [{"name": "n", "form": None if form is None else {"fields": form}} for form in forms]
    return {"status": "PROGRESS", "nodes": nodes or None, **more}


def item(id: str, *forms: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": id, "createdAt": f"2026-01-02T03:04:{id[1:]}Z", "content": execution(*forms)}


def marked(*answers: Any) -> Driven:
    driven = Driven(by_marks(API, since=SINCE, field="key", marks=[MARK]), answers)
    driven.result = driven.result[MARK]
    return driven


def holds_mark(shown: dict[str, Any], mark: str = MARK) -> bool | None:
    """Return whether an execution holds a mark; None if it may."""
    held, perhaps = Marks("key", [mark]).judge(shown)
    assert {*held, *perhaps} <= {mark}
    return True if held else None if perhaps else False


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (execution({"key": MARK}), True),
        (execution({"key": f" {MARK.upper()} "}), True),
        (execution(None, {"other": "x"}, {"key": MARK}), True),
        (execution({"key": "another"}, {"key": MARK}), True),
        (execution({"key": "another"}), False),
        (execution({"key": MARK[:-1] + "c"}), False),
        (execution({"key": 7}), False),
        (execution({"key": MARK.replace("-", "")}), True),
        (execution({"key": MARK.replace("-", " ").upper()}), True),
        (execution({"key": MARK.replace("-", "_")}), True),
        (execution({"key": MARK[3:]}), None),
        (execution({"key": f"ref {MARK} (loan)"}), None),
        (execution({"key": "another"}, {"key": MARK[-12:]}), None),
        (execution({"key": MARK[:20]}), None),
        (execution({"key": MARK[:20].replace("-", "")}), None),
        (execution({"key": "***"}), None),
        (execution({"key": ""}), None),
        (execution({"key": "  "}), None),
        (execution({"key": None}), None),
        (execution({"other": MARK}), None),
        (execution({}), None),
        (execution(None), None),
        (execution(), None),
        ({"nodes": [{"form": [MARK]}, 7]}, None),
    ],
    ids=[
        "the mark",
        "the mark, tidied",
        "the mark in a later form",
        "the mark in a second form",
        "another value",
        "another mark",
        "a number",
        "the mark without hyphens",
        "the mark with blanks",
        "the mark with underscores",
        "the mark's end",
        "the mark in a text",
        "another value, and the mark's digits",
        "a part of the mark",
        "a part of the mark without hyphens",
        "neither letters nor digits",
        "empty",
        "blank",
        "null",
        "in another field",
        "an empty form",
        "no form",
        "no nodes yet",
        "another shape",
    ],
)
def test_holds_mark(shown: dict[str, Any], told: bool | None) -> None:
    assert holds_mark(shown) is told


@pytest.mark.parametrize("mark", ["", "--"], ids=repr)
def test_nothing_holds_a_mark_that_is_not_known(mark: str) -> None:
    for shown in ("", "--", "another"):
        assert holds_mark(execution({"key": shown}), mark) is None


def test_one_with_the_mark_is_found_beside_others() -> None:
    assert marked(ok([item("e1"), item("e2", {"key": MARK}), item("e3", {"key": "x"})])).result == Found("e2")


def test_two_with_the_mark_are_both_named() -> None:
    link = '<https://x/?page=2>; rel="next"'
    told = marked(ok([item("e1", {"key": MARK})], link=link), ok([item("e2", {"key": MARK.upper()})])).result
    assert isinstance(told, Several)
    assert not told.may_change
    assert ": e1, e2" in told.why


def test_one_that_is_listed_twice_is_one() -> None:
    link = '<https://x/?page=2>; rel="next"'
    ours, other = item("e1", {"key": MARK}), item("e2", {"key": "another"})
    assert marked(ok([ours], link=link), ok([ours, other])).result == Found("e1")


@pytest.mark.parametrize("beyond", [ok(status=400), ok(status=500), ok([{}])], ids=["400", "500", "no id"])
def test_what_was_found_stays_found(beyond: Reply) -> None:
    link = '<https://x/?page=2>; rel="next"'
    assert marked(ok([item("e1", {"key": MARK})], link=link), beyond).result == Found("e1")


def test_every_page_is_looked_at() -> None:
    link = '<https://workfloo.kiban.com/api/v2/workfloo?page=2&sandbox=true>; rel="next"'
    other = item("e1", {"key": "another"})
    driven = marked(ok([other], link=link), ok([item("e2", {"key": MARK})]))
    assert driven.result == Found("e2")
    queries = [parse_qs(urlsplit(request.path).query) for request in driven.requests]
    assert [query["page"] for query in queries] == [["1"], ["2"]]
    for query in queries:
        assert query["from"] == ["2026-01-02T03:04:05+00:00"]
        assert query["content"] == ["true"]
        assert query["sandbox"] == ["true"]
        assert "status" not in query
        assert "to" not in query


def test_a_full_page_without_a_link_is_not_the_last() -> None:
    others = [item("e1", {"key": "another"})] * PAGE
    assert marked(ok(others), ok([item("e2", {"key": MARK})])).result == Found("e2")
    assert marked(ok(others), ok([])).result == NotSent()


def full(number: int) -> list[dict[str, Any]]:
    """Return a full page of executions that show another value; no page is like another."""
    return [item(f"e{number}-{n}", {"key": "another"}) for n in range(PAGE)]


NEXT_IS_1 = '<https://x/?page=1>; rel="next"'
NEXT_IS_3 = '<https://x/?page=3>; rel="next"'
UNENDING: list[tuple[str, list[Reply], str]] = [
    ("the last page again", [ok(full(1)), ok(full(2)), ok(full(2))], "page 3 .* only repeats earlier pages"),
    ("page is ignored", [ok(full(1)), ok(full(1))], "page 2 .* only repeats earlier pages"),
    ("a remnant of the page before", [ok(full(1)), ok(full(1)[-1:])], "page 2 .* only repeats earlier pages"),
    ("an empty page that is not the last", [ok(full(1)), ok([], link=NEXT_IS_3)], "page 2 .* only repeats"),
    (
        "back to the first page",
        [ok([item("e1", {"key": "another"})], link=NEXT_IS_1)],
        "names page 1 as the next",
    ),
]
EITHER = pytest.mark.parametrize("how", ["by mark", "in period"])


def searched(how: str, answers: Iterable[Reply]) -> Any:
    if how == "by mark":
        return marked(*answers).result
    return Driven(in_period(API, since=SINCE), answers).result


@EITHER
@pytest.mark.parametrize(
    ("answers", "why"), [case[1:] for case in UNENDING], ids=[case[0] for case in UNENDING]
)
def test_pages_that_lead_nowhere_leave_a_doubt(how: str, answers: list[Reply], why: str) -> None:
    told = searched(how, answers)
    assert isinstance(told, Unknown)
    assert re.search(why, told.why)
    assert told.may_change is (how == "by mark")


def test_no_executions_before_pages_that_lead_nowhere() -> None:
    told = searched("in period", [ok([], link=NEXT_IS_3)])
    assert isinstance(told, Unknown)
    assert told.may_change


def test_pages_that_lead_nowhere_do_not_hide_what_was_found() -> None:
    page = [item("e0", {"key": MARK}), *full(1)[1:]]
    assert marked(ok(page), ok(page)).result == Found("e0")
    assert marked(ok([item("e0", {"key": MARK})], link=NEXT_IS_1)).result == Found("e0")


@EITHER
def test_pages_are_read_up_to_a_bound(how: str) -> None:
    """Each page brings one more, and a link to the next."""
    pages = [
        ok([item(f"e{n}", {"key": "another"})], link=f'<https://x/?page={n + 1}>; rel="next"')
        for n in range(1, MOST_PAGES + 1)
    ]
    told = searched(how, pages)
    assert isinstance(told, Unknown)
    assert f"has more than {MOST_PAGES} pages" in told.why
    last = ok([item("e", {"key": "another"})])
    assert "has more than" not in str(searched(how, [*pages[:-1], last]))


def test_none_and_others_are_absent() -> None:
    assert marked(ok([])).result == NotSent()
    assert marked(ok([item("e1", {"key": "another"}), item("e2", {"key": "third"})])).result == NotSent()


def test_hidden_ones_are_named_and_may_show_later() -> None:
    driven = marked(ok([item("e1", {"key": "another"}), *(item(f"e{n}") for n in range(2, 9))]))
    assert isinstance(driven.result, Unknown)
    assert driven.result.may_change
    assert "7 executions" in driven.result.why
    assert ": e2, e3, e4, e5, e6, ..." in driven.result.why


@pytest.mark.parametrize("shape", ["content", "execution", "item"])
def test_where_the_content_stands(shape: str) -> None:
    content = execution({"key": MARK}, id="e1")
    one = content if shape == "item" else {"id": "e1", "labels": None, "other": {}, shape: content}
    assert marked(ok([one])).result == Found("e1")


def test_an_item_without_content_is_read_by_itself() -> None:
    driven = marked(ok([{"id": "e1", "name": "Loan"}]), ok(execution({"key": MARK})))
    assert driven.result == Found("e1")
    assert driven.requests[1].path == "/api/v1/workfloo/e1?sandbox=true"
    with pytest.raises(NotFound):
        marked(ok([{"id": "e1", "name": "Loan"}]), ok(status=404))


@pytest.mark.parametrize("one", [{}, {"id": 7}, {"id": ""}], ids=str)
def test_an_item_without_id_is_no_item(one: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer, match="without a valid id"):
        marked(ok([{**one, "content": execution({"key": MARK})}]))
    with pytest.raises(UnreadableAnswer, match="without a valid id"):
        Driven(in_period(API, since=SINCE), [ok([one])])


def test_a_page_that_cannot_be_read_is_no_end_of_the_list() -> None:
    link = '<https://x/?page=2>; rel="next"'
    with pytest.raises(ServiceUnavailable):
        marked(ok([item("e1", {"key": "another"})], link=link), ok(status=500))


def test_in_a_period_all_pages_count() -> None:
    link = '<https://x/?page=2>; rel="next"'
    driven = Driven(
        in_period(API, since=SINCE), [ok([item("e07"), item("e09")], link=link), ok([item("e08")])]
    )
    assert isinstance(driven.result, Unknown)
    assert not driven.result.may_change
    assert "lists 3 executions that began since 2026-01-02 03:04:05 UTC" in driven.result.why
    assert "The newest is e09 of 2026-01-02T03:04:09Z" in driven.result.why
    assert all("content" not in request.path for request in driven.requests)


def test_in_a_period_none_is_absent() -> None:
    assert Driven(in_period(API, since=SINCE), [ok([])]).result == NotSent()
    told = Driven(in_period(API, since=SINCE), [ok([{"id": "e1"}])]).result
    assert "The newest is e1 of an unknown time" in told.why
