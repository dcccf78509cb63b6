"""Doing something once: every way in which an attempt may end, and what the next one does."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import Found, LookupResult, Run, RunState, Unknown
from airflow_provider_workflows.core.submission.engine import STORE_PAUSES
from airflow_provider_workflows.core.submission.record import FORMAT, KEY, Record
from airflow_provider_workflows.core.submission.terms import SENDS, Policy
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    Conflict,
    ConnectionFailed,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    PermissionDenied,
    Rejected,
    RunFailed,
    RunTimedOut,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    WorkflowError,
)
from tests.core.harness import Clock
from tests.core.vendor import (
    AGAINS,
    AWAY,
    KILLED_AFTER,
    KILLED_BEFORE,
    LOST,
    LOST_AFTER,
    LOST_BEFORE,
    RESUBMIT,
    SETTLE,
    Fate,
    Fault,
    Killed,
    Opening,
    Task,
    Vendor,
    broken,
    refused,
)
from tests.core.vendor import clock as clock
from tests.core.vendor import task as task
from tests.core.vendor import vendor as vendor


class TestFirstAttempt:
    def test_it_sends_and_stores_the_id(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        assert task.run(Opening(vendor, payload={"a": 1})) == 1
        (sent,) = vendor.sent
        record = task.record
        assert (record["id"], record["mark"], record["generation"]) == (1, sent.mark, 0)
        assert (record["format"], record["subject"]) == (FORMAT, "an order of purchase")
        assert record["payload"].startswith("sha256:")
        assert not sent.again
        assert clock.slept == [0], "it did not wait for anything but the vendor"

    def test_the_intent_is_stored_before_the_request(self, task: Task, vendor: Vendor) -> None:
        seen: list[Any] = []

        class Watched(Opening):
            def submit(self, api: Any, record: Record, *, again: bool) -> Operation[int]:
                seen.append((task.record, record))
                return super().submit(api, record, again=again)

        task.run(Watched(vendor))
        ((stored, given),) = seen
        assert stored["mark"] == given.mark
        assert stored["baseline"] == given.baseline == {"read": 1}
        assert not {"id", "accepted_at", "lost_at"} & set(stored)

    def test_no_value_that_is_sent_is_in_the_record(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor, payload={"name": "Ada Lovelace"}))
        assert "Lovelace" not in json.dumps(task.record)

    def test_nothing_is_sent_when_the_intent_cannot_be_stored(self, task: Task, vendor: Vendor) -> None:
        task.store.fault = Fault(1, written=False, error=AWAY)
        broken(task, Opening(vendor), kind=ConnectionError)
        assert vendor.sent == []

    def test_nothing_is_written_when_the_baseline_cannot_be_read(self, task: Task, vendor: Vendor) -> None:
        class Closed(Opening):
            def baseline(self, api: Any) -> Operation[Any]:
                raise Conflict("the order is closed")

        broken(task, Closed(vendor), kind=Conflict)
        assert (vendor.sent, task.record) == ([], None)


#: Where an attempt may be killed: what is planned for it, and whether its request has taken effect.
CRASHES: dict[str, tuple[Fault | None, list[Fate], bool]] = {
    "before the intent": (Fault(1, written=False, error=Killed()), [], False),
    "after the intent": (Fault(1, written=True, error=Killed()), [], False),
    "in sending, before the effect": (None, [KILLED_BEFORE], False),
    "in sending, after the effect": (None, [KILLED_AFTER], True),
    "before a late effect": (None, [Fate(effect=25, answer=Killed())], True),
    "after the id is logged": (Fault(2, written=False, error=Killed()), [], True),
    "after the id is stored": (Fault(2, written=True, error=Killed()), [], True),
    "after the answer is lost": (Fault(2, written=False, error=Killed()), [LOST_AFTER], True),
    "after the loss is stored": (Fault(2, written=True, error=Killed()), [LOST_AFTER], True),
    "after a loss before the effect": (Fault(2, written=True, error=Killed()), [LOST_BEFORE], False),
    "after what was found is logged": (Fault(3, written=False, error=Killed()), [LOST_AFTER], True),
    "after what was found is stored": (Fault(3, written=True, error=Killed()), [LOST_AFTER], True),
    "before the intent to send again": (Fault(3, written=False, error=Killed()), [LOST_BEFORE], False),
    "after the intent to send again": (Fault(3, written=True, error=Killed()), [LOST_BEFORE], False),
    "in sending again, before the effect": (None, [LOST_BEFORE, KILLED_BEFORE], False),
    "in sending again, after the effect": (None, [LOST_BEFORE, KILLED_AFTER], True),
    "after the id of the second is logged": (Fault(4, written=False, error=Killed()), [LOST_BEFORE], True),
}


def crash(task: Task, vendor: Vendor, effect: Opening, where: str) -> None:
    fault, fates, _ = CRASHES[where]
    task.store.fault = replace(fault) if fault is not None else None
    vendor.fates = list(fates)
    broken(task, effect)
    task.store.fault, vendor.fates = None, []


class TestCrash:
    @pytest.mark.parametrize("how", AGAINS)
    @pytest.mark.parametrize("where", CRASHES)
    def test_what_can_be_found_is_there_once_in_the_end(
        self, task: Task, vendor: Vendor, where: str, how: str
    ) -> None:
        effect = Opening(vendor)
        crash(task, vendor, effect, where)
        id = getattr(task, how)(effect)
        (job,) = vendor.jobs.values()
        assert (job.id, job.run, task.record["id"]) == (id, Run.ALIVE, id)
        assert task.retry(effect) == id
        assert len(vendor.jobs) == 1

    @pytest.mark.parametrize("how", AGAINS)
    @pytest.mark.parametrize(
        "where", [name for name in CRASHES if not any(word in name for word in ("again", "second", "found"))]
    )
    def test_what_cannot_be_found_is_never_sent_again(
        self, task: Task, vendor: Vendor, where: str, how: str
    ) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, where)
        sent = len(vendor.sent)
        if where == "before the intent":
            assert getattr(task, how)(effect) == 1
        elif where == "after the id is stored":
            assert getattr(task, how)(effect) == 1
            assert len(vendor.sent) == sent
        else:
            for again in (how, *AGAINS, "clear"):
                with pytest.raises(OutcomeUnknown, match="it has no search"):
                    getattr(task, again)(effect)
            assert len(vendor.sent) == sent

    @pytest.mark.parametrize("where", [name for name, (_, _, done) in CRASHES.items() if not done])
    def test_what_is_sent_after_it_is_sent_when_the_first_has_settled(
        self, task: Task, vendor: Vendor, clock: Clock, where: str
    ) -> None:
        effect = Opening(vendor)
        crash(task, vendor, effect, where)
        given_up = vendor.sent[-1].given_up if vendor.sent else clock.time()
        assert given_up is not None
        task.retry(effect)
        nothing_was_written = where == "before the intent"
        assert (vendor.sent[-1].at >= given_up + SETTLE - 1e-3) != nothing_was_written
        assert vendor.sent[-1].again != nothing_was_written

    def test_a_bug_keeps_the_intent_too(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [Fate(answer=RuntimeError("a bug"))]
        broken(task, Opening(vendor, findable=False), kind=RuntimeError)
        with pytest.raises(OutcomeUnknown):
            task.retry(Opening(vendor, findable=False))
        assert len(vendor.sent) == 1


class TestLostAnswer:
    def test_after_the_effect_it_goes_on_with_it(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        vendor.fates = [LOST_AFTER]
        assert task.run(Opening(vendor)) == 1
        assert (len(vendor.sent), len(vendor.jobs), sum(clock.slept)) == (1, 1, 0)

    @pytest.mark.parametrize("late", [0.5, 20.0, SETTLE - 1])
    def test_an_effect_that_comes_late_is_found(
        self, task: Task, vendor: Vendor, clock: Clock, late: float
    ) -> None:
        vendor.fates = [Fate(effect=30 + late, answer=LOST, takes=30)]
        assert task.run(Opening(vendor)) == 1
        clock.sleep(3600)
        assert (len(vendor.sent), len(vendor.jobs)) == (1, 1)

    def test_before_the_effect_it_is_sent_again(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [replace(LOST_BEFORE, takes=30)]
        assert task.run(Opening(vendor)) == 1
        first, second = vendor.sent
        assert first.given_up is not None
        assert second.at >= first.given_up + SETTLE
        assert (first.again, second.again, first.mark) == (False, True, second.mark)
        assert task.record["baseline"] == {"read": 1}, "that of the first sending"

    def test_one_attempt_sends_so_often_and_a_retry_goes_on(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_BEFORE] * (SENDS + 1)
        with pytest.raises(LostTrack, match=f"after {SENDS} requests"):
            task.run(Opening(vendor))
        assert len(vendor.sent) == SENDS
        assert task.retry(Opening(vendor)) == 1
        assert (len(vendor.sent), len(vendor.jobs)) == (SENDS + 2, 1)

    def test_what_cannot_be_found_is_a_doubt_at_once(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        vendor.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown) as caught:
            task.run(Opening(vendor, findable=False))
        for said in ("no answer came", "an order of purchase", "it has no search", "HTTP 504", KEY, "UTC"):
            assert said in str(caught.value)
        assert task.record["mark"] not in str(caught.value), "the vendor was not given it"
        assert sum(clock.slept) == 0
        assert isinstance(caught.value, PermanentError), "no retry can mend it"

    def test_the_person_is_told_when_it_was_first_sent(
        self, task: Task, vendor: Vendor, clock: Clock
    ) -> None:
        vendor.fates = [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE]
        begun = clock.time()
        with pytest.raises(LostTrack):
            task.run(Opening(vendor))
        assert Record.from_json({**task.record}).intended_at == pytest.approx(begun, abs=1e-3)

    @pytest.mark.parametrize("how", AGAINS)
    def test_a_vendor_that_is_down_for_long_loses_track_and_a_new_attempt_finds_it(
        self, task: Task, vendor: Vendor, how: str
    ) -> None:
        vendor.fates, vendor.blind = [LOST_AFTER], 1000
        with pytest.raises(LostTrack):
            task.run(Opening(vendor))
        vendor.blind = 0
        assert getattr(task, how)(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    def test_a_store_that_is_away_then_is_borne(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_AFTER]
        task.store.fault = Fault(2, written=False, error=AWAY)
        assert task.run(Opening(vendor)) == 1
        assert (len(vendor.sent), task.record["id"]) == (1, 1)


class TestResubmit:
    @pytest.mark.parametrize("fate", [LOST_AFTER, LOST_BEFORE])
    def test_in_the_same_attempt_after_a_pause(self, clock: Clock, vendor: Vendor, fate: Fate) -> None:
        task = Task(clock, policy=RESUBMIT)
        vendor.fates = [fate]
        assert task.run(Opening(vendor, findable=False)) == vendor.jobs[max(vendor.jobs)].id
        first, second = vendor.sent
        assert first.given_up is not None
        assert second.at >= first.given_up + SETTLE

    def test_a_date_of_a_machine_whose_clock_is_ahead_is_not_waited_for(
        self, clock: Clock, vendor: Vendor
    ) -> None:
        task, effect = Task(clock, policy=RESUBMIT), Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, before the effect")
        task.store.set(KEY, {**task.record, "lost_at": clock.time() + 1e6})
        assert task.retry(effect) == 1
        assert sum(clock.slept) == pytest.approx(SETTLE)

    @pytest.mark.parametrize("how", AGAINS)
    def test_in_a_new_attempt(self, clock: Clock, vendor: Vendor, how: str) -> None:
        task, effect = Task(clock), Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, before the effect")
        task.policy = RESUBMIT
        assert getattr(task, how)(effect) == 1

    def test_so_often_an_attempt_and_then_it_is_a_doubt(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, policy=RESUBMIT)
        vendor.fates = [LOST_BEFORE] * 10
        with pytest.raises(OutcomeUnknown):
            task.run(Opening(vendor, findable=False))
        assert len(vendor.sent) == SENDS

    def test_what_is_found_is_not_sent_again(self, clock: Clock, vendor: Vendor) -> None:
        vendor.fates = [LOST_AFTER]
        assert Task(clock, policy=RESUBMIT).run(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    def test_a_vendor_that_is_down_is_not_sent_more(self, clock: Clock, vendor: Vendor) -> None:
        vendor.fates, vendor.blind = [LOST_AFTER], 1000
        with pytest.raises(LostTrack):
            Task(clock, policy=RESUBMIT).run(Opening(vendor))
        assert len(vendor.sent) == 1


SURELY_NOT = [
    Rejected("no"),
    InvalidInput("bad"),
    AuthenticationFailed("no"),
    ConnectionFailed("refused"),
    Throttled("slow down"),
]
PERMANENT = [error for error in SURELY_NOT if isinstance(error, PermanentError)]


class TestRefusal:
    @pytest.mark.parametrize("error", SURELY_NOT)
    @pytest.mark.parametrize("how", AGAINS)
    def test_the_first_leaves_no_doubt(
        self, task: Task, vendor: Vendor, error: WorkflowError, how: str
    ) -> None:
        vendor.fates = [refused(error)]
        broken(task, Opening(vendor, findable=False), kind=type(error))
        assert task.record is None
        assert getattr(task, how)(Opening(vendor, findable=False)) == 1

    @pytest.mark.parametrize("error", SURELY_NOT)
    def test_one_after_a_doubt_keeps_it(self, clock: Clock, vendor: Vendor, error: WorkflowError) -> None:
        task = Task(clock, policy=RESUBMIT)
        vendor.fates = [LOST_AFTER, refused(error)]
        broken(task, Opening(vendor, findable=False), kind=type(error))
        task.policy = Policy()
        with pytest.raises(OutcomeUnknown):
            task.retry(Opening(vendor, findable=False))
        assert len(vendor.sent) == 2

    @pytest.mark.parametrize("error", PERMANENT)
    def test_one_that_comes_of_success_counts_as_success(
        self, clock: Clock, vendor: Vendor, error: WorkflowError
    ) -> None:
        task = Task(clock, policy=RESUBMIT)

        class Revealed(Opening):
            """Shows what was sent only when a second one is refused for it."""

            def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
                result = yield from super().look_up(api, record)
                return result if len(vendor.sent) == 2 else Unknown("not shown yet")

        vendor.fates = [LOST_AFTER, refused(error)]
        assert task.run(Revealed(vendor)) == 1
        assert task.record["id"] == 1

    def test_after_absence_it_is_raised_and_the_intent_kept(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_BEFORE, refused(Rejected("a field is missing"))]
        broken(task, Opening(vendor), kind=Rejected)
        assert "id" not in task.record
        assert task.clear(Opening(vendor)) == 1
        assert len(vendor.jobs) == 1

    def test_of_another_one_does_not_bring_the_earlier_back(self, task: Task, vendor: Vendor) -> None:
        effect = Opening(vendor)
        task.run(effect)
        vendor.jobs[1].run = Run.SUCCEEDED
        vendor.fates = [refused(Throttled("slow down"))]
        with pytest.raises(Throttled):
            task.clear(effect)
        assert task.retry(effect) == 2


class TestAnId:
    """A new attempt finds the id of what an earlier one began."""

    @pytest.mark.parametrize("run", [Run.ALIVE, Run.SUCCEEDED])
    def test_a_retry_attaches_and_sends_nothing(self, task: Task, vendor: Vendor, run: Run) -> None:
        task.run(Opening(vendor))
        vendor.jobs[1].run = run
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    @pytest.mark.parametrize("again", ["retry", "clear"])
    def test_one_that_the_vendor_does_not_know_may_be_alive(
        self, clock: Clock, vendor: Vendor, again: str
    ) -> None:
        task = Task(clock, policy=Policy(on_failed_run="rerun"))
        task.run(Opening(vendor))
        job = vendor.jobs[1]
        job.run = Run.GONE  # as a gateway says of all while the vendor is away
        with pytest.raises(
            LostTrack, match=rf"(?s)know 1 \(an order of purchase\): as it is.*the record '{KEY}'"
        ):
            getattr(task, again)(Opening(vendor))
        job.run = Run.ALIVE
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1
        job.run = Run.GONE
        task.store.delete(KEY)
        assert task.clear(Opening(vendor)) == 2, "as the message advises"

    def test_one_that_ended_badly_is_named(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor))
        vendor.jobs[1].run = Run.FAILED
        with pytest.raises(
            RunFailed, match=r"(?s)1 \(an order of purchase\).*as it is.*on_failed_run='rerun'"
        ):
            task.retry(Opening(vendor))
        assert len(vendor.sent) == 1
        assert task.clear(Opening(vendor)) == 2, "as the message advises"

    def test_or_followed_by_another(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, policy=Policy(on_failed_run="rerun"))
        task.run(Opening(vendor))
        vendor.jobs[1].run = Run.FAILED
        assert [task.retry(Opening(vendor)), task.retry(Opening(vendor))] == [2, 2]
        first, second = vendor.sent
        assert first.mark != second.mark
        assert second.again
        assert task.record["baseline"] == {"read": 1}

    @pytest.mark.parametrize("run", [Run.SUCCEEDED, Run.FAILED])
    def test_a_clear_after_its_end_starts_anew(self, task: Task, vendor: Vendor, run: Run) -> None:
        task.run(Opening(vendor))
        vendor.jobs[1].run = run
        assert task.clear(Opening(vendor)) == 2
        assert task.record["id"] == 2
        assert len({sent.mark for sent in vendor.sent}) == 2

    @pytest.mark.parametrize(("on_clear", "id"), [("attach", 1), ("rerun", 2)])
    def test_a_clear_while_it_is_alive(self, clock: Clock, vendor: Vendor, on_clear: Any, id: int) -> None:
        task = Task(clock, policy=Policy(on_clear=on_clear))
        task.run(Opening(vendor))
        assert task.clear(Opening(vendor)) == id
        assert task.record["generation"] == task.ti.max_tries
        assert task.retry(Opening(vendor)) == id, "a retry is no Clear"
        assert len(vendor.sent) == id

    @pytest.mark.parametrize("error", [ServiceUnavailable("down"), AuthenticationFailed("no")])
    def test_a_retry_that_cannot_ask_attaches(
        self, task: Task, vendor: Vendor, error: WorkflowError, caplog: pytest.LogCaptureFixture
    ) -> None:
        task.run(Opening(vendor))
        task.policy = Policy(on_failed_run="rerun", on_clear="rerun", on_lost_answer="resubmit")
        assert task.retry(Mute(vendor, error)) == 1
        assert "Its state is unknown, so it counts as running" in caplog.text

    @pytest.mark.parametrize("error", [ServiceUnavailable("down"), AuthenticationFailed("no")])
    @pytest.mark.parametrize("on_clear", ["attach", "rerun"])
    def test_a_clear_that_cannot_ask_decides_nothing(
        self, task: Task, vendor: Vendor, error: WorkflowError, on_clear: Any
    ) -> None:
        task.run(Opening(vendor))
        task.policy = Policy(on_clear=on_clear)
        before = task.record
        with pytest.raises(type(error)):
            task.clear(Mute(vendor, error))
        assert (len(vendor.sent), task.record) == (1, before)

    def test_a_clear_whose_question_is_refused_counts_it_as_alive(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor))
        assert task.clear(Mute(vendor, PermissionDenied("not yours any more"))) == 1

    def test_how_to_have_another_one_is_logged(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        task.run(Opening(vendor))
        task.retry(Opening(vendor))
        assert f"delete the record {KEY!r}" in caplog.text
        task.store.delete(KEY)
        assert task.clear(Opening(vendor)) == 2

    @pytest.mark.parametrize("how", AGAINS)
    def test_a_store_that_is_away_does_not_end_what_is_attached_to(
        self, task: Task, vendor: Vendor, how: str
    ) -> None:
        """Nothing was sent that the record does not know; so a retry mends it, and no doubt is claimed."""
        task.run(Opening(vendor))
        task.store.fault = Fault(1, written=False, error=AWAY, times=100)
        if how == "retry":
            assert task.retry(Opening(vendor)) == 1
        else:
            with pytest.raises(ConnectionError):
                task.clear(Opening(vendor))
        task.store.fault = None
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1


class Mute(Opening):
    """A vendor that does not say how a run stands."""

    def __init__(self, vendor: Vendor, error: WorkflowError) -> None:
        super().__init__(vendor)
        self._error = error

    def state(self, api: Any, id: Any) -> Operation[RunState]:
        raise self._error


class TestStoreFails:
    """The id is known, and cannot be written down."""

    def test_it_is_offered_again(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        task.store.fault = Fault(2, written=False, error=AWAY, times=len(STORE_PAUSES))
        assert task.run(Opening(vendor)) == 1
        assert task.record["id"] == 1
        assert clock.slept == [0, 1, 2, 3]

    def test_then_the_error_names_it(self, task: Task, vendor: Vendor) -> None:
        task.store.fault = Fault(2, written=False, error=AWAY, times=len(STORE_PAUSES) + 1)
        with pytest.raises(OutcomeUnknown, match=r"(?s)id 1, .*clear the task") as caught:
            task.run(Opening(vendor, findable=False))
        assert isinstance(caught.value, PermanentError), "a retry could only find the intent"
        task.hand_over(1)
        assert task.clear(Opening(vendor, findable=False)) == 1
        assert len(vendor.sent) == 1

    @pytest.mark.parametrize("how", AGAINS)
    def test_what_can_be_found_is_found(self, task: Task, vendor: Vendor, how: str) -> None:
        task.store.fault = Fault(2, written=False, error=AWAY, times=len(STORE_PAUSES) + 1)
        with pytest.raises(OutcomeUnknown):
            task.run(Opening(vendor))
        assert getattr(task, how)(Opening(vendor)) == 1
        assert len(vendor.sent) == 1


def into_record(task: Task, id: Any) -> None:
    task.hand_over(id)


def bare(task: Task, id: Any) -> None:
    task.store.set(KEY, id)


def as_text(task: Task, id: Any) -> None:
    task.store.set(KEY, json.dumps({"id": id}))


class TestHandOver:
    """A person has looked at the vendor, and writes the id."""

    @pytest.mark.parametrize("write", [into_record, bare, as_text])
    @pytest.mark.parametrize("value", [1, "1", " 1 "])
    @pytest.mark.parametrize("how", AGAINS)
    def test_the_task_goes_on_with_it(
        self, task: Task, vendor: Vendor, write: Callable[[Task, Any], None], value: Any, how: str
    ) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, after the effect")
        write(task, value)
        assert getattr(task, how)(effect) == 1
        assert task.record["id"] == 1
        assert task.retry(effect) == 1
        assert len(vendor.sent) == 1

    def test_a_clear_after_its_end_starts_anew(self, task: Task, vendor: Vendor) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, after the effect")
        task.hand_over("1")
        vendor.jobs[1].run = Run.SUCCEEDED
        assert task.clear(effect) == 1, "the person has cleared it to have this one"
        assert task.clear(effect) == 2

    def test_one_that_has_ended_badly_is_named_and_a_clear_has_another(
        self, task: Task, vendor: Vendor
    ) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, after the effect")
        task.hand_over("1")
        vendor.jobs[1].run = Run.FAILED
        with pytest.raises(RunFailed, match="clear the task"):
            task.clear(effect)
        assert task.clear(effect) == 2, "as the message advises"

    @pytest.mark.parametrize("write", [into_record, bare, as_text])
    @pytest.mark.parametrize("value", ["", "yes", [], {"a": 1}])
    def test_what_is_no_id_is_refused_and_nothing_sent(
        self, task: Task, vendor: Vendor, write: Callable[[Task, Any], None], value: Any
    ) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, after the effect")
        write(task, value)
        with pytest.raises((InvalidInput, OutcomeUnknown)):
            task.clear(effect)
        assert len(vendor.sent) == 1

    def test_one_of_which_the_vendor_does_not_tell_is_not_yet_taken(self, task: Task, vendor: Vendor) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, after the effect")
        task.hand_over("7")
        vendor.blind = 1
        with pytest.raises(ServiceUnavailable, match=r"could not check the id 7 with Vendor: "):
            task.retry(effect)
        with pytest.raises(InvalidInput, match="Vendor does not know the id"):
            task.retry(effect)
        task.hand_over("1")
        assert task.retry(effect) == 1
        assert len(vendor.sent) == 1

    def test_deleting_the_record_sends_again(self, task: Task, vendor: Vendor) -> None:
        effect = Opening(vendor, findable=False)
        crash(task, vendor, effect, "in sending, before the effect")
        task.store.delete(KEY)
        assert task.clear(effect) == 1

    @pytest.mark.parametrize("found", [{"format": 99, "id": 1}, {"intended_at": "soon"}, '{"id": '])
    def test_a_record_that_cannot_be_read_stops_everything(
        self, task: Task, vendor: Vendor, found: Any
    ) -> None:
        task.store.set(KEY, found)
        with pytest.raises(InvalidInput, match=r"cannot be read.*\nNothing was sent"):
            task.run(Opening(vendor))
        assert vendor.sent == []
        assert task.store.get(KEY) == found


class TestChangedSinceThen:
    def test_other_values_attach_and_warn(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
    ) -> None:
        task.run(Opening(vendor, payload={"a": 1}))
        assert task.retry(Opening(vendor, payload={"a": 2})) == 1
        assert "The values to send have changed" in caplog.text

    @pytest.mark.parametrize("how", AGAINS)
    def test_the_same_values_do_not_warn(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture, how: str
    ) -> None:
        task.run(Opening(vendor, payload={"a": 1, "b": 2}))
        getattr(task, how)(Opening(vendor, payload={"b": 2, "a": 1}))
        assert "The values to send have changed" not in caplog.text

    def test_new_values_that_were_sent_are_the_known_ones(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
    ) -> None:
        crash(task, vendor, Opening(vendor, payload={"a": 1}), "in sending, before the effect")
        task.retry(Opening(vendor, payload={"a": 2}))
        caplog.clear()
        task.retry(Opening(vendor, payload={"a": 2}))
        assert "The values to send have changed" not in caplog.text

    @pytest.mark.parametrize("how", AGAINS)
    def test_a_mark_that_was_not_given_is_not_missed(self, task: Task, vendor: Vendor, how: str) -> None:
        """The doubt's reader adds a place for the mark, and clears: the first one may still be there."""
        crash(task, vendor, Opening(vendor, findable=False), "in sending, after the effect")
        vendor.jobs[1].mark = ""
        with pytest.raises(OutcomeUnknown, match="looks for the mark in another place"):
            getattr(task, how)(Opening(vendor, findable=True))
        assert len(vendor.sent) == 1

    @pytest.mark.parametrize("how", AGAINS)
    def test_a_mark_is_not_missed_where_it_was_not_put(self, task: Task, vendor: Vendor, how: str) -> None:
        crash(task, vendor, Opening(vendor), "in sending, after the effect")
        vendor.jobs[1].mark = "in another field"
        moved = Opening(vendor)
        moved.mark_place = "an order whose field 'reference' is the mark"
        with pytest.raises(OutcomeUnknown, match="looks for the mark in another place"):
            getattr(task, how)(moved)
        assert len(vendor.sent) == 1

    def test_a_mark_that_nobody_knows_is_not_missed(self, task: Task, vendor: Vendor) -> None:
        task.store.set(KEY, {"subject": "a person has taken the mark out"})
        with pytest.raises(OutcomeUnknown):
            task.run(Opening(vendor))
        assert vendor.sent == []


