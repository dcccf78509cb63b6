"""The start operator against the sandbox: what it returns, and what really happened at the vendor."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import DAG

from airflow_provider_workflows.core.tasks.question import NOT_THERE, THERE
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    RunFailed,
    RunTimedOut,
)
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock
from tests.core.questions import answer, parked
from tests.core.questions import questions as questions
from tests.robusta.conftest import RobustaServer
from tests.robusta.tasks import starting, stored

WAITS: dict[str, dict[str, Any]] = {
    "worker": {"wait_for_completion": True, "deferrable": False},
    "triggerer": {"wait_for_completion": True, "deferrable": True},
}


@pytest.fixture(params=WAITS)
def waits(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAITS[request.param]


class TestStart:
    def test_returns_spid_and_message(self, robusta: RobustaServer) -> None:
        runner = starting()
        result = runner.run()
        spid = robusta.only_record()["id"]
        assert result == {"spid": spid, "message": "Process saved", "status": None, "outputs": None}
        assert runner.ti.xcoms == {"remote": {"vendor": "Robusta RPA", "id": spid}}
        assert robusta.effects()["saved"] == 1

    def test_is_for_one_run_now_by_default(self, robusta: RobustaServer) -> None:
        spid = starting().run()["spid"]
        robusta.control.advance(10)
        assert robusta.record(spid)["state"] == "finished"
        assert robusta.effects()["ran"] == 1

    def test_a_retry_goes_on_with_the_same_process(self, robusta: RobustaServer) -> None:
        runner = starting()
        spid = runner.run()["spid"]
        assert runner.retry() == {"spid": spid, "message": None, "status": None, "outputs": None}
        assert robusta.effects()["saved"] == 1
        assert robusta.requests("start") == 1

    def test_what_is_kept_is_the_spid(self, robusta: RobustaServer) -> None:
        runner = starting()
        assert stored(runner) is None
        spid = runner.run()["spid"]
        assert stored(runner)["id"] == spid

    @pytest.mark.parametrize(
        "wrong",
        [
            {"process_name": ""},
            {"worker": "None"},
            {"values": {"orderNo": None}},
            {"values": "no JSON"},
            {"run_once": "maybe"},
            {"run_immediately": "maybe"},
            {"run_once": False, "quartz_def": "0 0 9 ? * FRI"},
            {"quartz_def": "30 9 * * 1-5"},
            {"schedule_start": "2026-06-05 09:00:00"},
            {"schedule_end": "2026-10-25"},
            {"retry_count": -1},
            {"allow_recurring": "perhaps"},
            {"running_statuses": "PAUSED"},
            {"failed_statuses": ["SUCCEEDED"]},
        ],
        ids=lambda wrong: f"{list(wrong)[-1]}={list(wrong.values())[-1]}",
    )
    def test_wrong_input_sends_nothing_and_leaves_no_intent(
        self, robusta: RobustaServer, wrong: dict[str, Any]
    ) -> None:
        runner = starting(**wrong)
        assert runner.store is not None
        runner.store.failing = 1  # the first write, not even one that is taken back, would end differently
        with pytest.raises(InvalidInput):
            runner.run()
        assert robusta.effects()["requests"] == {}
        assert stored(runner) is None

    @pytest.mark.parametrize(
        "arguments",
        [{"schedule_start": "2026-06-05T06:00:00Z"}, {"schedule_end": "2026-06-05T06:00:00Z"}],
        ids=str,
    )
    def test_a_date_without_time_zone_of_the_connection(
        self, robusta: RobustaServer, arguments: dict[str, Any]
    ) -> None:
        robusta.connect(extra={"time_zone": ""})
        runner = starting(**arguments)
        with pytest.raises(InvalidConnection, match="time_zone"):
            runner.run()
        assert stored(runner) is None

    def test_a_wrong_connection_leaves_no_intent(self, robusta: RobustaServer) -> None:
        robusta.connect(extra={"time_zone": "Nowhere/At_All"})
        runner = starting()
        with pytest.raises(InvalidConnection):
            runner.run()
        assert stored(runner) is None

    def test_a_recurring_schedule_that_is_asked_for(self, robusta: RobustaServer) -> None:
        runner = starting(run_once="N", run_immediately="N", quartz_def="0 0 9 ? * FRI", allow_recurring=True)
        spid = runner.run()["spid"]
        assert robusta.record(spid)["fields"]["schedule"] == "0 0 9 ? * FRI"

    def test_nobody_waits_for_a_recurring_schedule(
        self, robusta: RobustaServer, waits: dict[str, Any]
    ) -> None:
        runner = starting(run_once=False, quartz_def="0 0 9 ? * FRI", allow_recurring=True, **waits)
        with pytest.raises(InvalidInput, match="does not say which of its runs"):
            runner.run()
        assert robusta.effects()["requests"] == {}

    def test_dates_arrive_as_the_servers_local_time(self, robusta: RobustaServer, clock: Clock) -> None:
        """The double reads its dates in its own zone and runs the process then."""
        # The sandbox's own time, which earlier tests may have moved.
        when = dt.datetime.fromtimestamp(robusta.control.advance(0) + 3600, tz=dt.UTC)
        spid = starting(run_immediately=False, schedule_start=when).run()["spid"]
        clock.sleep(3500)
        assert robusta.record(spid)["state"] == "waiting"
        assert robusta.effects()["ran"] == 0
        clock.sleep(110)
        assert robusta.effects()["ran"] == 1

    def test_a_date_that_is_over_is_refused(self, robusta: RobustaServer) -> None:
        runner = starting(run_immediately=False, schedule_start="2020-06-05T06:00:00Z")
        with pytest.raises(InvalidInput, match="schedule_start is in the past"):
            runner.run()
        assert robusta.effects()["requests"] == {}
        assert stored(runner) is None

    def test_templates_reach_every_field(self) -> None:
        fields = set(RobustaStartProcessOperator.template_fields)
        assert {*RobustaStartProcessOperator.start_fields, "robusta_conn_id"} <= fields
        assert RobustaStartProcessOperator.template_fields_renderers == {"values": "json"}

    def test_airflows_own_dates_are_not_robustas(self, robusta: RobustaServer) -> None:
        default_args = {"start_date": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
        with DAG("dag", schedule=None, default_args=default_args):
            task = RobustaStartProcessOperator(
                task_id="start", process_name="InvoiceBot", worker="3", values={"orderNo": "7"}
            )
        assert task.start_date is not None
        assert "startDate" not in task.hook.get_conn().start_body(
            **{name: getattr(task, name) for name in task.start_fields}
        )


class TestWait:
    def test_returns_the_end_and_its_outputs(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        runner = starting(clock, process_name="PausingBot", running_statuses=["paused"], **waits)
        result = runner.run()
        spid = robusta.only_record()["id"]
        assert result == {"spid": spid, "message": "", "status": "SUCCEEDED", "outputs": {"total": "12"}}
        assert bool(runner.deferrals) == waits["deferrable"]
        assert runner.ti.xcoms["remote"]["id"] == spid

    def test_has_the_same_keys_as_without_waiting(self, robusta: RobustaServer, clock: Clock) -> None:
        assert set(starting(clock, **WAITS["worker"]).run()) == set(starting().run())

    def test_a_retry_of_the_wait_starts_nothing(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        runner = starting(clock, process_name="LongBot", timeout=7200, **waits)
        clock.after(30, lambda: robusta.control.command("robusta", "remove_user", name="airflow"))
        with pytest.raises(AuthenticationFailed):
            runner.run()
        robusta.control.command("robusta", "add_user", name="airflow", password="sesame")
        assert runner.retry()["status"] == "SUCCEEDED"
        assert robusta.effects()["saved"] == 1

    def test_a_word_that_is_not_known_is_failure(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        runner = starting(clock, process_name="FailingBot", **waits)
        with pytest.raises(RunFailed, match=r"ERROR.*Element not found: #login") as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert caught.value.code == "ERROR"

    def test_a_run_that_a_person_stopped(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        runner = starting(clock, process_name="LongBot", **waits)
        clock.after(60, lambda: robusta.control.command("robusta", "end", spid=robusta.only_record()["id"]))
        with pytest.raises(RunFailed, match="STOPPED"):
            runner.run()

    def test_words_of_failure_that_the_user_names(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        runner = starting(clock, process_name="PausingBot", failed_statuses=["ERROR"], **waits)
        assert runner.run()["status"] == "SUCCEEDED"

    def test_a_deadline(self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]) -> None:
        runner = starting(clock, process_name="LongBot", timeout=120, **waits)
        with pytest.raises(RunTimedOut, match="last status: RUNNING"):
            runner.run()

    @pytest.mark.parametrize(("count", "ran"), [(2, 3), (5, 3)])
    def test_robusta_repeats_by_itself(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any], count: int, ran: int
    ) -> None:
        runner = starting(clock, process_name="FlakyBot", retry_count=count, **waits)
        assert runner.run()["status"] == "SUCCEEDED"
        assert robusta.effects() | {"requests": None} == {"saved": 1, "ran": ran, "requests": None}

    def test_robusta_gives_up(self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]) -> None:
        with pytest.raises(RunFailed):
            starting(clock, process_name="FlakyBot", retry_count=1, **waits).run()

    def test_a_process_that_the_status_does_not_know_yet(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        # The grace is part of one look and passes in real time, a second of it here.
        assert starting(clock, process_name="LateBot", grace=5, **waits).run()["status"] == "SUCCEEDED"

    def test_what_robusta_has_accepted_is_waited_for_without_grace(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        assert starting(clock, process_name="LateBot", grace=0, **waits).run()["status"] == "SUCCEEDED"


class TestSecrets:
    """No secret in logs at DEBUG, errors, trigger rows, XCom or the state store."""

    @pytest.mark.parametrize("name", ["done", "lost", "refused", "broken"])
    def test_kept_nowhere(
        self,
        robusta: RobustaServer,
        clock: Clock,
        waits: dict[str, Any],
        name: str,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        password = "Kanarya/sifre+1"
        robusta.control.command("robusta", "add_user", name="kanarya", password=password)
        robusta.connect(login="kanarya", password=password)
        caplog.set_level(logging.DEBUG)
        faults = {"lost": ("start", "lost_answer"), "broken": ("status", "not_json")}
        if name in faults:
            robusta.fault(*faults[name])
        planted = {"orderNo": "planted-value"} if name != "refused" else {}
        runner = starting(clock, process_name="InvoiceBot", values=planted, **waits)
        told = ""
        try:
            told = json.dumps(runner.run())
        except (OutcomeUnknown, Rejected) as error:
            told = "".join(str(one) + repr(one) for one in _chain(error))
        kept = json.dumps([runner.ti.xcoms, runner.triggers, runner.events, stored(runner)])
        output = capsys.readouterr()
        everything = "\n".join([caplog.text, output.out, output.err, told, kept])
        basic = base64.b64encode(f"kanarya:{password}".encode()).decode()
        for number, secret in enumerate([password, quote(password, safe=""), basic]):
            assert secret not in everything, number
        # The control: what is no secret is found in the same places.
        if name in ("done", "broken"):
            assert "planted-value" in told
            assert runner.ti.xcoms["remote"]["id"] in caplog.text
        else:
            assert "start process" in told


def _chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_chain(error.__cause__ or error.__context__)]


@pytest.mark.usefixtures("questions")
class TestAsked:
    def test_the_spid_that_a_person_found(
        self, robusta: RobustaServer, clock: Clock, waits: dict[str, Any]
    ) -> None:
        robusta.fault("start", "lost_answer")
        runner = starting(clock, on_lost_answer="ask", **{**waits, "deferrable": False})
        parked(runner.begin)
        spid = robusta.only_record()["id"]
        parked(lambda: runner.answered(answer(THERE, "999999")))
        assert "999999" in stored(runner)["refused"]
        robusta.control.advance(10)
        assert runner.answered(answer(THERE, f" {spid} "))["status"] == "SUCCEEDED"
        assert stored(runner)["answer"]["by"] == "Ada (7)"
        assert robusta.requests("start") == 1

    def test_what_is_not_there_is_started(self, robusta: RobustaServer, clock: Clock) -> None:
        robusta.fault("start", "reset_before")
        runner = starting(clock, on_lost_answer="ask")
        parked(runner.begin)
        spid = runner.answered(answer(NOT_THERE))["spid"]
        assert spid == robusta.only_record()["id"]
        assert robusta.requests("start") == 2
