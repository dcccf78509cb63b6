"""Sending once without a memory, driven by hand: what is asked, sent and told, whatever becomes of it."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

import pytest

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.notice import (
    LONGEST_LOOK,
    PAUSES_AFTER,
    PAUSES_BEFORE,
    Account,
    Notice,
    Sent,
    hurried,
)
from airflow_provider_workflows.base.record import Record
from airflow_provider_workflows.protocol.errors import (
    LostTrack,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Operation, Sleep

LATER = CannotKnow("it is not shown yet", may_change=True)
NEVER = CannotKnow("it cannot be asked")
LOST = OutcomeUnknown("no answer came")


class Thing:
    """
    A thing of which a test writes down beforehand what the vendor shows and answers.

    :param looks: what each look shows, or raises
    :param answer: the id, or what is raised in its place
    """

    def __init__(self, *looks: Trace | WorkflowError, answer: Any = 7, findable: bool = True) -> None:
        self.subject, self.hint, self.carries_mark = "an order", "an order in the list", findable
        self.sent: list[Record] = []
        self._looks = list(looks)
        self._answer = answer

    def sending(self, api: Any, record: Record) -> Operation[Any]:
        yield Sleep(0)
        self.sent.append(record)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def searching(self, api: Any, record: Record) -> Operation[Trace]:
        yield Sleep(0)
        found = self._looks.pop(0)
        if isinstance(found, WorkflowError):
            raise found
        return found

    @property
    def looks_left(self) -> int:
        return len(self._looks)


def notice_of(thing: Thing) -> Notice:
    return Notice(thing, Record(mark="af-1", generation=0), about="try 1 of pay")


def drive(operation: Operation[Any]) -> tuple[Any, list[float]]:
    """Run an operation that only sleeps, in no time; return its result, and the pauses that it made."""
    slept: list[float] = []
    while True:
        try:
            step = next(operation)
        except StopIteration as end:
            return end.value, [one for one in slept if one]
        assert isinstance(step, Sleep)
        slept.append(step.seconds)


@pytest.mark.parametrize(
    ("thing", "result", "pauses"),
    [
        (Thing(Absent()), Sent(7), []),
        (Thing(Found(3)), Sent(3, before=True), []),
        (Thing(LATER, Found(3)), Sent(3, before=True), [*PAUSES_BEFORE[:1]]),
        (Thing(LATER, LATER, LATER), Sent(7), [*PAUSES_BEFORE]),
        (Thing(NEVER), Sent(7), []),
        (Thing(findable=False), Sent(7), []),
        (Thing(answer=None, findable=False), Sent(None), []),
        (Thing(Absent(), Found(7), answer=LOST), Sent(7, lost=True), [*PAUSES_AFTER[:1]]),
        (Thing(Absent(), Absent(), LATER, Found(7), answer=LOST), Sent(7, lost=True), [*PAUSES_AFTER]),
        (
            Thing(Absent(), ServiceUnavailable("down"), Found(7), answer=LOST),
            Sent(7, lost=True),
            [*PAUSES_AFTER[:2]],
        ),
    ],
    ids=[
        "nothing there",
        "there",
        "shown a moment later",
        "never sure",
        "cannot tell",
        "cannot be asked",
        "without an id",
        "lost and found",
        "lost and found at last",
        "lost, and found by a vendor that was down",
    ],
)
def test_what_becomes_of_it(thing: Thing, result: Sent, pauses: list[float]) -> None:
    notice = notice_of(thing)
    assert drive(notice.send(None)) == (result, pauses)
    assert len(thing.sent) == (0 if result.before else 1)
    assert thing.looks_left == 0
    assert notice.begun is not result.before


@pytest.mark.parametrize(
    ("thing", "kind", "text"),
    [
        (Thing(ServiceUnavailable("down")), ServiceUnavailable, "down"),
        (Thing(Absent(), answer=Rejected("no")), Rejected, "no"),
        (Thing(Absent(), *[Absent()] * 3, answer=LOST), OutcomeUnknown, "does not show it so far"),
        (Thing(Absent(), *[LATER] * 3, answer=LOST), OutcomeUnknown, "it is not shown yet"),
        (Thing(Absent(), NEVER, answer=LOST), OutcomeUnknown, "it cannot be asked"),
        (Thing(NEVER, answer=LOST, findable=False), OutcomeUnknown, "it cannot be asked"),
        (Thing(Absent(), *[ServiceUnavailable("down")] * 3, answer=LOST), OutcomeUnknown, "down"),
    ],
    ids=["not asked", "refused", "not found", "not shown", "cannot tell", "cannot be asked", "down since"],
)
def test_what_goes_wrong(thing: Thing, kind: type[WorkflowError], text: str) -> None:
    with pytest.raises(kind, match=text):
        drive(notice_of(thing).send(None))
    assert len(thing.sent) == (kind is not ServiceUnavailable), "never twice, and not before it was asked"
    assert thing.looks_left == 0


def test_the_intent_is_told_before_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="airflow_provider_workflows")
    operation = notice_of(Thing(Absent())).send(None)
    next(operation)
    assert caplog.messages == []
    operation.send(None)  # where the process may die
    assert caplog.messages == ["Sending an order, for try 1 of pay (mark af-1)"]


class TestAccount:
    """What the night shift reads."""

    @pytest.fixture(autouse=True)
    def logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="airflow_provider_workflows")

    @pytest.mark.parametrize(
        ("sent", "level", "text"),
        [
            (Sent(7), "INFO", "Sent: an order, for try 1 of pay, id 7"),
            (Sent(None), "INFO", "Sent: an order, for try 1 of pay"),
            (
                Sent(7, before=True),
                "INFO",
                "Sent before: an order, for try 1 of pay, id 7; nothing is sent now",
            ),
            (
                Sent(7, lost=True),
                "WARNING",
                "Sent: an order, for try 1 of pay, id 7; its answer was lost, and it was found by its mark",
            ),
        ],
    )
    def test_of_what_went_well(
        self, sent: Sent, level: str, text: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        account = Account("SomeNotifier")
        with account.kept():
            account.open(notice_of(Thing()))
            account.close(sent)
        assert [(one.levelname, one.getMessage()) for one in caplog.records] == [(level, text)]

    def _failing(self, error: BaseException, *, opened: bool = True, begun: bool = False) -> str:
        account = Account("SomeNotifier")
        notice = notice_of(Thing(Absent()))
        if begun:
            drive(notice.send(None))

        @account.kept()
        def fail() -> None:
            if opened:
                account.open(notice)
            raise error

        with pytest.raises(type(error)) as raised:
            fail()
        return str(raised.value)

    def test_of_what_was_not_sent(self, caplog: pytest.LogCaptureFixture) -> None:
        told = self._failing(Rejected("no", vendor="V", status=404), begun=True)
        assert told == "Not sent: an order, for try 1 of pay. no [V; HTTP 404]"
        assert caplog.messages[-1] == told
        assert caplog.records[-1].levelname == "ERROR"

    def test_of_what_was_not_even_known(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self._failing(Rejected("no"), opened=False) == "Not sent: SomeNotifier. no"

    def test_of_a_doubt(self, caplog: pytest.LogCaptureFixture) -> None:
        told = self._failing(LOST, begun=True)
        assert told.startswith(
            "May have been sent: an order, for try 1 of pay. no answer came. It is not sent"
        )
        assert "Look at the vendor for an order in the list of about 2" in told
        assert "with the mark 'af-1'" in told
        assert caplog.messages[-1] == told

    @pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt(), SystemExit(1)])
    @pytest.mark.parametrize(("begun", "word"), [(False, "Not sent: "), (True, "May have been sent: ")])
    def test_of_what_is_none_of_ours(
        self, error: BaseException, begun: bool, word: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        self._failing(error, begun=begun)
        assert caplog.messages[-1].startswith(f"{word}an order, for try 1 of pay. {type(error).__name__}: ")


class TestHurried:
    def _operation(self, heard: list[Any]) -> Operation[str]:
        heard.append((yield Sleep(1)))
        try:
            yield Sleep(2)
        except ServiceUnavailable as error:
            heard.append(error.message)
        yield Sleep(3)
        return "end"

    def test_hands_all_on(self) -> None:
        heard: list[Any] = []
        hurry = hurried(self._operation(heard), until=time.monotonic() + 60)
        assert next(hurry) == Sleep(1)
        assert hurry.send("answer") == Sleep(2)
        assert hurry.throw(ServiceUnavailable("down")) == Sleep(3)
        with pytest.raises(StopIteration) as ended:
            next(hurry)
        assert (ended.value.value, heard) == ("end", ["answer", "down"])

    def test_asks_for_nothing_after_its_time(self) -> None:
        closed: list[bool] = []

        def operation() -> Operation[None]:
            try:
                yield Sleep(1)
                yield Sleep(2)
            finally:
                closed.append(True)

        until = time.monotonic() + 0.05
        hurry = hurried(operation(), until=until)
        assert next(hurry) == Sleep(1)
        time.sleep(max(0.0, until - time.monotonic()) + 0.01)
        with pytest.raises(LostTrack, match="longer than a callback may last"):
            next(hurry)
        assert closed == [True]

    def test_what_had_been_seen_by_then_counts(self) -> None:
        def operation() -> Operation[str]:
            try:
                yield Sleep(1)
                yield Sleep(2)
            except LostTrack:
                return "seen before"
            return "end"

        hurry = hurried(operation(), until=time.monotonic() - 1)
        with pytest.raises(StopIteration) as ended:
            next(hurry)
        assert ended.value.value == "seen before"


def test_a_look_at_more_than_there_is_time_for_keeps_nobody_from_being_notified(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = itertools.count(step=2 * LONGEST_LOOK)
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    thing = Thing(Absent())
    assert drive(notice_of(thing).send(None))[0] == Sent(7)
    assert len(thing.sent) == 1
    assert "not sure: The look for it takes longer than a callback may last" in caplog.text