class Move(Opening):
    """A move that is looked up by its baseline."""

    def __init__(self, vendor: Vendor, *, result: LookupResult) -> None:
        super().__init__(vendor, findable=False)
        self.asked: list[Record] = []
        self._result = result

    def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
        yield from ()
        self.asked.append(record)
        return self._result

    def state(self, api: Any, id: Any) -> Operation[RunState]:
        yield from ()
        return RunState(Run.SUCCEEDED)


class TestDeadline:
    def test_nothing_is_sent_after_it(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, deadline=clock.time())
        with pytest.raises(RunTimedOut, match="Nothing was sent"):
            task.run(Opening(vendor))
        assert (vendor.sent, task.record) == ([], None)

    def test_nor_if_it_passes_while_the_baseline_is_read(self, clock: Clock, vendor: Vendor) -> None:
        class Slow(Opening):
            def baseline(self, api: Any) -> Operation[Any]:
                yield from ()
                clock.sleep(50)

        task = Task(clock, deadline=clock.time() + 30)
        with pytest.raises(RunTimedOut):
            task.run(Slow(vendor))
        assert (vendor.sent, task.record) == ([], None)

    def test_nothing_is_sent_again_after_it(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, deadline=clock.time() + 30)
        vendor.fates = [LOST_BEFORE]
        with pytest.raises(OutcomeUnknown, match="the task's timeout passes sooner"):
            task.run(Opening(vendor))
        assert (len(vendor.sent), clock.time()) == (1, task.deadline)

    @pytest.mark.parametrize("findable", [True, False])
    def test_resubmitting_neither_and_the_doubt_is_named(
        self, clock: Clock, vendor: Vendor, findable: bool
    ) -> None:
        task = Task(clock, deadline=clock.time() + 30, policy=RESUBMIT)
        vendor.fates = [LOST_AFTER if not findable else LOST_BEFORE]
        with pytest.raises(OutcomeUnknown, match="may or may not have opened"):
            task.run(Opening(vendor, findable=findable))
        assert len(vendor.sent) == 1
        assert clock.time() <= task.deadline

    def test_what_is_found_at_the_last_look_counts(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, deadline=clock.time() + 30)
        vendor.fates = [Fate(effect=29, answer=LOST)]
        assert task.run(Opening(vendor)) == 1

    def test_a_retry_after_it_attaches(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, deadline=clock.time() + 30)
        task.run(Opening(vendor))
        clock.sleep(100)
        assert task.retry(Opening(vendor)) == 1

    def test_a_clear_has_a_time_of_its_own(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, deadline=clock.time() + 30)
        vendor.fates = [LOST_BEFORE]
        broken(task, Opening(vendor), kind=OutcomeUnknown)
        task.deadline = float("inf")
        assert task.clear(Opening(vendor)) == 1


