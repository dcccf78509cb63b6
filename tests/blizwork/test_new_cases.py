"""A new case, in both ways in which its history may begin: with nothing, or with an entry of its opening."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.case import Case, Move, judge_move
from airflow_provider_workflows.blizwork.conditions import ActivityPending
from airflow_provider_workflows.blizwork.events import ActivitiesPending, CasesClosed
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.events.feed import BEGINNING
from airflow_provider_workflows.exceptions import InvalidInput, LostTrack, RunFailed
from tests.blizwork.cases import opened, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.driving import API, ask, done
from tests.blizwork.killed import hand_over
from tests.blizwork.tasks import LOST, looping, lose, running
from tests.blizwork.test_events import Reader
from tests.blizwork.test_sensors import PLACES, activity, ended
from tests.core.harness import Clock

#: How the history begins -> its length before the first run.
BEGINNINGS = {"opening": 1, "empty": 0}


@pytest.fixture(params=BEGINNINGS)
def begins(request: pytest.FixtureRequest, blizwork: BlizWorkServer) -> str:
    blizwork.control.command("blizwork", "set_history", begins=request.param)
    return str(request.param)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PLACES[request.param]


class TestSensor:
    @pytest.mark.parametrize("form_id", [None, "application"])
    def test_the_first_activity(self, begins: str, clock: Clock, place: dict[str, Any], form_id: Any) -> None:
        runner = activity(clock, opened("credit"), form_id=form_id, first_form_id="application", **place)
        assert runner.run() == "application"

    def test_a_later_one_is_waited_for(self, begins: str, clock: Clock, place: dict[str, Any]) -> None:
        case = opened("credit")
        clock.after(30, lambda: ran("credit", case, "application", "scoring"))
        runner = activity(clock, case, form_id="review", first_form_id="application", **place)
        assert runner.run() == "review"

    @pytest.mark.parametrize("form_id", [None, "application", "review"])
    def test_a_history_that_names_nothing_is_not_waited_on(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any], form_id: Any
    ) -> None:
        blizwork.control.command("blizwork", "set_history", begins="empty")
        begun = clock.time()
        with pytest.raises(InvalidInput, match=r"credit/1 has an empty history.*\n.*\nSet first_form_id"):
            activity(clock, opened("credit"), form_id=form_id, **place).run()
        assert clock.time() < begun + 60

    def test_after_the_first_run_nothing_more_is_needed(self, begins: str, clock: Clock) -> None:
        case = opened("credit")
        before = running(case).run()["history_length"]
        assert before == BEGINNINGS[begins]
        assert activity(clock, case, form_id="review", after_history=before).run() == "review"

    def test_the_first_activity_comes_again_in_a_loop(self, begins: str, clock: Clock) -> None:
        case = opened("loop")
        run: dict[str, Any] = {"workflow_id": "loop", "next_form_id": "check", "form_id": "request"}
        before = running(case, form_data=None, **run).run()["history_length"]
        clock.after(30, lambda: ran("loop", case, "check", "request"))
        begun = clock.time()
        how = {"form_id": "request", "after_history": before, "first_form_id": "request"}
        assert activity(clock, case, "loop", **how).run() == "request"
        assert clock.time() >= begun + 29

    def test_the_first_activity_was_run(self, begins: str, clock: Clock) -> None:
        case = opened("loop")
        ran("loop", case, "request", "check")
        with pytest.raises(RunFailed, match="now waits for 'check', and 'request' was run"):
            activity(clock, case, "loop", form_id="request", first_form_id="request").run()

    def test_a_new_case_is_not_closed(self, begins: str, clock: Clock) -> None:
        case = opened("one-step")
        clock.after(30, lambda: ran("one-step", case, "request", "done"))
        assert ended(clock, case, "one-step").run()["last_form_id"] == "request"

    def test_it_is_stored(self) -> None:
        named = ActivityPending(workflow_id="w", case_number=1, first_form_id="f")
        assert ActivityPending.from_json(named.to_json()) == named


class TestFirstExec:
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_settled(
        self, blizwork: BlizWorkServer, begins: str, clock: Clock, name: str
    ) -> None:
        case = opened("credit")
        lose(blizwork, "exec", name)
        runner = running(case)
        assert runner.run()["history_length"] == BEGINNINGS[begins]
        assert (blizwork.effects()["executed"], blizwork.requests("exec")) == (1, 1 if LOST[name][1] else 2)

    @pytest.mark.parametrize("name", LOST)
    def test_so_it_is_if_it_leads_back_to_itself(
        self, blizwork: BlizWorkServer, begins: str, clock: Clock, name: str
    ) -> None:
        """Such a run looks like the entry of an opening."""
        case = opened("loop")
        lose(blizwork, "exec", name)
        assert looping(case, "x").run()["history_length"] == BEGINNINGS[begins]
        assert blizwork.record(f"loop/{case}")["stops"] == ["request"]

    def test_that_it_is_pending_is_not_doubted(
        self, begins: str, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        running(opened("credit")).run()
        assert "is not pending" not in caplog.text

    def test_an_opening_is_not_a_run(self, blizwork: BlizWorkServer, begins: str, clock: Clock) -> None:
        """A person who says that the activity was run is not believed if the case does not show it."""
        case = opened("credit")
        blizwork.fault("exec", "reset_before", times=3)
        runner = running(case)
        with pytest.raises(LostTrack, match="after 3 requests"):
            runner.run()
        hand_over(runner, case)
        with pytest.raises(InvalidInput, match="does not show the run of activity 'application'"):
            runner.retry()
        assert blizwork.effects()["executed"] == 0


MOVE = Move(form_id="a", next_form_id="b", author="bot@example.com")


@pytest.mark.parametrize(
    ("document", "since", "verdict"),
    [
        ({"history": []}, 0, "standing"),
        ({"history": []}, 1, "no history"),
        ({"history": None}, 0, "no history"),
        ({}, 0, "no history"),
        ({"history": "x"}, 0, "no history"),
        ({"history": ["x"]}, 0, "no history"),
    ],
    ids=str,
)
def test_an_empty_history_tells_only_if_it_is_shown(document: Any, since: int, verdict: str) -> None:
    assert judge_move(Case(document), MOVE, since=since) == verdict


def feed(case: int, workflow: str = "loop", **how: Any) -> Reader:
    return Reader(ActivitiesPending(workflow_id=workflow, case_numbers=[case], **how))


class TestFeeds:
    def test_the_first_activity_once(self, begins: str) -> None:
        case = opened("loop")
        reader = feed(case, start=BEGINNING, first_form_id="request")
        (told,) = reader.read()
        assert (told["form_id"], told["history_length"]) == ("request", BEGINNINGS[begins])
        assert reader.read() == []
        ran("loop", case, "request", "check")
        assert [one["form_id"] for one in reader.read()] == ["check"]

    def test_the_whole_history(self, begins: str) -> None:
        case = opened("loop")
        ran("loop", case, "request", "check")
        ran("loop", case, "check", "request")
        told = feed(case, start=BEGINNING, first_form_id="request").read()
        assert [one["form_id"] for one in told] == ["request", "check", "request"]
        assert told[0]["occurrence_id"] == f"loop/{case}/{BEGINNINGS[begins]}"

    def test_from_now_on(self, begins: str) -> None:
        case = opened("loop")
        reader = feed(case, first_form_id="request")
        assert reader.read() == []
        ran("loop", case, "request", "check")
        assert [one["form_id"] for one in reader.read()] == ["check"]

    def test_a_case_that_is_opened_later(self, begins: str) -> None:
        reader = feed(1, first_form_id="request")
        assert reader.read() == []
        opened("loop")
        assert [one["form_id"] for one in reader.read()] == ["request"]

    def test_what_an_empty_history_does_not_show_is_told(self, begins: str) -> None:
        case = opened("loop")
        told = (
            f"case {case}: its history is empty, so its pending activity is not reported. Set first_form_id"
        )
        assert feed(case).batch().troubles == (() if begins == "opening" else (told,))

    def test_an_end(self, begins: str) -> None:
        case = opened("one-step")
        reader = Reader(CasesClosed(workflow_id="one-step", case_numbers=[case], start=BEGINNING))
        assert reader.read() == []
        ran("one-step", case, "request", "done")
        (told,) = reader.read()
        assert told["last_form_id"] == "request"

    def test_it_is_stored(self) -> None:
        named = ActivitiesPending(workflow_id="w", case_numbers=[1], first_form_id="f")
        assert ActivitiesPending.from_json(named.to_json()) == named


def test_the_pending_activity_of_a_new_case(begins: str) -> None:
    found = BlizWorkHook().load_case("credit", opened("credit"))
    assert (found.is_fresh, found.pending) == ((True, None) if begins == "empty" else (False, "application"))


def test_a_document_without_history_is_not_a_new_case() -> None:
    _, found = ask(API.load_case("w", 1), done(payload={"caseNumber": 1}))
    assert not found.is_fresh
