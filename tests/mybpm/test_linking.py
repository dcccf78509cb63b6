"""An upsert that adds references: the sandbox links twice what is added twice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import LostTrack, OutcomeUnknown, Rejected, Throttled
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from tests.core.harness import Clock, Runner
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.upserts import BOTH, KILLED, LOST, N1, S1, UNIQUE, kill, lasting, linked, stored, upserting
from tests.sandbox.client import until

CALL: dict[str, Any] = {**UNIQUE, "field_ref_add": [BOTH]}
AGAIN: dict[str, Callable[[Runner], Any]] = {"retry": Runner.retry, "clear": Runner.clear}


@pytest.fixture(autouse=True)
def time(clock: Clock) -> Clock:
    """Let no test wait."""
    return clock


def test_the_sandbox_links_twice_what_is_added_twice(mybpm: MyBPMServer) -> None:
    for _ in range(2):
        result = upserting(**CALL).run()
    assert linked(mybpm, result["boi_id"]) == "N1, S1, N1, S1"


@pytest.mark.parametrize("by_id", [False, True], ids=["unique field", "id"])
@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_made_good_after_reading_back(
    mybpm: MyBPMServer, time: Clock, name: str, by_id: bool
) -> None:
    arguments = dict(CALL)
    if by_id:
        arguments["boi_id"] = MyBPMHook().upsert("CUSTOMER", {"IIN": "900101"}).boi_id
    fault, done = LOST[name]
    fault_id = mybpm.fault("upsert", **fault)
    result = upserting(**arguments).run()
    assert mybpm.control.hits(fault_id) == 1
    assert linked(mybpm, result["boi_id"]) == "N1, S1"
    # The call, its values alone, and only if need be its references.
    assert mybpm.requests("upsert") == int(by_id) + (2 if done else 3)
    assert (mybpm.effects()["created"], mybpm.effects()["linked"]) == (1, 2)
    assert sum(time.slept) >= 60


def test_a_retry_and_a_clear_link_nothing_twice(mybpm: MyBPMServer, time: Clock) -> None:
    runner = upserting(**CALL)
    result = runner.run()
    before = mybpm.requests("upsert")
    assert lasting(runner.retry()) == lasting(result)
    assert mybpm.requests("upsert") == before
    assert runner.clear()["boi_id"] == result["boi_id"]
    assert linked(mybpm, result["boi_id"]) == "N1, S1"
    assert time.slept == []  # nothing was in doubt


def test_a_clear_links_what_somebody_has_taken_away(mybpm: MyBPMServer) -> None:
    runner = upserting(**CALL)
    runner.run()
    upserting(**UNIQUE, field_ref_remove=[N1]).run()
    result = runner.clear()
    assert linked(mybpm, result["boi_id"]) == "S1, N1"


def test_lost_twice(mybpm: MyBPMServer) -> None:
    mybpm.fault("upsert", "reset_before", times=1)
    mybpm.fault("upsert", "lost_answer", skip=1)  # the values get through, the references' answer is lost
    result = upserting(**CALL).run()
    assert linked(mybpm, result["boi_id"]) == "N1, S1"
    assert mybpm.effects()["linked"] == 2


def test_lost_three_times_is_left_to_a_retry(mybpm: MyBPMServer) -> None:
    mybpm.fault("upsert", "lost_answer", times=3)
    runner = upserting(**CALL)
    with pytest.raises(LostTrack):
        runner.run()
    result = runner.retry()
    assert linked(mybpm, result["boi_id"]) == "N1, S1"


def test_a_refusal_after_a_doubt_forgets_nothing(mybpm: MyBPMServer) -> None:
    # First the answer is lost though N1 and S1 were linked; then the server has no time to be asked.
    mybpm.fault("upsert", "lost_answer")
    mybpm.fault("upsert", "throttled", retry_after=60)
    runner = upserting(**CALL)
    with pytest.raises(Throttled):
        runner.run()
    assert stored(runner) is not None
    assert "id" not in stored(runner)
    result = runner.retry()
    assert linked(mybpm, result["boi_id"]) == "N1, S1"


def test_a_refusal_of_what_was_left_forgets_nothing(mybpm: MyBPMServer) -> None:
    mybpm.fault("upsert", "lost_answer")
    mybpm.fault("nested", "throttled", retry_after=60)
    runner = upserting(**CALL)
    with pytest.raises(Throttled):
        runner.run()
    upserting(**UNIQUE, field_ref_remove=[N1]).run()
    mybpm.fault("upsert", "throttled", retry_after=60, skip=1)  # the values pass, the reference does not
    with pytest.raises(Throttled):
        runner.retry()
    result = runner.retry()
    assert linked(mybpm, result["boi_id"]) == "S1, N1"


@pytest.mark.parametrize("moment", KILLED)
@pytest.mark.parametrize("again", AGAIN)
def test_killed(mybpm: MyBPMServer, moment: str, again: str) -> None:
    runner = upserting(**CALL)
    kill(runner, moment)
    assert mybpm.effects()["linked"] == 2 * KILLED[moment]
    result = AGAIN[again](runner)
    assert lasting(runner.retry()) == lasting(result)
    assert linked(mybpm, result["boi_id"]) == "N1, S1"


def test_what_takes_effect_late_is_waited_for(mybpm: MyBPMServer, time: Clock) -> None:
    mybpm.connect(extra={"timeout": 0.3})
    mybpm.fault("upsert", "late_effect", seconds=0.6)
    # Ten seconds into the 15.3 that it waits at the least, the server is done with the first request.
    time.after(10, lambda: until(lambda: mybpm.effects()["linked"] == 2))
    result = upserting(**CALL, settle=0).run()
    assert linked(mybpm, result["boi_id"]) == "N1, S1"
    assert mybpm.effects()["linked"] == 2


def test_siblings_link_their_own(mybpm: MyBPMServer) -> None:
    mybpm.fault("upsert", "lost_answer", times=1)
    mybpm.fault("upsert", "lost_answer", times=1, skip=1)
    for iin, branch in (("900101", N1), ("900102", S1)):
        result = upserting(
            bo_code="CUSTOMER", field_values={"IIN": iin}, unique_field="IIN", field_ref_add=[branch]
        ).run()
        assert linked(mybpm, result["boi_id"]) == branch.values[0]
    assert (mybpm.effects()["created"], mybpm.effects()["linked"]) == (2, 2)


def test_another_instance_by_now_is_a_doubt(mybpm: MyBPMServer) -> None:
    given = copy.deepcopy(CALL)
    runner = upserting(**given)
    kill(runner, "before storing")
    given["field_values"]["IIN"] = "900102"
    with pytest.raises(OutcomeUnknown, match="could write a second one"):
        runner.retry()
    assert (mybpm.effects()["created"], mybpm.effects()["linked"]) == (1, 2)


@pytest.mark.parametrize("again", AGAIN)
def test_without_a_store_an_attempt_after_the_first_reads_back(mybpm: MyBPMServer, again: str) -> None:
    runner = upserting(**CALL, store=False)
    result = runner.run()
    assert AGAIN[again](runner)["boi_id"] == result["boi_id"]
    assert linked(mybpm, result["boi_id"]) == "N1, S1"


def test_removals_are_made_good_too(mybpm: MyBPMServer) -> None:
    made = upserting(**UNIQUE, field_ref_add=[N1]).run()
    mybpm.fault("upsert", "reset_before")
    upserting(**UNIQUE, field_ref_add=[S1], field_ref_remove=[N1]).run()
    assert linked(mybpm, made["boi_id"]) == "S1"
    assert mybpm.effects()["unlinked"] == 1


def test_only_removing_is_simply_repeated(mybpm: MyBPMServer) -> None:
    made = upserting(**UNIQUE, field_ref_add=[N1]).run()
    mybpm.fault("upsert", "lost_answer")
    upserting(**UNIQUE, field_ref_remove=[N1]).run()
    assert linked(mybpm, made["boi_id"]) == ""
    assert mybpm.requests("nested") == 0


def test_server_that_stays_away_is_temporary(mybpm: MyBPMServer) -> None:
    mybpm.fault("upsert", "lost_answer")
    mybpm.fault("nested", "throttled", retry_after=60)
    runner = upserting(**CALL)
    with pytest.raises(Throttled):
        runner.run()
    result = runner.retry()
    assert linked(mybpm, result["boi_id"]) == "N1, S1"


class TestBlind:
    """One of the customer's branches has no code, so that it cannot be told whether N1 is linked."""

    @pytest.fixture(autouse=True)
    def nameless(self, mybpm: MyBPMServer) -> None:
        hook = MyBPMHook()
        hook.create("BRANCH", {"CITY": "East"})
        hook.upsert(
            "CUSTOMER", {"IIN": "900101"}, field_ref_add=[FieldReference("BRANCHES", "CITY", ["East"])]
        )

    def linked(self, mybpm: MyBPMServer) -> int:
        return mybpm.effects()["linked"] - 1

    def test_it_is_a_doubt(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "reset_before")
        runner = upserting(**CALL)
        for attempt in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="does not show which references are linked") as caught:
                attempt()
            assert "Nested instances lack CODE" in str(caught.value)
        assert self.linked(mybpm) == 0

    def test_all_is_sent_if_the_user_says_so(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "reset_before")
        runner = upserting(**CALL, on_lost_answer="resubmit")
        result = runner.run()
        assert self.linked(mybpm) == 2
        assert lasting(runner.retry()) == lasting(result)
        assert self.linked(mybpm) == 2

    def test_what_shows_is_no_doubt(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer")
        upserting(**CALL).run()
        assert self.linked(mybpm) == 2


@pytest.mark.parametrize("name", LOST)
def test_a_server_that_tells_no_types_leaves_no_second_link(mybpm: MyBPMServer, name: str) -> None:
    """Only what it shows in the very text that was sent is known to be linked."""
    upserting(**UNIQUE, field_ref_add=[N1]).run()
    mybpm.control.command("mybpm", "set_dialect", flat=True)
    fault, done = LOST[name]
    mybpm.fault("upsert", **fault)
    runner = upserting(**UNIQUE, field_ref_add=[S1])
    if done:
        assert linked(mybpm, runner.run()["boi_id"]) == "N1, S1"
    else:
        with pytest.raises(OutcomeUnknown, match="values of it that cannot be compared"):
            runner.run()
    assert mybpm.effects()["linked"] == 1 + done


@pytest.mark.parametrize("refusal", ["throttled", "throttled after the values", "wrong value"])
def test_a_refusal_after_a_clear_forgets_nothing(mybpm: MyBPMServer, refusal: str) -> None:
    given = copy.deepcopy(CALL)
    runner = upserting(**given)
    result = runner.run()
    if refusal == "wrong value":
        given["field_values"]["NIM"] = "1"
    else:
        endpoint = "upsert" if refusal == "throttled" else "nested"
        mybpm.fault(endpoint, "throttled", retry_after=60)
    with pytest.raises(Rejected if refusal == "wrong value" else Throttled):
        runner.clear()
    given["field_values"].pop("NIM", None)
    assert runner.retry()["boi_id"] == result["boi_id"]
    assert linked(mybpm, result["boi_id"]) == "N1, S1"
