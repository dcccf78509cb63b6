"""Many processes: each is started as the operator for one does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Unknown
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    LostTrack,
    RunFailed,
)
from airflow_provider_workflows.robusta.hooks import RobustaHook
from airflow_provider_workflows.robusta.many import RobustaStartManyOperator, RobustaStatusManySensor
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.bulk.ends import MODES, begun, ends_in, result_of, waiting
from tests.core.harness import Clock, raised
from tests.core.many import intent, prepared, send
from tests.robusta.conftest import RobustaServer


def starting(**arguments: Any) -> RobustaStartManyOperator:
    arguments = {"process_name": "InvoiceBot", "worker": "3", **arguments}
    return RobustaStartManyOperator(task_id="start", records=[], **arguments)


def test_starts_a_process_for_each(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    spids = [send(operator, {"orderNo": number}) for number in (7, 8)]
    assert robusta.effects()["saved"] == len({*spids}) == 2


def test_the_body_is_that_of_a_single_start(robusta: RobustaServer) -> None:
    operator = prepared(starting(retry_count=2))
    single = operator.hook.get_conn().start_body(
        process_name="InvoiceBot", worker="4", values={"orderNo": 7}, retry_count=2
    )
    assert operator.effect({"orderNo": 7}, {"worker": "4"}).payload == single
    assert not operator.effect({"orderNo": 7}, {}).recurring


def test_dates_are_local_time_of_the_server(robusta: RobustaServer) -> None:
    operator = prepared(starting(run_immediately=False))
    payload = operator.effect({}, {"schedule_start": "2030-01-01T10:00:00+00:00"}).payload
    assert payload["startDate"] == "2030-01-01 13:00:00"


def test_dates_need_a_time_zone(robusta: RobustaServer) -> None:
    robusta.connect(extra={"time_zone": None})
    operator = prepared(starting())
    with pytest.raises(InvalidConnection, match="time_zone"):
        operator.effect({}, {"schedule_start": "2030-01-01T10:00:00+00:00"})


def test_nothing_finds_a_process(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    effect = operator.effect({"orderNo": 7}, {})
    assert effect.group is None
    found = operator.hook.run(lambda api: effect.look_up_many(api, [intent(1), intent(2)]))
    assert [type(one) for one in found.values()] == [Unknown, Unknown]


def test_bad_rows(robusta: RobustaServer) -> None:
    operator = prepared(starting())
    rows: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"": 1}, {}, "parameter name"),
        ({"orderNo": float("nan")}, {}, "orderNo"),
        ({}, {"worker": 1.5}, "worker"),
    ]
    for values, arguments, told in rows:
        with pytest.raises(InvalidInput, match=told):
            operator.effect(values, arguments)


def process(name: str, **values: Any) -> str:
    return RobustaHook().start_process(name, worker="3", values=values).spid


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    return MODES[request.param]


class TestEnds:
    def test_all_ends(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        started = begun(
            tmp_path / "started",
            *(process("InvoiceBot", orderNo=number) for number in (7, 8)),
            process("FailingBot"),
            name="Ana",
        )
        sensor = waiting(RobustaStatusManySensor, clock, results=started, max_failed=1, **mode)
        result = sensor.run()
        assert {**result, "results": ""} == {"runs": 3, "succeeded": 2, "failed": 1, "results": ""}
        ends = ends_in(result)
        assert {key: end.outcome for key, end in ends.items()} == {
            "C-1": "done",
            "C-2": "done",
            "C-3": "rejected",
        }
        assert result_of(ends["C-2"])["outputs"]["order"] == "8"
        assert ends["C-2"].kept["name"] == "Ana"
        assert ends["C-3"].code == "ERROR"

    def test_too_many_failures(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        started = begun(tmp_path / "started", process("FailingBot"), process("QuietBot"))
        sensor = waiting(RobustaStatusManySensor, clock, results=started, **mode)
        with raised(RunFailed) as caught:
            sensor.run()
        assert "1 of 2 runs have failed" in str(caught[0])
        assert "Record C-1" in str(caught[0])

    @pytest.mark.parametrize(("most", "fails"), [(0.5, False), (0.4, True), (1, False)])
    def test_a_share_may_fail(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, most: float, fails: bool
    ) -> None:
        started = begun(tmp_path / "started", process("FailingBot"), process("QuietBot"))
        sensor = waiting(RobustaStatusManySensor, clock, results=started, max_failed=most)
        if fails:
            with raised(RunFailed):
                sensor.run()
        else:
            assert sensor.run()["failed"] == 1

    def test_an_ended_run_is_not_asked_for_again(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        """Neither while others go on, nor by a later attempt."""
        quick, long = process("QuietBot"), process("LongBot")
        started = begun(tmp_path / "started", quick, long)
        sensor = waiting(RobustaStatusManySensor, clock, results=started, timeout=100, **mode)
        with raised(AirflowSensorTimeout):
            sensor.run()
        robusta.control.command("robusta", "end", spid=long)
        before = robusta.requests("status")
        with raised(RunFailed):
            sensor.clear()
        assert robusta.requests("status") == before + 1

    def test_no_answer_about_one_holds_up_no_other(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        unknown = "11111111-2222-3333-4444-555555555555"
        started = begun(tmp_path / "started", unknown, process("QuietBot"))
        sensor = waiting(
            RobustaStatusManySensor, clock, results=started, grace=0, tolerance=100, timeout=900, **mode
        )
        with raised(LostTrack) as caught:
            sensor.run()
        assert "any of the 1 runs that are still open" in str(caught[0])
        (part,) = tmp_path.glob("started.results/**/*.jsonl")
        (end,) = ends_in({"results": part.parent})
        assert end == "C-2"

    def test_a_silent_vendor(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        started = begun(tmp_path / "started", *(process("QuietBot") for _ in range(5)))
        robusta.fault("status", "throttled", times=10_000, retry_after=45)
        before = robusta.requests("status")
        sensor = waiting(
            RobustaStatusManySensor, clock, results=started, concurrency=1, tolerance=100, timeout=900, **mode
        )
        with raised(LostTrack):
            sensor.run()
        robusta.control.clear_faults()
        assert robusta.requests("status") < before + 50
        assert sensor.retry()["succeeded"] == 5

    def test_a_refused_login_ends_it_at_once(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        started = begun(tmp_path / "started", *(process("LongBot") for _ in range(5)))
        robusta.control.command("robusta", "remove_user", name="airflow")
        with raised(AuthenticationFailed):
            waiting(RobustaStatusManySensor, clock, results=started, concurrency=1, **mode).run()

    def test_the_trigger_is_small_and_its_event_has_counts_only(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path
    ) -> None:
        started = begun(tmp_path / "started", *(process("QuietBot") for _ in range(30)))
        sensor = waiting(RobustaStatusManySensor, clock, results=started, **MODES["deferrable"])
        assert sensor.run()["runs"] == 30
        (trigger,), (event,) = sensor.triggers, sensor.events
        assert len(trigger) < 2000
        assert set(event["result"]) == {"runs", "succeeded", "failed", "results"}

    def test_no_runs(self, robusta: RobustaServer, clock: Clock, tmp_path: Path) -> None:
        result = waiting(RobustaStatusManySensor, clock, results=begun(tmp_path / "started")).run()
        assert (result["runs"], result["succeeded"]) == (0, 0)

    def test_runs_of_a_second_attempt_are_others(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path
    ) -> None:
        folder = tmp_path / "started"
        started = begun(folder, process("FailingBot"))
        sensor = waiting(RobustaStatusManySensor, clock, results=started)
        with raised(RunFailed):
            sensor.run()
        for part in folder.iterdir():
            part.unlink()
        begun(folder, process("QuietBot"))
        assert sensor.clear()["succeeded"] == 1

    @pytest.mark.parametrize(
        "arguments",
        [{"results": {}}, {"max_failed": -1}, {"concurrency": 0}, {"id_column": "spid"}],
        ids=["no folder", "max_failed", "concurrency", "no such column"],
    )
    def test_bad_arguments(
        self, robusta: RobustaServer, clock: Clock, tmp_path: Path, arguments: dict[str, Any]
    ) -> None:
        started = begun(tmp_path / "started", process("QuietBot"))
        with raised(InvalidInput):
            waiting(RobustaStatusManySensor, clock, **{"results": started, **arguments}).run()
