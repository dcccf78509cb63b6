"""Doing something once on Airflow before 3.3: a mark is derived, and looked up before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission import runner
from airflow_provider_workflows.core.submission.effect import LookupResult, NotSent, Unknown
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.core.submission.terms import SENDS, Policy
from airflow_provider_workflows.exceptions import LostTrack, OutcomeUnknown, Rejected, ServiceUnavailable
from tests.core.airflow_names import AirflowTaskTimeout
from tests.core.harness import Clock
from tests.core.vendor import (
    KILLED_AFTER,
    KILLED_BEFORE,
    LOST_AFTER,
    LOST_BEFORE,
    RESUBMIT,
    SETTLE,
    Fate,
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


class TestBeforeAirflow33:
    """There is no store; a mark is derived, and looked up before anything is sent."""

    @pytest.fixture
    def task(self, clock: Clock) -> Task:
        return Task(clock, lasting=False, namespace="prod")

    def test_a_first_attempt_looks_once_and_sends(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        assert task.run(Opening(vendor)) == 1
        assert (len(vendor.looks), sum(clock.slept)) == (1, 0)

    def test_a_retry_finds_it(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor))
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    @pytest.mark.parametrize("fate", [KILLED_AFTER, KILLED_BEFORE, Fate(effect=SETTLE - 1, answer=Killed())])
    def test_a_retry_after_a_crash(self, task: Task, vendor: Vendor, fate: Fate, clock: Clock) -> None:
        vendor.fates = [fate]
        broken(task, Opening(vendor))
        died = clock.time()
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.jobs) == 1
        if len(vendor.sent) == 2:
            assert vendor.sent[1].at >= died + SETTLE
            assert vendor.sent[1].again

    @pytest.mark.parametrize("fate", [0.0, None], ids=["done", "not done"])
    def test_an_execution_timeout_in_sending_what_cannot_be_found_is_a_doubt(
        self, task: Task, vendor: Vendor, fate: float | None
    ) -> None:
        vendor.fates = [Fate(effect=fate, answer=AirflowTaskTimeout("Timeout, PID: 7"))]
        with pytest.raises(OutcomeUnknown, match="execution_timeout passed before an answer came"):
            task.run(Opening(vendor, findable=False))
        assert len(vendor.sent) == 1

    def test_a_clear_starts_anew(self, task: Task, vendor: Vendor) -> None:
        task.run(Opening(vendor))
        assert task.clear(Opening(vendor)) == 2
        assert len({sent.mark for sent in vendor.sent}) == 2

    def test_another_installation_finds_nothing_of_it(self, task: Task, vendor: Vendor, clock: Clock) -> None:
        other = Task(clock, lasting=False, namespace="test")
        assert [task.run(Opening(vendor)), other.run(Opening(vendor))] == [1, 2]

    @pytest.mark.parametrize(("fate", "sent"), [(LOST_AFTER, 1), (LOST_BEFORE, 2)])
    def test_a_lost_answer_is_looked_for(self, task: Task, vendor: Vendor, fate: Fate, sent: int) -> None:
        vendor.fates = [fate]
        assert task.run(Opening(vendor)) == 1
        assert (len(vendor.sent), len(vendor.jobs)) == (sent, 1)

    def test_a_refusal_of_what_is_sent_again_is_looked_into(self, clock: Clock, vendor: Vendor) -> None:
        task = Task(clock, lasting=False, policy=RESUBMIT)

        class Revealed(Opening):
            def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
                result = yield from super().look_up(api, record)
                return Unknown("not shown yet") if len(vendor.sent) == 1 else result

        vendor.fates = [LOST_AFTER, refused(Rejected("there is one"))]
        assert task.run(Revealed(vendor)) == 1

    def test_a_vendor_that_is_down_is_not_sent_to(self, task: Task, vendor: Vendor) -> None:
        vendor.blind = 1
        with pytest.raises(ServiceUnavailable):
            task.run(Opening(vendor))
        assert vendor.sent == []

    @pytest.mark.parametrize(("policy", "sent"), [(Policy(), 0), (RESUBMIT, 1)])
    def test_a_retry_that_cannot_know_does_as_the_user_wants(
        self, clock: Clock, vendor: Vendor, policy: Policy, sent: int
    ) -> None:
        class Hidden(Opening):
            def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
                yield from ()
                return Unknown("its list is closed")

        task = Task(clock, lasting=False, policy=policy)
        task.ti.try_number = 1
        if sent:
            assert task.retry(Hidden(vendor)) == 1
        else:
            with pytest.raises(OutcomeUnknown, match="its list is closed") as caught:
                task.retry(Hidden(vendor))
            assert KEY not in str(caught.value), "there is no such record"
            assert "mark the task as success" in str(caught.value)
        assert len(vendor.sent) == sent

    def test_without_a_mark_each_attempt_sends_and_the_gap_is_said_once(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
    ) -> None:
        runner.warn_of_gap.cache_clear()  # as in a new process
        assert task.run(Opening(vendor, findable=False)) == 1
        assert task.retry(Opening(vendor, findable=False)) == 2
        assert [sent.again for sent in vendor.sent] == [False, True]
        said = [record for record in caplog.records if "a retry after a crash may send" in record.message]
        assert len(said) == 1

    def test_without_a_mark_what_nobody_can_tell_is_a_doubt(self, task: Task, vendor: Vendor) -> None:
        class Down(Opening):
            def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
                raise ServiceUnavailable("the vendor is down")

        vendor.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown, match="a retry could send it again\nIf it exists") as caught:
            task.run(Down(vendor, findable=False))
        assert "asks again" not in str(caught.value)

    def test_what_may_be_sent_again_is_sent_again(
        self, task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Upsert(Opening):
            repeatable = True

            def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
                yield from ()
                return NotSent("a repetition changes the same instance")

        runner.warn_of_gap.cache_clear()  # as in a new process
        vendor.fates = [LOST_BEFORE] * SENDS
        with pytest.raises(LostTrack, match="A retry asks again"):
            task.run(Upsert(vendor, findable=False))
        vendor.fates = [Fate(effect=None, answer=AirflowTaskTimeout("Timeout, PID: 7"))]
        with pytest.raises(AirflowTaskTimeout):
            task.retry(Upsert(vendor, findable=False))
        assert task.retry(Upsert(vendor, findable=False)) == 1
        assert "a retry after a crash may send" not in caplog.text

    def test_a_mark_of_a_run_that_was_deleted_is_said(
        self, task: Task, vendor: Vendor, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert task.run(Opening(vendor)) == 1
        again = Task(clock, lasting=False, namespace=task.namespace)
        assert again.run(Opening(vendor)) == 1
        assert "a deleted DAG run with the same run id, clear the task" in caplog.text
        assert again.clear(Opening(vendor)) == 2

    def test_without_a_mark_a_lost_answer_is_a_doubt(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown, match="mark the task as success"):
            task.run(Opening(vendor, findable=False))
        assert len(vendor.sent) == 1
