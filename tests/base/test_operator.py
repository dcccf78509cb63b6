"""The operator base: what happens once and is waited for, its settings, and a triggerer that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.base.decision import Run, RunState
from airflow_provider_workflows.base.effect import Start
from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.operator import SETTLE_MARGIN, OnceOperator, WaitingOperator
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    RetryWouldRepeat,
    RunFailed,
    RunMayRerun,
    RunTimedOut,
    ServiceUnavailable,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Operation
from tests.base.airflow_names import AirflowTaskTimeout, TaskDeferralError, TaskDeferred
from tests.base.harness import Clock, Runner
from tests.base.vendor import (
    KILLED_AFTER,
    LOST_AFTER,
    LOST_BEFORE,
    Fate,
    Killed,
    Opening,
    Vendor,
    refused,
)
from tests.conftest import OMFlowServer
from tests.omflow.orders import TITLE, push_all

ENDS: dict[Run, Pending | Done | WorkflowError] = {
    Run.SUCCEEDED: Done("closed"),
    Run.FAILED: RunFailed("refused by Ada", vendor="Book", code=4),
    Run.ALIVE: Pending("with Ada"),
}


@dataclass(frozen=True, kw_only=True)
class Ended(Condition):
    """An order in the vendor's memory has ended."""

    hook_class: ClassVar[str] = ""
    order: int

    def check(self, api: Vendor) -> Operation[Pending | Done]:
        yield from ()
        api.ask()
        outcome = ENDS[api.jobs[self.order].run]
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    @property
    def remote_id(self) -> str:
        return str(self.order)

    def __str__(self) -> str:
        return f"the end of order {self.order}"


class BookHook(WorkflowHook[Vendor]):
    """A hook on a vendor in memory instead of a server."""

    timeout: ClassVar[float] = 2.0
    namespace: ClassVar[str] = "prod"
    where: ClassVar[str] = "https://book.example clerk"

    def __init__(self, book: Vendor) -> None:
        super().__init__("book_default")
        self.book = book

    def make_api(self, settings: Any) -> Vendor:
        return self.book

    def probe(self, api: Vendor) -> Any:
        raise NotImplementedError

    def run(self, call: Any, *, deadline: float | None = None) -> Any:
        operation: Iterator[Any] = call(self.book)
        try:
            next(operation)
        except StopIteration as end:
            return end.value
        raise AssertionError("this vendor needs no exchange")


class OrderStart(Opening, Start):
    """An order, whose state is its end's."""

    def __init__(self, hook: BookHook, *, findable: bool) -> None:
        Start.__init__(self, hook)
        Opening.__init__(self, hook.book, findable=findable)

    def end(self, id: Any) -> Ended:
        return Ended(order=id)

    def state(self, id: Any) -> RunState:
        return Start.state(self, id)