class TestSiblings:
    @pytest.mark.parametrize("how", AGAINS)
    def test_each_finds_only_its_own(self, clock: Clock, vendor: Vendor, how: str) -> None:
        tasks = [Task(clock, name=name) for name in ("left", "right")]
        for one in tasks:
            crash(one, vendor, Opening(vendor, one.name), "in sending, after the effect")
        for one in tasks:
            id = getattr(one, how)(Opening(vendor, one.name))
            assert vendor.jobs[id].owner == one.name
        assert len(vendor.jobs) == 2

    def test_one_that_never_arrived_does_not_take_the_others(self, clock: Clock, vendor: Vendor) -> None:
        left, right = (Task(clock, name=name) for name in ("left", "right"))
        crash(left, vendor, Opening(vendor, "left"), "in sending, before the effect")
        crash(right, vendor, Opening(vendor, "right"), "in sending, after the effect")
        assert vendor.jobs[left.retry(Opening(vendor, "left"))].owner == "left"
        assert sorted(job.owner for job in vendor.jobs.values()) == ["left", "right"]


class TestPermit:
    def test_a_kill_while_the_intent_is_written(self, task: Task, vendor: Vendor) -> None:
        effect, write = Opening(vendor), task.store.set

        def killing(*args: Any, **more: Any) -> None:
            write(*args, **more)
            task.submission.stop()

        task.store.set = killing  # type: ignore[method-assign]
        with pytest.raises(TemporaryError, match="Nothing was sent: the task was killed"):
            task.run(effect)
        assert (vendor.sent, task.record) == ([], None)

    def test_a_kill_while_it_is_sent_leaves_the_intent(self, task: Task, vendor: Vendor) -> None:
        class Slow(Opening):
            def submit(self, api: Any, record: Record, *, again: bool) -> Operation[int]:
                with contextlib.suppress(OutcomeUnknown):
                    yield from super().submit(api, record, again=again)
                task.submission.stop()
                task.submission.engine.gate.check()
                raise AssertionError

        vendor.fates = [LOST_AFTER]
        with pytest.raises(TemporaryError):
            task.run(Slow(vendor))
        assert len(vendor.sent) == 1


