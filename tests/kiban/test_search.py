"""What the history tells of an execution whose id was never heard."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.search import PAGE, by_mark, holds_mark, in_period
from airflow_provider_workflows.protocol.errors import NotFound, ServiceUnavailable, UnreadableAnswer
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
    return Driven(by_mark(API, since=SINCE, field="key", mark=MARK), answers)


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
        (execution({"key": MARK[:20]}), None),
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
        "a part of the mark",
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
    assert holds_mark(shown, "key", MARK) is told


def test_the_first_one_with_the_mark_is_enough() -> None:
    driven = marked(ok([item("e1"), item("e2", {"key": MARK})], link='<https://x/?page=2>; rel="next"'))
    assert driven.result == Found("e2")


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
    assert marked(ok(others), ok([])).result == Absent()


def test_pages_that_lead_back_are_no_list() -> None:
    link = '<https://x/?page=1>; rel="next"'
    with pytest.raises(UnreadableAnswer, match="calls page 1 the one after 1"):
        marked(ok([item("e1", {"key": "another"})], link=link))


def test_none_and_others_are_absent() -> None:
    assert marked(ok([])).result == Absent()
    assert marked(ok([item("e1", {"key": "another"}), item("e2", {"key": "third"})])).result == Absent()


def test_hidden_ones_are_named_and_may_show_later() -> None:
    driven = marked(ok([item("e1", {"key": "another"}), *(item(f"e{n}") for n in range(2, 9))]))
    assert isinstance(driven.result, CannotKnow)
    assert driven.result.may_change
    assert "7 executions" in driven.result.why
    assert "(e2, e3, e4, e5, e6, ...)" in driven.result.why


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
    with pytest.raises(UnreadableAnswer, match="without id"):
        marked(ok([{**one, "content": execution({"key": MARK})}]))
    with pytest.raises(UnreadableAnswer, match="without id"):
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
    assert isinstance(driven.result, CannotKnow)
    assert not driven.result.may_change
    assert "lists 3 begun since 2026-01-02 03:04:05 UTC" in driven.result.why
    assert "the newest e09 of 2026-01-02T03:04:09Z" in driven.result.why
    assert all("content" not in request.path for request in driven.requests)


def test_in_a_period_none_is_absent() -> None:
    assert Driven(in_period(API, since=SINCE), [ok([])]).result == Absent()
    told = Driven(in_period(API, since=SINCE), [ok([{"id": "e1"}])]).result
    assert "the newest e1 of an unknown time" in told.why
