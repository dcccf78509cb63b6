"""Sending once without a memory, driven by hand: what is asked, sent and told, whatever becomes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest

from airflow_provider_workflows.core.notifications.notification import (
    LONGEST_LOOK,
    PAUSES_AFTER,
    PAUSES_BEFORE,
    WINDOW,
    FailureLog,
    Notification,
)
from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Send,
    Unknown,
)
from airflow_provider_workflows.core.submission.engine import Outcome
from airflow_provider_workflows.core.submission.look_up import in_time
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.core.submission.terms import options
from airflow_provider_workflows.exceptions import (
    LostTrack,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    WorkflowError,
)
from tests.core.harness import Clock
from tests.core.vendor import ORDER, MemoryHook

LATER = Unknown("it is not shown yet", may_change=True)
NEVER = Unknown("it cannot be asked")
LOST = OutcomeUnknown("no answer came")


class Thing(Effect[None]):
    """
    A thing of which a test writes down beforehand what the vendor shows and answers.

    :param looks: what each look shows, or raises
    :param answer: the id, or what is raised in its place
    """

    subject = "an order"
    words = ORDER
    carries_mark: bool = True
    repeatable = False

    def __init__(self, *looks: LookupResult | WorkflowError, answer: Any = 7, findable: bool = True) -> None:
        self.carries_mark = findable
        self.sent: list[Record] = []
        self._looks = list(looks)
        self._answer = answer

    def submit(self, api: None, record: Record, *, again: bool) -> Operation[Any]:
        yield from ()
        self.sent.append(record)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def look_up(self, api: None, record: Record) -> Operation[LookupResult]:
        yield from ()
        found = self._looks.pop(0)
        if isinstance(found, WorkflowError):
            raise found
        return found

    @property
    def looks_left(self) -> int:
        return len(self._looks)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """A time that passes only when someone sleeps."""
    clock: Any = Clock()
    with options(clock=clock):
        yield clock


class AskingHook(MemoryHook):
    """Asks for the permit before each operation, as a driver does before each request."""

    def run(self, *args: Any, permit: Permit = PERMITTED, **kwargs: Any) -> Any:
        permit.check()
        return super().run(*args, **kwargs)


def notification_of(thing: Thing, hook: Any = None) -> Notification:
    hook = hook or MemoryHook()
    return Notification(thing, hook, mark="af-1", about="try 1 of pay")


@pytest.mark.parametrize(
    ("thing", "result", "pauses"),
    [
        (Thing(NotSent()), Outcome(7, "sent"), []),
        (Thing(Found(3)), Outcome(3, "there"), []),
        (Thing(LATER, Found(3)), Outcome(3, "there"), [*PAUSES_BEFORE[:1]]),
        (Thing(LATER, LATER, LATER), Outcome(7, "sent"), [*PAUSES_BEFORE]),
        (Thing(NEVER), Outcome(7, "sent"), []),
        (Thing(findable=False), Outcome(7, "sent"), []),
        (Thing(answer=None, findable=False), Outcome(None, "sent"), []),
        (Thing(NotSent(), Found(7), answer=LOST), Outcome(7, "found"), [*PAUSES_AFTER[:1]]),
        (Thing(NotSent(), NotSent(), LATER, Found(7), answer=LOST), Outcome(7, "found"), [*PAUSES_AFTER]),
        (
            Thing(NotSent(), ServiceUnavailable("down"), Found(7), answer=LOST),
            Outcome(7, "found"),
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
def test_what_becomes_of_it(thing: Thing, result: Outcome, pauses: list[float], clock: Clock) -> None:
    notification = notification_of(thing)
    assert notification.run() == result
    assert [one for one in clock.slept if one] == pauses
    assert len(thing.sent) == (result.how != "there")
    assert thing.looks_left == 0
    assert notification.begun is (result.how != "there")


@pytest.mark.parametrize(
    ("thing", "kind", "text"),
    [
        (Thing(ServiceUnavailable("down")), ServiceUnavailable, "down"),
        (Thing(NotSent(), answer=Rejected("no")), Rejected, "no"),
        (Thing(NotSent(), *[NotSent()] * 3, answer=LOST), OutcomeUnknown, "does not show it yet"),
        (Thing(NotSent(), *[LATER] * 3, answer=LOST), OutcomeUnknown, "it is not shown yet"),
        (Thing(NotSent(), NEVER, answer=LOST), OutcomeUnknown, "it cannot be asked"),
        (Thing(NEVER, answer=LOST, findable=False), OutcomeUnknown, "it cannot be asked"),
        (Thing(NotSent(), *[ServiceUnavailable("down")] * 3, answer=LOST), OutcomeUnknown, "down"),
    ],
    ids=["not asked", "refused", "not found", "not shown", "cannot tell", "cannot be asked", "down since"],
)
def test_what_goes_wrong(thing: Thing, kind: type[WorkflowError], text: str) -> None:
    with pytest.raises(kind, match=text):
        notification_of(thing).run()
    assert len(thing.sent) == (kind is not ServiceUnavailable), "never twice, and not before it was asked"
    assert thing.looks_left == 0


def test_the_intent_is_told_before_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="airflow_provider_workflows")
    with pytest.raises(KeyboardInterrupt):  # the process dies in sending
        notification_of(Thing(NotSent(), answer=KeyboardInterrupt()), AskingHook()).run()
    assert caplog.messages == ["Asking Vendor to open an order of purchase, for try 1 of pay (mark af-1)"]


DONE = "Vendor has opened an order of purchase"


class TestMessages:
    """What a person reads in the log."""

    @pytest.fixture(autouse=True)
    def logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="airflow_provider_workflows")

    @pytest.mark.parametrize(
        ("thing", "said"),
        [
            (Thing(NotSent()), [("INFO", f"{DONE}, id 7, for try 1 of pay")]),
            (Thing(NotSent(), answer=None), [("INFO", f"{DONE}, for try 1 of pay")]),
            (
                Thing(Found(3)),
                [
                    ("INFO", f"{DONE}, id 3, for try 1 of pay"),
                    ("INFO", "An earlier run of this callback sent it, so Airflow sends nothing now"),
                ],
            ),
            (
                Thing(NotSent(), Found(7), answer=LOST),
                [
                    ("WARNING", "no answer came"),
                    ("WARNING", f"{DONE}, id 7, for try 1 of pay"),
                    ("WARNING", "The answer was lost, but Airflow found it by its mark"),
                ],
            ),
        ],
        ids=["sent", "sent without an id", "sent before", "found"],
    )
    def test_of_what_went_well(
        self, thing: Thing, said: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        notification_of(thing).run()
        found = [(one.levelname, one.getMessage()) for one in caplog.records]
        assert [one for one in found if not one[1].startswith("Asking")] == said

    def _failing(self, error: BaseException, *, known: bool = True, begun: bool = False) -> str:
        failures = FailureLog("SomeNotifier")
        notification = notification_of(Thing(NotSent()))
        if begun:
            notification.run()

        @failures.logging()
        def fail() -> None:
            if known:
                failures.notification = notification
            raise error

        with pytest.raises(type(error)) as raised:
            fail()
        return str(raised.value)

    def test_of_what_was_not_sent(self, caplog: pytest.LogCaptureFixture) -> None:
        told = self._failing(Rejected("no", vendor="V", status=404), begun=True)
        assert told == ("Vendor has not opened an order of purchase, for try 1 of pay\nno\n[V; HTTP 404]")
        assert caplog.messages[-3:] == told.splitlines()
        assert caplog.records[-1].levelname == "ERROR"

    def test_of_what_was_not_even_known(self) -> None:
        assert self._failing(Rejected("no"), known=False) == "SomeNotifier has sent nothing\nno"

    def test_of_a_doubt(self, caplog: pytest.LogCaptureFixture) -> None:
        told = self._failing(LOST, begun=True).splitlines()
        assert told[:3] == [
            "Vendor may or may not have opened an order of purchase, for try 1 of pay",
            "no answer came",
            "Airflow will not send it again",
        ]
        assert told[3].startswith("Check the list of orders for an order opened around 2")
        assert told[3].endswith("with the mark 'af-1' in the field 'key'")
        assert told[4] == "If it does not exist, nobody was notified"
        assert caplog.messages[-1] == told[-1]

    @pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt(), SystemExit(1)])
    @pytest.mark.parametrize(
        ("begun", "word"), [(False, "has not opened"), (True, "may or may not have opened")]
    )
    def test_of_what_is_none_of_ours(
        self, error: BaseException, begun: bool, word: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        self._failing(error, begun=begun)
        assert f"Vendor {word} an order of purchase, for try 1 of pay" in caplog.messages
        assert any(line.startswith(f"{type(error).__name__}:") for line in caplog.messages)


class TestInTime:
    def _operation(self, heard: list[Any]) -> Operation[LookupResult]:
        heard.append((yield Sleep(1)))
        try:
            yield Sleep(2)
        except ServiceUnavailable as error:
            heard.append(error.message)
        yield Sleep(3)
        return Found(3)

    def test_hands_all_on(self, clock: Any) -> None:
        heard: list[Any] = []
        look = in_time(self._operation(heard), seconds=60, clock=clock)
        assert next(look) == Sleep(1)
        assert look.send("answer") == Sleep(2)
        assert look.throw(ServiceUnavailable("down")) == Sleep(3)
        with pytest.raises(StopIteration) as ended:
            next(look)
        assert (ended.value.value, heard) == (Found(3), ["answer", "down"])

    def test_asks_for_nothing_after_its_time(self, clock: Any) -> None:
        closed: list[bool] = []

        def operation() -> Operation[LookupResult]:
            try:
                yield Sleep(1)
                yield Sleep(2)
            finally:
                closed.append(True)
            return NotSent()

        look = in_time(operation(), seconds=5, clock=clock)
        assert next(look) == Sleep(1)
        clock.sleep(6)
        with pytest.raises(StopIteration) as ended:
            next(look)
        assert ended.value.value == Unknown("the look-up takes longer than a callback may last")
        assert closed == [True]

    def test_what_had_been_seen_by_then_counts(self, clock: Any) -> None:
        def operation() -> Operation[LookupResult]:
            try:
                yield Sleep(1)
                yield Sleep(2)
            except LostTrack:
                return Found(3)
            return NotSent()

        look = in_time(operation(), seconds=5, clock=clock)
        next(look)
        clock.sleep(6)
        with pytest.raises(StopIteration) as ended:
            next(look)
        assert ended.value.value == Found(3)


def test_a_look_at_more_than_there_is_time_for_keeps_nobody_from_being_notified(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(Thing):
        def look_up(self, api: None, record: Record) -> Operation[LookupResult]:
            clock.sleep(2 * LONGEST_LOOK)
            yield Sleep(1)
            return NotSent()

    thing = Slow()
    assert notification_of(thing).run() == Outcome(7, "sent")
    assert len(thing.sent) == 1
    assert "sent it: the look-up takes longer than a callback may last" in caplog.text


class Suspended(MemoryHook):
    """A machine that stands still right before the first byte of the request."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._left = 1

    def run(self, call: Any, *, deadline: float | None = None, permit: Permit = PERMITTED) -> Any:
        if self._left and call.args[0].__class__ is Send:
            self._left -= 1
            self._clock.sleep(2 * WINDOW)
            permit.check()
        return super().run(call, deadline=deadline)

    async def arun(self, call: Any, *, deadline: float | None = None, permit: Permit = PERMITTED) -> Any:
        return self.run(call, deadline=deadline, permit=permit)


@pytest.mark.parametrize("on_loop", [False, True])
@pytest.mark.parametrize(("shown", "sent"), [(NotSent(), 1), (Found(7), 0)])
def test_what_stood_still_before_it_was_sent_is_looked_for_again(
    clock: Clock, shown: LookupResult, sent: int, *, on_loop: bool
) -> None:
    """Another run of the callback may have sent it meanwhile."""
    thing, hook = Thing(NotSent(), shown), cast("Any", Suspended(clock))
    notification = Notification(thing, hook, mark="af-1", about="try 1 of pay")
    outcome = asyncio.run(notification.arun()) if on_loop else notification.run()
    assert (outcome.id, len(thing.sent), thing.looks_left) == (7, sent, 0)


def test_without_a_mark_there_is_nothing_to_look_for(clock: Clock) -> None:
    thing, hook = Thing(findable=False), cast("Any", Suspended(clock))
    assert Notification(thing, hook, mark="af-1", about="try 1 of pay").run() == Outcome(7, "sent")
