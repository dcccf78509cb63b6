"""The operator base: what happens once and is waited for, its settings, and a triggerer that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import Run, RunState, Start
from airflow_provider_workflows.core.submission.terms import SETTLE_MARGIN
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import (
    LINE_WIDTH,
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
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from tests.conftest import OMFlowServer
from tests.core.airflow_names import AirflowTaskTimeout, TaskDeferralError, TaskDeferred
from tests.core.harness import Clock, Runner
from tests.core.vendor import KILLED_AFTER, LOST_AFTER, LOST_BEFORE, Fate, Killed, Opening, Vendor, refused
from tests.omflow.orders import TITLE, push_all

ENDS: dict[Run, Pending | Done | WorkflowError] = {
    Run.SUCCEEDED: Done("closed"),
    Run.FAILED: RunFailed("refused by Ada", vendor="Vendor", code=4),
    Run.ALIVE: Pending("with Ada"),
}


@dataclass(frozen=True, kw_only=True)
class Ended(Condition):
    """An order in the vendor's memory has ended."""

    hook_class: ClassVar[str] = f"{__name__}.InMemoryHook"
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


class InMemoryHook(WorkflowHook[Vendor]):
    """A hook on a vendor in memory instead of a server."""

    timeout: ClassVar[float] = 2.0
    namespace: ClassVar[str] = "prod"
    where: ClassVar[str] = "https://vendor.example clerk"

    def __init__(self, vendor: Vendor) -> None:
        super().__init__("memory_default")
        self.double = vendor

    def make_api(self, settings: Any) -> Vendor:
        return self.double

    def probe(self, api: Vendor) -> Any:
        raise NotImplementedError

    def run(self, call: Any, *, deadline: float | None = None, permit: Any = None, ahead: Any = "any") -> Any:
        operation: Iterator[Any] = call(self.double)
        try:
            next(operation)
        except StopIteration as end:
            return end.value
        raise AssertionError("this vendor needs no exchange")


class OrderStart(Opening, Start[Any]):
    """An order, whose state is its end's."""

    def end(self, id: Any) -> Ended:
        return Ended(order=id)

    def state(self, api: Any, id: Any) -> Operation[RunState]:
        return Start.state(self, api, id)