class TestLastWords:
    """What the log says of a task that is killed."""

    def words(self, task: Task) -> str:
        return task.submission.stop()

    def test_before_anything_was_sent(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [refused(Rejected("no"))]
        broken(task, Opening(vendor), kind=Rejected)
        assert self.words(task) == "Nothing was sent: Airflow did not ask Vendor to open an order of purchase"

    def test_in_the_midst(self, task: Task, vendor: Vendor) -> None:
        crash(task, vendor, Opening(vendor), "in sending, after the effect")
        assert "may or may not have opened an order of purchase: the request may be under way" in self.words(
            task
        )
        assert task.record["mark"] in self.words(task)

    def test_while_it_goes_on(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor))
        assert "1 (an order of purchase) continues at Vendor" in self.words(task)
        task.retry(Opening(vendor))
        assert "1 (an order of purchase) continues at Vendor" in self.words(task)

    def test_before_airflow_3_3_an_earlier_attempt_may_have_sent(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, lasting=False)
        crash(task, vendor, Opening(vendor), "in sending, after the effect")
        vendor.blind = 1000
        with pytest.raises(LostTrack):
            task.retry(Opening(vendor))
        assert "the request may be under way" in self.words(task)

    def test_without_a_mark_a_refusal_of_a_retry_is_looked_into(self, task: Task, vendor: Vendor) -> None:
        """An earlier attempt's success may be what it comes of."""
        move = Move(vendor, result=Found(7))
        vendor.fates = [KILLED_AFTER, refused(Conflict("it has moved on"))]
        broken(task, move)
        assert move.asked == []
        assert task.retry(move) == 7
