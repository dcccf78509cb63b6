"""What is read from a case document, and whose run of an activity it shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.blizwork.api.case import Case, Move, judge_move

USER = "bot@example.com"
FILE = {"fileName": "a.pdf", "fileUrl": "https://x.y/1"}


def entry(form: str | None, to: str | None, by: Any = USER) -> dict[str, Any]:
    return {
        "updatedBy": by,
        "updatedOn": "2026-01-01T00:00:00",
        "currentActivity": form and {"formId": form},
        "nextActivity": to and {"formId": to},
    }


OPENED = entry("application", "application")
REVIEWED = entry("review", None)


def case(*history: Any, **document: Any) -> Case:
    return Case({"history": list(history), **document})


@pytest.mark.parametrize(
    ("history", "pending"),
    [
        ([OPENED], "application"),
        ([OPENED, entry("application", "review")], "review"),
        ([OPENED, entry("application", "review"), REVIEWED], None),
        ([], None),
    ],
    ids=["opened", "moved", "ended", "no history"],
)
def test_pending_activity_is_the_last_entrys_next(history: Any, pending: str | None) -> None:
    assert case(*history).pending == pending


@pytest.mark.parametrize(
    "document", [{}, {"history": None}, {"history": ["x"]}, {"fields": []}, {"fieldValues": None}], ids=str
)
def test_odd_documents_are_read_all_the_same(document: Any) -> None:
    found = Case(document)
    assert (found.pending, found.history, dict(found.fields), dict(found.files)) == (None, (), {}, {})
    assert not found.is_closed()


@pytest.mark.parametrize("next_activity", [None, {}, {"formId": None}, {"formId": ""}, "x"], ids=repr)
def test_no_next_activity_in_whatever_form_closes(next_activity: Any) -> None:
    assert case({**REVIEWED, "nextActivity": next_activity}).is_closed()


class TestClosed:
    """An inference: no page documents how a closed case looks."""

    def test_by_default_when_nothing_is_next(self) -> None:
        assert case(OPENED, entry("application", None)).is_closed()
        assert not case(OPENED).is_closed()

    def test_a_case_without_history_is_not(self) -> None:
        assert not case().is_closed()

    def test_by_an_activity_that_is_an_end(self) -> None:
        ended = case(OPENED, entry("application", "end"))
        assert not ended.is_closed()
        assert ended.is_closed(end_forms=["end"])

    def test_by_the_documents_own_keys(self) -> None:
        where = {"status": "closed"}
        assert case(OPENED, status="closed").is_closed(closed_where=where)
        assert not case(OPENED, REVIEWED, status="open").is_closed(closed_where=where)
        assert not case(OPENED, REVIEWED).is_closed(closed_where=where)


@pytest.mark.parametrize(
    ("by", "author"),
    [
        (USER, USER),
        ("Bot@Example.com", USER),
        ({"email": USER}, USER),
        ({"userId": USER, "name": "Bot"}, USER),
        ("5f0c3a1be2d94a7c8b6e1d20", None),
        ({"name": "Bot"}, None),
        (None, None),
        (7, None),
    ],
    ids=repr,
)
def test_author(by: Any, author: str | None) -> None:
    assert case(entry("application", "review", by)).history[0].author == author


def found(*entries: Any, fields: Any = None, files: Any = (), since: int = 1, **move: Any) -> str:
    document = case(OPENED, *entries, fields=fields or {}, fieldValues=list(files))
    sent: dict[str, Any] = {"form_id": "application", "next_form_id": "review", "author": USER, **move}
    return judge_move(document, Move(**sent), since=since)


RUN = entry("application", "review")


class TestTrace:
    def test_nothing_has_come_to_the_history(self) -> None:
        assert found() == "standing"

    def test_another_activity_was_run(self) -> None:
        assert found(entry("other", "application")) == "standing"

    def test_earlier_runs_do_not_count(self) -> None:
        assert found(RUN, since=2) == "standing"
        assert found(RUN, since=1) == "ours"

    def test_ours_by_author_action_and_values(self) -> None:
        fields = {"name": "Ana", "age": 30, "amount": "1000.10", "other": "x"}
        values = {"name": "Ana", "age": 30, "amount": Decimal("1000.1")}
        assert found(RUN, values=values, fields=fields) == "ours"

    def test_ours_though_it_closed_the_case_if_values_tell(self) -> None:
        assert found(entry("application", None), values={"a": "b"}, fields={"a": "b"}) == "ours"
        assert found(entry("application", None), values={"a": "b"}, fields={"a": "c"}) == "other values"

    @pytest.mark.parametrize("acting", [False, True])
    def test_not_ours_if_neither_action_nor_values_tell(self, acting: bool) -> None:
        """Any other action that ends the case leaves the same history."""
        assert found(entry("application", None), acting=acting) == "no action"

    def test_ours_though_the_case_has_moved_on(self) -> None:
        assert found(RUN, entry("review", None, "other@x.y")) == "ours"

    def test_ours_though_another_ran_it_too(self) -> None:
        assert found(entry("application", "application", "other@x.y"), RUN) == "ours"

    def test_addresses_are_compared_without_case(self) -> None:
        assert found(RUN, author=USER.title()) == "ours"

    @pytest.mark.parametrize(
        "by", ["other@x.y", {"email": "other@x.y"}, None, "platform", {"name": "x"}], ids=repr
    )
    def test_not_ours_by_another_author_or_none_that_is_told(self, by: Any) -> None:
        one = entry("application", "review", by)
        assert found(one) == "another author"
        assert found(one, values={"a": "b"}, fields={"a": "b"}) == "another author"

    def test_not_ours_by_another_action(self) -> None:
        assert (
            found(entry("application", "refused"), values={"a": "b"}, fields={"a": "b"}) == "another action"
        )

    def test_not_ours_if_the_same_user_ran_it_twice(self) -> None:
        assert found(entry("application", "application"), RUN) == "several runs"

    @pytest.mark.parametrize(
        ("sent", "there"),
        [("b", "c"), ("b", None), ("3", 3), (3, 4), (3, None), (3, "x"), (1, True), (Decimal("0.1"), 0.11)],
        ids=repr,
    )
    def test_not_ours_by_other_values(self, sent: Any, there: Any) -> None:
        assert found(RUN, values={"a": sent}, fields={"a": there}) == "other values"

    @pytest.mark.parametrize(
        ("sent", "there"),
        [(3, 3), (3, "3"), (3, 3.0), (0.1, "0.1"), (Decimal("0.10"), 0.1), (Decimal("1E+2"), 100)],
        ids=repr,
    )
    def test_numbers_are_compared_as_such(self, sent: Any, there: Any) -> None:
        assert found(RUN, values={"a": sent}, fields={"a": there}) == "ours"

    def test_attachments_are_compared_by_their_url(self) -> None:
        there = {"slug": "contract", "fileUrl": FILE["fileUrl"]}
        other = {**there, "fileUrl": "https://x.y/2"}
        assert found(RUN, values={"contract": FILE}, files=[there]) == "ours"
        assert found(RUN, values={"contract": FILE}, files=[other]) == "other values"
        assert found(RUN, values={"contract": FILE}) == "other values"

    def test_an_acting_user_may_have_done_it_by_hand_unless_values_tell(self) -> None:
        assert found(RUN, acting=True) == "by name only"
        assert found(RUN, acting=True, values={"a": "b"}, fields={"a": "b"}) == "ours"

    @pytest.mark.parametrize("since", [2, 3])
    def test_a_history_that_does_not_reach_back_tells_nothing(self, since: int) -> None:
        assert found(since=since) == "no history"

    @pytest.mark.parametrize("document", [{}, {"history": None}], ids=str)
    def test_nor_does_a_case_without_history(self, document: Any) -> None:
        sent = Move(form_id="application", next_form_id="review", author=USER)
        assert judge_move(Case(document), sent, since=0) == "no history"

    @pytest.mark.parametrize("activity", [None, {}, {"formId": None}, "application"], ids=repr)
    def test_nor_does_a_new_step_without_a_name(self, activity: Any) -> None:
        assert found({**RUN, "currentActivity": activity}) == "nameless step"
        assert found(RUN, {**RUN, "currentActivity": activity}) == "nameless step"


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ({}, True),
        ({"processSlug": "credit"}, True),
        ({"processSlug": "credit", "caseNumber": 7}, True),
        ({"caseNumber": "7"}, True),
        ({"caseNumber": 8}, False),
        ({"processSlug": "Credit", "caseNumber": 7}, False),
        ({"caseNumber": None}, False),
    ],
    ids=str,
)
def test_a_document_shows_what_it_does_not_contradict(document: Any, shown: bool) -> None:
    assert Case(document).shows(processSlug="credit", caseNumber=7) == shown


@pytest.mark.parametrize(
    ("document", "own", "foreign"),
    [
        ({"companyId": "c1"}, True, False),
        ({"companyId": "c2"}, False, True),
        ({}, True, False),
        ({"companyId": None}, True, False),
        ({"companyId": "c2", "caseNumber": 8}, False, False),
        ({"companyId": "c1", "processSlug": "other"}, False, False),
    ],
    ids=str,
)
def test_a_case_without_organisation_is_the_connections(document: Any, own: bool, foreign: bool) -> None:
    shown = Case(document)
    assert shown.is_meant("credit", 7, company_id="c1", reader="c1") == own
    assert shown.is_meant("credit", 7, company_id="c2", reader="c1") == foreign


entries = st.builds(
    entry,
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([USER, None, "x@y.z"]),
)


@given(st.lists(entries, max_size=6), st.integers(0, 7))
def test_any_history_has_one_answer_that_agrees_with_its_entries(history: list[Any], since: int) -> None:
    document = case(*history)
    outcome = judge_move(document, Move(form_id="a", next_form_id="b", author=USER), since=since)
    runs = document.ran("a", since=since)
    if outcome == "standing":
        assert runs == ()
        assert len(history) >= since
        assert None not in {one.form_id for one in document.history[since:]}
    if outcome == "ours":
        assert [one.next_form_id for one in runs if one.author == USER] == ["b"]
    assert document.is_closed() == (bool(history) and document.pending is None)
