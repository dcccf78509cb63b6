"""An order is opened once, whatever becomes of the attempts: counted at the vendor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Found, LookupResult, NotSent, Run, Unknown
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.exceptions import (
    Conflict,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    RetryWouldRepeat,
    RunFailed,
    RunMayRerun,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
)
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.effects.open_order import UNNUMBERED, OrderStart
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from tests.conftest import OMFlowServer
from tests.core.airflow_names import TaskDeferred
from tests.core.harness import Clock, Runner, raised
from tests.omflow.driving import Driven, ok
from tests.omflow.orders import (
    TITLE,
    hand_over,
    killed_before_the_id_is_stored,
    open_order,
    opening,
    push_all,
    record,
    requests,
    stored,
    until,
)

KEYED: dict[str, Any] = {"api_path": "two-step", "form_data": TITLE, "run_key_field": "FORMITM_2"}
PLAIN: dict[str, Any] = {"api_path": "two-step", "form_data": TITLE}
AGAIN = pytest.mark.parametrize("again", [Runner.retry, Runner.clear], ids=["retry", "clear"])


def opened(server: OMFlowServer) -> tuple[int, int]:
    """Return how many orders were opened, by how many requests."""
    return server.effects()["opened"], requests(server, "open")


def close(server: OMFlowServer, data_no: Any) -> None:
    server.control.advance(5)
    push_all(server, "two-step", data_no, times=2)


class TestLostAnswer:
    def test_an_effect_that_comes_late_is_found(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.connect(extra={"timeout": 0.3})
        fault = omflow.fault("open", "late_effect", seconds=0.8)
        clock.after(20, lambda: until(lambda: omflow.effects()["opened"] == 1))
        assert record(omflow, opening(**KEYED).run(), "two-step")
        assert omflow.control.hits(fault) == 1
        assert opened(omflow) == (1, 1)

    def test_siblings_find_only_their_own(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        """All are in doubt at a time: of every second the answer was lost, of the others the request."""
        each_omflow.fault("list", "throttled", times=999, retry_after=99)
        runners = [opening(**KEYED) for _ in range(8)]
        for number, runner in enumerate(runners):
            fault = each_omflow.fault("open", "lost_answer" if number % 2 else "reset_before")
            with raised(LostTrack):
                runner.run()
            assert each_omflow.control.hits(fault) == 1
        each_omflow.control.clear_faults()
        found = [runner.retry() for runner in runners]
        assert opened(each_omflow) == (8, 12)
        for runner, data_no in zip(runners, found, strict=True):
            assert record(each_omflow, data_no, "two-step")["fields"]["FORMITM_2"] == stored(runner)["mark"]

    def test_files_of_the_open_call_go_along_again(
        self, omflow: OMFlowServer, clock: Clock, tmp_path: Path
    ) -> None:
        (tmp_path / "offer.pdf").write_bytes(b"%PDF" * 100)
        omflow.fault("open", "reset_before")
        data_no = opening(**KEYED, attachments=[tmp_path / "offer.pdf"]).run()
        assert [one["size"] for one in record(omflow, data_no, "two-step")["files"]] == [400]
        assert opened(omflow) == (1, 2)

    def test_it_is_sent_three_times_at_the_most(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.fault("open", "reset_before", times=4)
        runner = opening(**KEYED)
        with raised(LostTrack):
            runner.run()
        assert opened(omflow) == (0, 3)
        runner.retry()
        assert opened(omflow) == (1, 5)

    def test_a_vendor_that_cannot_be_asked_is_asked_by_the_retry(
        self, omflow: OMFlowServer, clock: Clock
    ) -> None:
        omflow.fault("open", "lost_answer")
        omflow.fault("list", "throttled", times=99, retry_after=99)
        runner = opening(**KEYED)
        with raised(LostTrack) as caught:
            runner.run()
        assert stored(runner)["mark"] in str(caught[0])
        omflow.control.clear_faults()
        assert record(omflow, runner.retry(), "two-step")
        assert opened(omflow) == (1, 1)

    def test_who_may_not_list_is_told_so(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.control.add_user(omflow.name, "opener", "opener", rights=["add", "view"])
        omflow.connect(login="opener", password="opener")
        omflow.fault("open", "reset_before")
        # Right after the open, an administrator takes the right away.
        clock.after(0.5, lambda: omflow.control.add_user(omflow.name, "opener", "opener", rights=["add"]))
        runner = opening(**KEYED)
        for attempt in (runner.run, runner.clear):
            with pytest.raises(OutcomeUnknown, match="The user may lack the permission"):
                attempt()
        assert opened(omflow) == (0, 1)

    @pytest.mark.parametrize("kind", ["lost_answer", "reset_before"])
    def test_resubmitted_if_the_user_wants_it(self, omflow: OMFlowServer, clock: Clock, kind: str) -> None:
        omflow.fault("open", kind)
        assert opening(**PLAIN, on_lost_answer="resubmit").run()
        assert opened(omflow) == (2 if kind == "lost_answer" else 1, 2)
        assert sum(clock.slept) == pytest.approx(60)

    def test_two_orders_with_the_mark_are_not_followed_by_a_third(
        self, omflow: OMFlowServer, clock: Clock
    ) -> None:
        """Not even if the user wants doubts to be resubmitted."""
        runner = opening(**KEYED, on_lost_answer="resubmit")
        with killed_before_the_id_is_stored(runner):
            runner.run()
        OMFlowHook().open_order("two-step", {**TITLE, "FORMITM_2": stored(runner)["mark"]})
        for again in (runner.retry, runner.clear):
            with pytest.raises(
                Conflict,
                match=r"Several orders of two-step have .* in FORMITM_2: 1, 2\nAirflow opens no other order",
            ):
                again()
        assert opened(omflow) == (2, 2)

    def test_a_wrong_choice_sends_nothing(self, omflow: OMFlowServer) -> None:
        for name in ("on_lost_answer", "on_failed_run", "on_clear"):
            with pytest.raises(InvalidInput, match=name):
                opening(**{**PLAIN, name: "perhaps"}).run()
        assert omflow.effects()["requests"] == {}


class TestKilled:
    """The process dies after the vendor has acted, and before the number is written down."""

    @AGAIN
    def test_with_a_mark_the_order_is_found(
        self, each_omflow: OMFlowServer, clock: Clock, again: Callable[[Runner], Any]
    ) -> None:
        runner = opening(**KEYED)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        data_no = again(runner)
        assert record(each_omflow, data_no, "two-step")["fields"]["FORMITM_2"] == stored(runner)["mark"]
        assert runner.retry() == data_no
        assert opened(each_omflow) == (1, 1)

    @AGAIN
    def test_without_one_it_is_a_doubt_for_good(
        self, omflow: OMFlowServer, clock: Clock, again: Callable[[Runner], Any]
    ) -> None:
        runner = opening(**PLAIN)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                again(runner)
        assert opened(omflow) == (1, 1)

    @AGAIN
    def test_a_mark_that_was_not_sent_is_not_missed(
        self, omflow: OMFlowServer, clock: Clock, again: Callable[[Runner], Any]
    ) -> None:
        """The user has added the run_key_field after the doubt, as its message says."""
        arguments = dict(PLAIN)
        runner = Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **arguments), clock=clock)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        arguments["run_key_field"] = "FORMITM_2"
        with pytest.raises(OutcomeUnknown, match="looks for the mark in another place"):
            again(runner)
        assert opened(omflow) == (1, 1)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (
                {"run_key_field": "FORMITM_1"},
                "looks for the mark in another place",
            ),
            (
                {"api_path": "simple"},
                "(?s)may have taken effect: an order of two-step\n.*an order of simple",
            ),
        ],
    )
    def test_a_mark_that_was_sent_elsewhere_is_not_missed(
        self, omflow: OMFlowServer, clock: Clock, change: dict[str, Any], told: str
    ) -> None:
        arguments = {**KEYED, "form_data": {}, "run_key_field": "FORMITM_2"}
        arguments["form_data"] = [{"id": "FORMITM_1", "value": "a title"}]
        runner = Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **arguments), clock=clock)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        arguments.update(change)
        if "run_key_field" in change:
            arguments["form_data"] = []
        with pytest.raises(OutcomeUnknown, match=told):
            runner.clear()
        assert opened(omflow) == (1, 1)

    def test_what_a_person_hands_over_is_gone_on_with(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        runner = opening(**PLAIN)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        (order,) = each_omflow.control.records(each_omflow.name)
        data_no = order["id"].removeprefix("two-step/")
        hand_over(runner, data_no)
        assert runner.clear() == (data_no if each_omflow.version == "1.2" else int(data_no))
        assert opened(each_omflow) == (1, 1)

    @pytest.mark.parametrize("id", ["7", "seven", "", ["1"], True], ids=repr)
    def test_what_is_no_order_is_not_taken(self, each_omflow: OMFlowServer, clock: Clock, id: Any) -> None:
        runner = opening(**PLAIN)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        hand_over(runner, id)
        with pytest.raises(InvalidInput):
            runner.clear()
        assert opened(each_omflow) == (1, 1)


class TestNewAttempt:
    """An attempt that finds the number of an order."""

    def test_cleared_while_alive_it_attaches(self, omflow: OMFlowServer) -> None:
        runner = opening(**PLAIN)
        assert runner.run() == runner.clear()
        assert opened(omflow) == (1, 1)

    def test_or_opens_another_beside_it(self, omflow: OMFlowServer) -> None:
        runner = opening(**PLAIN, on_clear="rerun")
        assert runner.run() == runner.retry() != runner.clear()
        assert opened(omflow) == (2, 2)

    @pytest.mark.parametrize("how", [PLAIN, KEYED], ids=["plain", "keyed"])
    def test_cleared_after_its_end_it_opens_another(self, omflow: OMFlowServer, how: dict[str, Any]) -> None:
        runner = opening(**how)
        first = runner.run()
        mark = stored(runner)["mark"]
        close(omflow, first)
        assert runner.retry() == first
        assert runner.clear() != first
        assert stored(runner)["mark"] != mark
        assert opened(omflow) == (2, 2)

    def test_a_failed_order_stops_a_retry(self, omflow: OMFlowServer) -> None:
        runner = opening(api_path="failing", form_data=TITLE)
        runner.run()
        omflow.control.advance(5)
        with pytest.raises(RunFailed, match=r"(?s)boom.*on_failed_run='rerun'"):
            runner.retry()
        assert opened(omflow) == (1, 1)
        runner.clear()
        assert opened(omflow) == (2, 2)

    def test_or_is_followed_by_another(self, omflow: OMFlowServer) -> None:
        runner = opening(api_path="failing", form_data=TITLE, on_failed_run="rerun")
        first = runner.run()
        omflow.control.advance(5)
        assert runner.retry() != first
        assert opened(omflow) == (2, 2)

    @pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])
    @pytest.mark.parametrize(("policy", "kind"), [("fail", RunFailed), ("rerun", RunMayRerun)])
    def test_an_order_that_fails_while_it_is_waited_for(
        self, omflow: OMFlowServer, clock: Clock, deferrable: bool, policy: Any, kind: type[Exception]
    ) -> None:
        waits: dict[str, Any] = {"wait_for_completion": True, "deferrable": deferrable, "timeout": 300}
        runner = opening(clock, api_path="failing", form_data=TITLE, on_failed_run=policy, **waits)
        with pytest.raises(kind, match="failing/1 failed: boom"):
            runner.run()
        with pytest.raises(kind, match="boom"):
            runner.retry()
        assert opened(omflow) == ((1, 1) if policy == "fail" else (2, 2))

    def test_a_vendor_that_is_down_stops_a_clear(self, omflow: OMFlowServer) -> None:
        runner = opening(**PLAIN)
        runner.run()
        omflow.fault("list", "throttled", times=9, retry_after=99)
        with pytest.raises(Throttled):
            runner.clear()
        assert opened(omflow) == (1, 1)


class TestKill:
    def killed(self, task: OMFlowOpenOrderOperator, capsys: pytest.CaptureFixture[str]) -> str:
        """Kill a task, and return what Airflow's log of it says."""
        capsys.readouterr()
        task.on_kill()
        return "".join(capsys.readouterr())

    def test_says_which_order_goes_on_and_sends_nothing(
        self, omflow: OMFlowServer, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = OMFlowOpenOrderOperator(
            task_id="open", wait_for_completion=True, deferrable=True, prepoll=0, **PLAIN
        )
        with pytest.raises(TaskDeferred):
            task.execute(opening().context)
        before = omflow.effects()
        said = self.killed(task, capsys)
        assert "Killed. 1 (an order of two-step) continues at OMFlow" in said
        assert "OMFlow → Apps → two-step" in said
        assert omflow.effects() == before

    def test_says_what_may_be_under_way(
        self, omflow: OMFlowServer, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task, runner, said = OMFlowOpenOrderOperator(task_id="open", **KEYED), opening(), []
        omflow.fault("open", "reset_before")
        clock.after(20, lambda: said.append(self.killed(task, capsys)))
        with pytest.raises(TemporaryError, match="Nothing was sent: the task was killed"):
            task.execute(runner.context)
        assert requests(omflow, "open") == 1
        assert "opened an order of two-step: the request may be under way" in said[0]
        assert "in the field FORMITM_2" in said[0]
        assert stored(runner)["mark"] in said[0]


class TestWithoutAStore:
    """Airflow before 3.3: the mark is derived, and looked up before anything is sent."""

    def test_a_retry_after_a_crash_finds_the_order(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = opening(**KEYED, store=False)
        data_no = runner.run()
        assert runner.retry() == data_no
        assert runner.clear() != data_no
        assert opened(omflow) == (2, 2)

    def test_a_lost_answer_is_looked_up_within_the_attempt(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.fault("open", "lost_answer")
        assert opening(**KEYED, store=False).run() == "1"
        omflow.fault("open", "reset_before")
        assert opening(**{**KEYED, "api_path": "purchase", "run_key_field": "FORMITM_3"}, store=False).run()
        assert opened(omflow) == (2, 3)

    def test_a_retry_after_nothing_was_sent_sends(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.fault("open", "throttled", retry_after=99)
        runner = opening(**KEYED, store=False)
        with pytest.raises(Throttled):
            runner.run()
        assert runner.retry() == "1"
        assert opened(omflow) == (1, 2)

    @pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "plain"])
    @pytest.mark.parametrize("each_omflow", ["1.1"], indirect=True)
    def test_a_failure_after_the_start_is_retried_only_with_a_mark(
        self, each_omflow: OMFlowServer, clock: Clock, tmp_path: Path, keyed: bool
    ) -> None:
        (tmp_path / "offer.pdf").write_bytes(b"%PDF")
        each_omflow.fault("upload", "throttled", retry_after=99)
        how = KEYED if keyed else PLAIN
        runner = opening(**how, store=False, attachments=[tmp_path / "offer.pdf"])
        with raised(Throttled if keyed else RetryWouldRepeat):
            runner.run()
        if keyed:
            assert len(record(each_omflow, runner.retry(), "two-step")["files"]) == 1
        assert opened(each_omflow) == (1, 1)


class TestLookUp:
    """What a look-up makes of a record."""

    @pytest.fixture
    def start(self, omflow: OMFlowServer) -> OrderStart:
        return OrderStart(api_path="two-step", items=[], run_key_field="FORMITM_2")

    def look_up(self, start: OrderStart, **record: Any) -> LookupResult:
        known = Record(**{"mark": "af-1", "generation": 0, **record})
        return OMFlowHook().read(lambda api: start.look_up(api, known))

    def test_by_mark(self, omflow: OMFlowServer, start: OrderStart) -> None:
        open_order(omflow, "two-step", {**TITLE, "FORMITM_2": "af-11"})
        assert self.look_up(start) == NotSent()
        data_no = open_order(omflow, "two-step", {**TITLE, "FORMITM_2": "af-1"})
        assert self.look_up(start) == Found(data_no)
        assert self.look_up(start, note=UNNUMBERED) == Found(data_no)

    def test_several_with_the_mark(self, omflow: OMFlowServer, start: OrderStart) -> None:
        for _ in range(2):
            open_order(omflow, "two-step", {**TITLE, "FORMITM_2": "af-1"})
        result = self.look_up(start)
        assert isinstance(result, Unknown)
        assert result.why == "Several orders of two-step have 'af-1' in FORMITM_2: 1, 2"
        assert isinstance(result.forbids, Conflict)

    def test_an_empty_mark_is_nobodys(self, omflow: OMFlowServer, start: OrderStart) -> None:
        open_order(omflow, "two-step", {**TITLE, "FORMITM_2": ""})
        assert isinstance(self.look_up(start, mark=""), Unknown)

    def test_without_a_number(self, start: OrderStart) -> None:
        result = self.look_up(start, note=UNNUMBERED)
        assert isinstance(result, Unknown)
        assert result.may_change

    def test_a_vendor_that_is_down(self, omflow: OMFlowServer, start: OrderStart) -> None:
        omflow.fault("list", "unavailable", times=9, retry_after=99)
        with pytest.raises(ServiceUnavailable):
            self.look_up(start)


@pytest.mark.parametrize(
    ("rows", "run"),
    [
        ([], Run.GONE),
        ([{"running": True}], Run.ALIVE),
        ([{}], Run.ALIVE),
        ([{"error": True, "error_message": "boom"}], Run.FAILED),
        ([{"history": True}], Run.ALIVE),
        ([{"history": True}, {"closed": True}], Run.SUCCEEDED),
        ([{"history": True, "closed": True}], Run.SUCCEEDED),
        ([{"closed": True}, {}], Run.ALIVE),
    ],
    ids=str,
)
def test_how_an_order_stands(rows: list[dict[str, Any]], run: Run) -> None:
    start = OrderStart(api_path="p", items=[])
    api = OMFlowApi(login="robot", password="x")
    listed = [{"id": n, "data_no": 7, **one} for n, one in enumerate(rows)]
    assert Driven(start.state(api, 7), [ok(listed)], again=True).result.run is run