class OpenOrder(WaitingOperator):
    """Opens an order, and waits for its end if asked to."""

    vendor = "Book"
    hook: BookHook

    def __init__(self, *, book: Vendor, findable: bool = True, **kwargs: Any) -> None:
        super().__init__(task_id="open", **kwargs)
        self.findable = findable
        self.hook = BookHook(book)

    @property
    def retry_is_safe(self) -> bool:
        return self.findable

    def execute(self, context: Any) -> Any:
        order = self.start(context, OrderStart(self.hook, findable=self.findable))
        self.announce(context, str(order))
        return self.wait_for(context, Ended(order=order)) if self.wait_for_completion else order


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A time that passes only when someone sleeps, and no server."""
    return Clock().install(monkeypatch)


@pytest.fixture
def book(still: Clock) -> Vendor:
    return Vendor(still)


def opening(book: Vendor, *, store: bool = True, **how: Any) -> Runner:
    how = {"deferrable": False, **how}
    return Runner(lambda: OpenOrder(book=book, **how), clock=book.clock, store=store)


def waiting(book: Vendor, *, store: bool = True, **how: Any) -> Runner:
    return opening(book, store=store, **{"wait_for_completion": True, "timeout": 300, **how})


def ending(book: Vendor, run: Run, *, after: float) -> None:
    """Let the order that is there by then end."""

    def end() -> None:
        book.jobs[max(book.jobs)].run = run

    book.clock.after(after, end)


class TestSettings:
    """What the user got wrong is said before anything is sent."""

    @pytest.mark.parametrize("name", ["on_lost_answer", "on_failed_run", "on_clear"])
    @pytest.mark.parametrize("value", ["maybe", "", None, True, ["fail"]])
    def test_a_choice_that_is_none(self, book: Vendor, name: str, value: Any) -> None:
        with pytest.raises(InvalidInput, match=f"^{name} must be '.*' or '.*', not .*nothing was sent"):
            opening(book, **{name: value}).run()
        assert (book.sent, book.looks) == ([], [])

    @pytest.mark.parametrize("value", ["soon", None, float("nan"), float("inf"), -1, "-1", [60]], ids=str)
    def test_a_settle_that_is_no_time(self, book: Vendor, value: Any) -> None:
        with pytest.raises(InvalidInput, match=r"^settle must be .*nothing was sent"):
            opening(book, settle=value).run()
        assert (book.sent, book.looks) == ([], [])

    @pytest.mark.parametrize(
        ("settle", "timeout", "waited"),
        [(60, 2.0, 60.0), ("90", 2.0, 90.0), (0, 2.0, 2 + SETTLE_MARGIN), (60, 120.0, 120 + SETTLE_MARGIN)],
    )
    def test_settle_is_never_less_than_the_connections_timeout_and_a_margin(
        self, book: Vendor, monkeypatch: pytest.MonkeyPatch, settle: Any, timeout: float, waited: float
    ) -> None:
        monkeypatch.setattr(BookHook, "timeout", timeout)
        book.fates = [LOST_BEFORE]
        opening(book, settle=settle).run()
        first, second = book.sent
        assert first.given_up is not None
        assert second.at - first.given_up == pytest.approx(waited)

    def test_an_operator_that_does_not_wait_has_one_choice(self, book: Vendor) -> None:
        class Push(OnceOperator):
            vendor = "Book"

            def execute(self, context: Any) -> Any:
                return self.once(context, Opening(book, findable=False))

        def push(**how: Any) -> Runner:
            def make() -> Push:
                one = Push(task_id="push", **how)
                one.hook = BookHook(book)
                return one

            return Runner(make, clock=book.clock)

        with pytest.raises(InvalidInput, match="on_lost_answer"):
            push(on_lost_answer="rerun").run()
        book.fates = [LOST_AFTER]
        assert push(on_lost_answer="resubmit").run() == 2

    @pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
    def test_the_namespace_tells_installations_apart(
        self, book: Vendor, monkeypatch: pytest.MonkeyPatch, store: bool
    ) -> None:
        opening(book, store=store).run()
        monkeypatch.setattr(BookHook, "namespace", "test")
        opening(book, store=store).run()
        assert len({sent.mark for sent in book.sent}) == 2


class TestPolicies:
    def test_on_lost_answer(self, book: Vendor) -> None:
        book.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown):
            opening(book, findable=False).run()
        book.fates = [LOST_AFTER]
        assert opening(book, findable=False, on_lost_answer="resubmit").run() == 3

    @pytest.mark.parametrize("findable", [True, False])
    def test_a_run_that_ends_badly_is_final(self, book: Vendor, findable: bool) -> None:
        runner = waiting(book, findable=findable)
        ending(book, Run.FAILED, after=20)
        with pytest.raises(RunFailed, match=r"^refused by Ada.*on_failed_run='rerun'"):
            runner.run()
        with pytest.raises(RunFailed, match="refused by Ada"):
            runner.retry()
        assert len(book.sent) == 1
        ending(book, Run.SUCCEEDED, after=20)
        assert runner.clear() == "closed"
        assert len(book.sent) == 2

    def test_or_followed_by_another_in_the_next_attempt(self, book: Vendor) -> None:
        runner = waiting(book, on_failed_run="rerun")
        ending(book, Run.FAILED, after=20)
        with pytest.raises(RunMayRerun):
            runner.run()
        assert len(book.sent) == 1, "that is the next attempt's business"
        ending(book, Run.SUCCEEDED, after=20)
        assert runner.retry() == "closed"
        assert len(book.sent) == 2

    @pytest.mark.parametrize(("on_clear", "sent"), [("attach", 1), ("rerun", 2)])
    def test_on_clear(self, book: Vendor, on_clear: str, sent: int) -> None:
        runner = opening(book, on_clear=on_clear)
        runner.run()
        assert runner.clear() == sent
        assert len(book.sent) == sent

    def test_after_the_end_of_track_a_retry_goes_on(self, book: Vendor) -> None:
        runner = waiting(book, tolerance=5)
        book.clock.after(0.5, lambda: setattr(book, "blind", 1000))
        with pytest.raises(LostTrack):
            runner.run()
        book.blind = 0
        ending(book, Run.SUCCEEDED, after=5)
        assert runner.retry() == "closed"
        assert len(book.sent) == 1


class TestAfterStart:
    """What failures mean once something was started."""

    def converted(self, error: BaseException, *, store: bool, findable: bool = False, **how: Any) -> Any:
        task = OpenOrder(book=Vendor(Clock()), findable=findable, **how)
        context = Runner(lambda: task, store=store).context
        with pytest.raises((WorkflowError, type(error))) as caught, task.after_start(context):
            raise error
        return caught.value

    FAILED = RunFailed("refused by Ada", vendor="Book", operation="look", status=200, code=4)

    @pytest.mark.parametrize("store", [True, False])
    @pytest.mark.parametrize(("on_failed_run", "kind"), [("fail", RunFailed), ("rerun", RunMayRerun)])
    def test_a_run_that_failed(self, store: bool, on_failed_run: Any, kind: type[WorkflowError]) -> None:
        error = self.converted(self.FAILED, store=store, on_failed_run=on_failed_run)
        assert type(error) is kind
        assert error.message.startswith("refused by Ada. ")
        facts = (error.vendor, error.operation, error.status, error.code)
        assert facts == ("Book", "look", 200, 4)

    @pytest.mark.parametrize(
        ("store", "findable", "kind"),
        [
            (True, False, ServiceUnavailable),
            (True, True, ServiceUnavailable),
            (False, True, ServiceUnavailable),
            (False, False, RetryWouldRepeat),
        ],
    )
    def test_a_passing_failure(self, store: bool, findable: bool, kind: type[WorkflowError]) -> None:
        down = ServiceUnavailable("the vendor is down", vendor="Book", retry_after=7.0)
        error = self.converted(down, store=store, findable=findable)
        assert type(error) is kind
        assert (error.vendor, error.retry_after) == ("Book", 7.0)
        assert error.message.startswith("the vendor is down")

    @pytest.mark.parametrize("error", [Rejected("no"), RunTimedOut("late"), Killed()])
    @pytest.mark.parametrize("store", [True, False])
    def test_what_no_retry_follows_stays_as_it_is(self, error: BaseException, store: bool) -> None:
        assert self.converted(error, store=store) is error

    def test_a_failure_of_any_other_kind(self) -> None:
        bug = ValueError("a bug that may quote anything")
        assert self.converted(bug, store=True) is bug
        error = self.converted(bug, store=False)
        assert type(error) is RetryWouldRepeat
        assert error.message.startswith("ValueError. ")

    @pytest.mark.parametrize(
        ("store", "findable", "kind"),
        [
            (True, False, AirflowTaskTimeout),
            (False, True, AirflowTaskTimeout),
            (False, False, RetryWouldRepeat),
        ],
    )
    def test_an_execution_timeout(self, store: bool, findable: bool, kind: type[BaseException]) -> None:
        error = self.converted(AirflowTaskTimeout("Timeout, PID: 7"), store=store, findable=findable)
        assert type(error) is kind

    def test_before_airflow_3_3_a_retry_would_find_the_same_failed_run(self) -> None:
        error = self.converted(self.FAILED, store=False, findable=True, on_failed_run="rerun")
        assert type(error) is RunFailed
        assert "to have another one, clear the task" in error.message

    def test_a_failed_announcement(self, book: Vendor) -> None:
        """After the effect a retry would have it again; before it nothing has happened."""
        runner = opening(book, store=False, findable=False)

        def refuse(key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

        runner.ti.xcom_push = refuse  # type: ignore[method-assign]
        with pytest.raises(RetryWouldRepeat, match=r"^ConnectionError\. .* a retry would do it"):
            OpenOrder(book=book, findable=False).execute(runner.context)
        with pytest.raises(ConnectionError):
            OpenOrder(book=book, findable=False).announce(runner.context, "7")

    def test_what_the_triggerer_reports_is_converted_too(self, book: Vendor) -> None:
        task = OpenOrder(book=book, on_failed_run="rerun")
        event = {"status": "failed", "error": self.FAILED.to_json()}
        with pytest.raises(RunMayRerun):
            task.execute_complete(opening(book).context, event)
        assert task.execute_complete(opening(book).context, {"status": "done", "result": 7}) == 7


class TestDeadline:
    """One deadline over the start, the wait and all retries."""

    def test_it_is_the_start_and_the_wait(self, book: Vendor) -> None:
        book.fates = [Fate(effect=None, answer=LOST_BEFORE.answer, takes=30)]
        begun = book.clock.time()
        with pytest.raises(RunTimedOut):
            waiting(book, timeout=200).run()
        assert len(book.sent) == 2
        assert book.clock.time() == pytest.approx(begun + 200, abs=1)
        assert book.looks[-1] == pytest.approx(begun + 200, abs=1), "a last look"

    def test_nothing_is_sent_after_it_by_any_attempt(self, book: Vendor) -> None:
        runner = waiting(book, timeout=100)
        book.fates = [refused(ServiceUnavailable("down"))] * 2
        for attempt in (runner.run, runner.retry):
            with pytest.raises(ServiceUnavailable):
                attempt()
            book.clock.sleep(60)
        assert len(book.sent) == 2
        with pytest.raises(RunTimedOut, match="nothing is sent"):
            runner.retry()
        assert len(book.sent) == 2
        ending(book, Run.SUCCEEDED, after=20)
        assert runner.clear() == "closed", "a Clear has a time of its own"

    def test_a_doubt_is_looked_into_until_it_and_no_longer(self, book: Vendor) -> None:
        begun = book.clock.time()
        book.fates = [LOST_BEFORE]
        with pytest.raises(OutcomeUnknown, match="time is over"):
            waiting(book, timeout=40).run()
        assert len(book.sent) == 1
        assert book.looks[-1] == pytest.approx(begun + 40)

    def test_a_run_that_fails_after_it_is_not_followed_by_another(self, book: Vendor) -> None:
        runner = waiting(book, timeout=100, on_failed_run="rerun")
        ending(book, Run.FAILED, after=50)
        with pytest.raises(RunMayRerun):
            runner.run()
        book.clock.sleep(100)
        with pytest.raises(RunTimedOut):
            runner.retry()
        assert len(book.sent) == 1

    def test_a_retry_after_it_looks_a_last_time(self, book: Vendor) -> None:
        runner = waiting(book, timeout=100)
        with pytest.raises(RunTimedOut):
            runner.run()
        book.jobs[1].run = Run.SUCCEEDED
        assert runner.retry() == "closed"

    def test_who_does_not_wait_has_the_time_in_every_attempt(self, book: Vendor) -> None:
        runner = opening(book, timeout=100)
        book.fates = [KILLED_AFTER]
        with pytest.raises(Killed):
            runner.run()
        book.clock.sleep(1000)
        assert runner.retry() == 1


class TestOnKill:
    @pytest.fixture
    def killed(
        self, book: Vendor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> Callable[[Runner], str]:
        """Kill a task where its attempt ends, and return what it logs then, wherever Airflow logs it."""

        def kill(runner: Runner) -> str:
            task = runner.make_task()
            with pytest.raises((Killed, TaskDeferred, WorkflowError)):
                task.execute(runner.context)
            sent = len(book.sent)
            caplog.clear()
            capfd.readouterr()
            task.on_kill()
            assert len(book.sent) == sent
            return caplog.text + "".join(capfd.readouterr())

        return kill

    def test_it_says_what_goes_on_and_sends_nothing(self, book: Vendor, killed: Any) -> None:
        said = killed(waiting(book, deferrable=True, prepoll=0))
        assert "Killed. an order of purchase, id 1, goes on at the vendor" in said
        assert "cannot be cancelled" in said

    def test_it_says_what_may_be_under_way(self, book: Vendor, killed: Any) -> None:
        book.fates = [KILLED_AFTER]
        said = killed(opening(book))
        assert "A request may be under way: an order of purchase" in said
        assert book.sent[0].mark in said

    def test_it_says_when_nothing_was_sent(self, book: Vendor, killed: Any) -> None:
        book.fates = [refused(Rejected("no"))]
        assert "Nothing was sent: an order of purchase" in killed(opening(book))

    def test_before_it_began_there_is_nothing_to_say(
        self, book: Vendor, capfd: pytest.CaptureFixture[str]
    ) -> None:
        OpenOrder(book=book).on_kill()
        assert "Killed" not in "".join(capfd.readouterr())


class TestBeforeAirflow33:
    def test_a_passing_failure_after_the_start_is_not_retried(self, book: Vendor) -> None:
        runner = waiting(book, store=False, findable=False, tolerance=5)
        book.clock.after(0.5, lambda: setattr(book, "blind", 1000))
        with pytest.raises(RetryWouldRepeat):
            runner.run()

    def test_unless_the_run_is_found(self, book: Vendor) -> None:
        runner = waiting(book, store=False, tolerance=5)
        book.clock.after(0.5, lambda: setattr(book, "blind", 1000))
        with pytest.raises(LostTrack):
            runner.run()
        book.blind = 0
        ending(book, Run.SUCCEEDED, after=5)
        assert runner.retry() == "closed"
        assert len(book.sent) == 1


TIMEOUT = 300


def make() -> OMFlowOpenOrderOperator:
    return OMFlowOpenOrderOperator(
        task_id="open",
        api_path="two-step",
        form_data=TITLE,
        wait_for_completion=True,
        deferrable=True,
        timeout=TIMEOUT,
    )


class TestTriggererGone:
    """Airflow ends a deferral that no triggerer has ended; the task then resumes without an event."""

    def resume(self, runner: Runner, error: str = "Trigger timeout") -> Any:
        return make().resume_execution("__fail__", {"error": error}, runner.context)

    def deferred(self, clock: Clock, *, store: bool = True) -> Runner:
        runner = Runner(make, clock=clock, store=store)
        with pytest.raises(TaskDeferred):
            make().execute(runner.context)
        clock.sleep(TIMEOUT + 1000)
        return runner

    def test_the_vendor_is_asked_a_last_time(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = self.deferred(clock)
        push_all(omflow, "two-step", 1, times=2)
        assert self.resume(runner) == "1"
        assert omflow.effects()["opened"] == 1

    @pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
    def test_otherwise_it_is_the_timeout(self, omflow: OMFlowServer, clock: Clock, store: bool) -> None:
        runner = self.deferred(clock, store=store)
        with pytest.raises(RunTimedOut):
            self.resume(runner)
        assert omflow.effects()["opened"] == 1

    def test_a_trigger_that_broke_is_no_timeout(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = self.deferred(clock)
        with pytest.raises(TaskDeferralError):
            self.resume(runner, "Trigger failure")

    def test_before_airflow_3_3_no_retry_follows_it(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = self.deferred(clock, store=False)
        with pytest.raises(RetryWouldRepeat, match="TaskDeferralError"):
            self.resume(runner, "Trigger failure")


def test_deferrable_by_airflows_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert OMFlowOpenOrderOperator(task_id="open", api_path="p").deferrable
    assert not OMFlowOpenOrderOperator(task_id="open", api_path="p", deferrable=False).deferrable


def test_the_remote_id_is_left_where_people_look(omflow: OMFlowServer) -> None:
    runner = Runner(lambda: OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data=TITLE))
    runner.run()
    assert runner.ti.xcoms == {"remote": {"vendor": "OMFlow", "id": "two-step/1"}}


def test_it_runs_without_a_task_instance(omflow: OMFlowServer) -> None:
    task = OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data=TITLE)
    assert task.execute({}) == "1"


def test_the_hook_is_made_of_the_rendered_connection_id() -> None:
    task = OMFlowOpenOrderOperator(task_id="open", api_path="p", omflow_conn_id="{{ 'some' }}")
    task.render_template_fields({})
    assert task.hook.conn_id == "some"