class OpenOrder(WaitingOperator):
    """Opens an order, and waits for its end if asked to."""

    vendor = "Vendor"
    hook_class = Ended.hook_class
    hook: InMemoryHook

    def __init__(self, *, vendor: Vendor, findable: bool = True, **kwargs: Any) -> None:
        super().__init__(task_id="open", **kwargs)
        self.findable = findable
        self.hook = InMemoryHook(vendor)

    def effect(self, context: Any) -> OrderStart:
        return OrderStart(self.hook.double, findable=self.findable)

    def execute(self, context: Any) -> Any:
        order = self.start(context, self.effect(context))
        self.announce(context, str(order))
        return self.wait_for(context, Ended(order=order)) if self.wait_for_completion else order


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A time that passes only when someone sleeps, and no server."""
    return Clock().install(monkeypatch)


@pytest.fixture
def vendor(still: Clock) -> Vendor:
    return Vendor(still)


def opening(vendor: Vendor, *, store: bool = True, **how: Any) -> Runner:
    how = {"deferrable": False, **how}
    return Runner(lambda: OpenOrder(vendor=vendor, **how), clock=vendor.clock, store=store)


def waiting(vendor: Vendor, *, store: bool = True, **how: Any) -> Runner:
    return opening(vendor, store=store, **{"wait_for_completion": True, "timeout": 300, **how})


def ending(vendor: Vendor, run: Run, *, after: float) -> None:
    """Let the order that is there by then end."""

    def end() -> None:
        vendor.jobs[max(vendor.jobs)].run = run

    vendor.clock.after(after, end)


class TestSettings:
    """What the user got wrong is said before anything is sent."""

    @pytest.mark.parametrize("name", ["on_lost_answer", "on_failed_run", "on_clear"])
    @pytest.mark.parametrize("value", ["maybe", "", None, True, ["fail"]])
    def test_a_choice_that_is_none(self, vendor: Vendor, name: str, value: Any) -> None:
        with pytest.raises(InvalidInput, match=f"^{name} must be '.*' or '.*', got .*Nothing was sent"):
            opening(vendor, **{name: value}).run()
        assert (vendor.sent, vendor.looks) == ([], [])

    def test_it_is_logged_once_and_in_short_lines(
        self, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def effect(self: OpenOrder, context: Any) -> Any:
            raise InvalidInput("what happened\nwhat to do")

        monkeypatch.setattr(OpenOrder, "effect", effect)
        with pytest.raises(InvalidInput):
            opening(vendor).run()
        said = "".join(capfd.readouterr())
        assert [said.count(line) for line in ("what happened", "what to do")] == [1, 1]

    def test_so_is_an_error_of_the_submission(
        self, vendor: Vendor, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(InvalidInput):
            opening(vendor, settle="soon").run()
        assert "".join(capfd.readouterr()).count("settle must be a number of seconds") == 1

    @pytest.mark.parametrize("value", ["soon", None, float("nan"), float("inf"), -1, "-1", [60]], ids=str)
    def test_a_settle_that_is_no_time(self, vendor: Vendor, value: Any) -> None:
        with pytest.raises(InvalidInput, match=r"^settle must be .*Nothing was sent"):
            opening(vendor, settle=value).run()
        assert (vendor.sent, vendor.looks) == ([], [])

    @pytest.mark.parametrize(
        ("settle", "timeout", "waited"),
        [(60, 2.0, 60.0), ("90", 2.0, 90.0), (0, 2.0, 2 + SETTLE_MARGIN), (60, 120.0, 120 + SETTLE_MARGIN)],
    )
    def test_settle_is_never_less_than_the_connections_timeout_and_a_margin(
        self, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, settle: Any, timeout: float, waited: float
    ) -> None:
        monkeypatch.setattr(InMemoryHook, "timeout", timeout)
        vendor.fates = [LOST_BEFORE]
        opening(vendor, settle=settle).run()
        first, second = vendor.sent
        assert first.given_up is not None
        assert second.at - first.given_up == pytest.approx(waited)

    def test_an_operator_that_does_not_wait_has_one_choice(self, vendor: Vendor) -> None:
        class Push(OnceOperator):
            vendor = "Vendor"

            def execute(self, context: Any) -> Any:
                return self.once(context, Opening(vendor, findable=False))

        def push(**how: Any) -> Runner:
            def make() -> Push:
                one = Push(task_id="push", **how)
                one.hook = InMemoryHook(vendor)
                return one

            return Runner(make, clock=vendor.clock)

        with pytest.raises(InvalidInput, match="on_lost_answer"):
            push(on_lost_answer="rerun").run()
        vendor.fates = [LOST_AFTER]
        assert push(on_lost_answer="resubmit").run() == 2

    @pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
    def test_the_namespace_tells_installations_apart(
        self, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, store: bool
    ) -> None:
        opening(vendor, store=store).run()
        monkeypatch.setattr(InMemoryHook, "namespace", "test")
        opening(vendor, store=store).run()
        assert len({sent.mark for sent in vendor.sent}) == 2


class TestPolicies:
    def test_on_lost_answer(self, vendor: Vendor) -> None:
        vendor.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown):
            opening(vendor, findable=False).run()
        vendor.fates = [LOST_AFTER]
        assert opening(vendor, findable=False, on_lost_answer="resubmit").run() == 3

    @pytest.mark.parametrize("findable", [True, False])
    def test_a_run_that_ends_badly_is_final(self, vendor: Vendor, findable: bool) -> None:
        runner = waiting(vendor, findable=findable)
        ending(vendor, Run.FAILED, after=20)
        with pytest.raises(RunFailed, match=r"(?s)^refused by Ada.*on_failed_run='rerun'"):
            runner.run()
        with pytest.raises(RunFailed, match="refused by Ada"):
            runner.retry()
        assert len(vendor.sent) == 1
        ending(vendor, Run.SUCCEEDED, after=20)
        assert runner.clear() == "closed"
        assert len(vendor.sent) == 2

    def test_or_followed_by_another_in_the_next_attempt(self, vendor: Vendor) -> None:
        runner = waiting(vendor, on_failed_run="rerun")
        ending(vendor, Run.FAILED, after=20)
        with pytest.raises(RunMayRerun):
            runner.run()
        assert len(vendor.sent) == 1, "that is the next attempt's business"
        ending(vendor, Run.SUCCEEDED, after=20)
        assert runner.retry() == "closed"
        assert len(vendor.sent) == 2

    @pytest.mark.parametrize(("on_clear", "sent"), [("attach", 1), ("rerun", 2)])
    def test_on_clear(self, vendor: Vendor, on_clear: str, sent: int) -> None:
        runner = opening(vendor, on_clear=on_clear)
        runner.run()
        assert runner.clear() == sent
        assert len(vendor.sent) == sent

    def test_after_the_end_of_track_a_retry_goes_on(self, vendor: Vendor) -> None:
        runner = waiting(vendor, tolerance=5)
        vendor.clock.after(0.5, lambda: setattr(vendor, "blind", 1000))
        with pytest.raises(LostTrack):
            runner.run()
        vendor.blind = 0
        ending(vendor, Run.SUCCEEDED, after=5)
        assert runner.retry() == "closed"
        assert len(vendor.sent) == 1


class TestShortLines:
    """What to do stands in the log before the error, in lines that Airflow's log page does not cut."""

    @pytest.fixture
    def logged(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        lines: list[str] = []

        class Log:
            def error(self, message: str, *arguments: Any) -> None:
                lines.append(message % arguments)

            def __getattr__(self, level: str) -> Callable[..., None]:
                return lambda *_, **__: None

        monkeypatch.setattr(OpenOrder, "log", Log(), raising=False)
        return lines

    def test_of_a_doubt(self, vendor: Vendor, logged: list[str]) -> None:
        vendor.fates = [LOST_AFTER]
        with pytest.raises(OutcomeUnknown) as caught:
            opening(vendor, findable=False).run()
        assert logged == caught.value.lines()
        assert max(map(len, logged)) <= LINE_WIDTH
        assert "clear the task" in " ".join(logged)

    def test_of_a_run_that_failed(self, vendor: Vendor, logged: list[str]) -> None:
        ending(vendor, Run.FAILED, after=20)
        with pytest.raises(RunFailed) as caught:
            waiting(vendor).run()
        assert logged == caught.value.lines()
        assert "on_failed_run='rerun'" in " ".join(logged)

    def test_none_without_an_error(self, vendor: Vendor, logged: list[str]) -> None:
        ending(vendor, Run.SUCCEEDED, after=20)
        waiting(vendor).run()
        assert logged == []


class TestAfterStart:
    """What failures mean once something was started."""

    def converted(self, error: BaseException, *, store: bool, findable: bool = False, **how: Any) -> Any:
        task = OpenOrder(vendor=Vendor(Clock()), findable=findable, **how)
        context = Runner(lambda: task, store=store).context
        with pytest.raises((WorkflowError, type(error))) as caught, task.after_start(context):
            raise error
        return caught.value

    FAILED = RunFailed("refused by Ada", vendor="Vendor", operation="look", status=200, code=4)

    @pytest.mark.parametrize("store", [True, False])
    @pytest.mark.parametrize(("on_failed_run", "kind"), [("fail", RunFailed), ("rerun", RunMayRerun)])
    def test_a_run_that_failed(self, store: bool, on_failed_run: Any, kind: type[WorkflowError]) -> None:
        error = self.converted(self.FAILED, store=store, on_failed_run=on_failed_run)
        assert type(error) is kind
        assert error.message.startswith("refused by Ada\n")
        facts = (error.vendor, error.operation, error.status, error.code)
        assert facts == ("Vendor", "look", 200, 4)

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
        down = ServiceUnavailable("the vendor is down", vendor="Vendor", retry_after=7.0)
        error = self.converted(down, store=store, findable=findable)
        assert type(error) is kind
        assert (error.vendor, error.retry_after) == ("Vendor", 7.0)
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
        assert error.message.startswith("ValueError\n")

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
        assert "To start another run, clear the task" in error.message

    def test_a_failed_announcement(self, vendor: Vendor) -> None:
        """After the effect a retry would have it again; before it nothing has happened."""
        runner = opening(vendor, store=False, findable=False)

        def refuse(key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

        runner.ti.xcom_push = refuse  # type: ignore[method-assign]
        with pytest.raises(
            RetryWouldRepeat,
            match=r"^ConnectionError\nAirflow will not retry: .* would send the request again",
        ):
            OpenOrder(vendor=vendor, findable=False).execute(runner.context)
        with pytest.raises(ConnectionError):
            OpenOrder(vendor=vendor, findable=False).announce(runner.context, "7")

    def test_what_the_triggerer_reports_is_converted_too(self, vendor: Vendor) -> None:
        task = OpenOrder(vendor=vendor, on_failed_run="rerun")
        event = {"status": "failed", "error": self.FAILED.to_json()}
        with pytest.raises(RunMayRerun):
            task.execute_complete(opening(vendor).context, event)
        assert task.execute_complete(opening(vendor).context, {"status": "done", "result": 7}) == 7


class TestDeadline:
    """One deadline over the start, the wait and all retries."""

    def test_it_is_the_start_and_the_wait(self, vendor: Vendor) -> None:
        vendor.fates = [Fate(effect=None, answer=LOST_BEFORE.answer, takes=30)]
        begun = vendor.clock.time()
        with pytest.raises(RunTimedOut):
            waiting(vendor, timeout=200).run()
        assert len(vendor.sent) == 2
        assert vendor.clock.time() == pytest.approx(begun + 200, abs=1)
        assert vendor.looks[-1] == pytest.approx(begun + 200, abs=1), "a last look"

    def test_nothing_is_sent_after_it_by_any_attempt(self, vendor: Vendor) -> None:
        runner = waiting(vendor, timeout=100)
        vendor.fates = [refused(ServiceUnavailable("down"))] * 2
        for attempt in (runner.run, runner.retry):
            with pytest.raises(ServiceUnavailable):
                attempt()
            vendor.clock.sleep(60)
        assert len(vendor.sent) == 2
        with pytest.raises(RunTimedOut, match="Nothing was sent"):
            runner.retry()
        assert len(vendor.sent) == 2
        ending(vendor, Run.SUCCEEDED, after=20)
        assert runner.clear() == "closed", "a Clear has a time of its own"

    def test_a_doubt_is_looked_into_until_it_and_no_longer(self, vendor: Vendor) -> None:
        begun = vendor.clock.time()
        vendor.fates = [LOST_BEFORE]
        with pytest.raises(OutcomeUnknown, match="task's timeout passes sooner"):
            waiting(vendor, timeout=40).run()
        assert len(vendor.sent) == 1
        assert vendor.looks[-1] == pytest.approx(begun + 40)

    def test_a_run_that_fails_after_it_is_not_followed_by_another(self, vendor: Vendor) -> None:
        runner = waiting(vendor, timeout=100, on_failed_run="rerun")
        ending(vendor, Run.FAILED, after=50)
        with pytest.raises(RunMayRerun):
            runner.run()
        vendor.clock.sleep(100)
        with pytest.raises(RunTimedOut):
            runner.retry()
        assert len(vendor.sent) == 1

    def test_a_retry_after_it_looks_a_last_time(self, vendor: Vendor) -> None:
        runner = waiting(vendor, timeout=100)
        with pytest.raises(RunTimedOut):
            runner.run()
        vendor.jobs[1].run = Run.SUCCEEDED
        assert runner.retry() == "closed"

    def test_who_does_not_wait_has_the_time_in_every_attempt(self, vendor: Vendor) -> None:
        runner = opening(vendor, timeout=100)
        vendor.fates = [KILLED_AFTER]
        with pytest.raises(Killed):
            runner.run()
        vendor.clock.sleep(1000)
        assert runner.retry() == 1


class TestOnKill:
    @pytest.fixture
    def killed(
        self, vendor: Vendor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> Callable[[Runner], str]:
        """Kill a task where its attempt ends, and return what it logs then, wherever Airflow logs it."""

        def kill(runner: Runner) -> str:
            task = runner.make_task()
            with pytest.raises((Killed, TaskDeferred, WorkflowError)):
                task.execute(runner.context)
            sent = len(vendor.sent)
            caplog.clear()
            capfd.readouterr()
            task.on_kill()
            assert len(vendor.sent) == sent
            return caplog.text + "".join(capfd.readouterr())

        return kill

    def test_it_says_what_goes_on_and_sends_nothing(self, vendor: Vendor, killed: Any) -> None:
        said = killed(waiting(vendor, deferrable=True, prepoll=0))
        assert "Killed. 1 (an order of purchase) continues at Vendor" in said
        assert "cannot cancel it there" in said

    def test_it_says_what_may_be_under_way(self, vendor: Vendor, killed: Any) -> None:
        vendor.fates = [KILLED_AFTER]
        said = killed(opening(vendor))
        assert "opened an order of purchase: the request may be under way" in said
        assert vendor.sent[0].mark in said

    def test_it_says_when_nothing_was_sent(self, vendor: Vendor, killed: Any) -> None:
        vendor.fates = [refused(Rejected("no"))]
        assert "Nothing was sent: Airflow did not ask Vendor to open an order" in killed(opening(vendor))

    def test_before_it_began_there_is_nothing_to_say(
        self, vendor: Vendor, capfd: pytest.CaptureFixture[str]
    ) -> None:
        OpenOrder(vendor=vendor).on_kill()
        assert "Killed" not in "".join(capfd.readouterr())


class TestBeforeAirflow33:
    def test_a_passing_failure_after_the_start_is_not_retried(self, vendor: Vendor) -> None:
        runner = waiting(vendor, store=False, findable=False, tolerance=5)
        vendor.clock.after(0.5, lambda: setattr(vendor, "blind", 1000))
        with pytest.raises(RetryWouldRepeat):
            runner.run()

    def test_unless_the_run_is_found(self, vendor: Vendor) -> None:
        runner = waiting(vendor, store=False, tolerance=5)
        vendor.clock.after(0.5, lambda: setattr(vendor, "blind", 1000))
        with pytest.raises(LostTrack):
            runner.run()
        vendor.blind = 0
        ending(vendor, Run.SUCCEEDED, after=5)
        assert runner.retry() == "closed"
        assert len(vendor.sent) == 1


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
