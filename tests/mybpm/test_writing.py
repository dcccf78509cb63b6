"""Upserts whose answers are lost, or whose worker is killed: what the task does, and what comes of it."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import NotSent, Unknown
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    Throttled,
)
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.effects import RepeatableUpsert, is_sealed, seal
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from tests.core.harness import Clock, Runner
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.upserts import CUSTOMER, KILLED, LOST, N1, NOTE, UNIQUE, kill, lasting, stored, upserting
from tests.sandbox.client import until

#: Calls that may be repeated: by a unique field, where the structure tells and where not, and by id.
REPEATABLE: dict[str, dict[str, Any]] = {
    "unique field": UNIQUE,
    "unique field, silent structure": {
        "bo_code": "SILENT",
        "field_values": {"NUM": "1"},
        "unique_field": "NUM",
    },
    "id": {"bo_code": "CUSTOMER", "field_values": {"NAME": "Aigul"}, "boi_id": "made before"},
}
#: Calls that may not.
ONCE: dict[str, dict[str, Any]] = {
    "neither": CUSTOMER,
    "denied by the structure": {**CUSTOMER, "unique_field": "NAME"},
    "not among the values": {"bo_code": "CUSTOMER", "field_values": {"NAME": "A"}, "unique_field": "IIN"},
    "with references": {**CUSTOMER, "field_ref_add": [N1]},
}
AGAIN: dict[str, Callable[[Runner], Any]] = {"retry": Runner.retry, "clear": Runner.clear}


@pytest.fixture(autouse=True)
def time(clock: Clock) -> Clock:
    """Let no test wait."""
    return clock


class TestRepeatable:
    @pytest.fixture
    def call(self, request: pytest.FixtureRequest, mybpm: MyBPMServer) -> dict[str, Any]:
        arguments = dict(REPEATABLE[request.param])
        if request.param == "id":
            arguments["boi_id"] = MyBPMHook().upsert("CUSTOMER", {"IIN": "900101"}).boi_id
        return arguments

    @pytest.mark.parametrize("call", REPEATABLE, indirect=True)
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_made_good_in_the_attempt(
        self, mybpm: MyBPMServer, time: Clock, call: dict[str, Any], name: str
    ) -> None:
        fault = mybpm.fault("upsert", **LOST[name][0])
        before = mybpm.requests("upsert")
        runner = upserting(**call)
        result = runner.run()
        assert mybpm.control.hits(fault) == 1
        assert mybpm.requests("upsert") == before + 2
        assert sum(time.slept) >= 60
        assert lasting(runner.retry()) == lasting(result)
        assert mybpm.requests("upsert") == before + 2
        assert runner.clear()["boi_id"] == result["boi_id"] == stored(runner)["id"]
        assert mybpm.requests("upsert") == before + 3
        assert mybpm.effects()["created"] == 1

    def test_what_takes_effect_late_is_waited_for(self, mybpm: MyBPMServer, time: Clock) -> None:
        mybpm.connect(extra={"timeout": 0.3})
        mybpm.fault("upsert", "late_effect", seconds=0.6)
        # Ten seconds into the 15.3 that it waits at the least, the server is done with the first request.
        time.after(10, lambda: until(lambda: mybpm.effects()["created"] == 1))
        upserting(**UNIQUE, settle=0).run()
        assert mybpm.effects() | {"linked": 0} == {"created": 1, "updated": 1, "linked": 0, "unlinked": 0}
        assert sum(time.slept) >= 15

    @pytest.mark.parametrize("moment", KILLED)
    @pytest.mark.parametrize("again", AGAIN)
    def test_killed(self, mybpm: MyBPMServer, time: Clock, moment: str, again: str) -> None:
        runner = upserting(**UNIQUE)
        kill(runner, moment)
        assert mybpm.effects()["created"] == KILLED[moment]
        assert "id" not in stored(runner)
        result = AGAIN[again](runner)
        assert sum(time.slept) >= 60
        assert lasting(runner.retry()) == lasting(result)
        assert (mybpm.effects()["created"], mybpm.requests("upsert")) == (1, 1 + KILLED[moment])

    def test_lost_three_times_is_left_to_a_retry(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer", times=3)
        runner = upserting(**UNIQUE)
        with pytest.raises(LostTrack):
            runner.run()
        assert mybpm.requests("upsert") == 3
        runner.retry()
        assert (mybpm.effects()["created"], mybpm.requests("upsert")) == (1, 4)

    def test_siblings_write_an_instance_each(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer", times=2)
        results = []
        for iin in ("900101", "900102"):
            runner = upserting(bo_code="CUSTOMER", field_values={"IIN": iin}, unique_field="IIN")
            results.append(runner.run())
            assert lasting(runner.retry()) == lasting(results[-1])
        assert [one["fields"]["IIN"]["apiValue"] for one in results] == ["900101", "900102"]
        assert mybpm.effects()["created"] == 2

    @pytest.mark.parametrize("fault", ["throttled", "refused"])
    def test_a_refusal_after_a_doubt_leaves_the_doubt(self, mybpm: MyBPMServer, fault: str) -> None:
        given = copy.deepcopy(UNIQUE)
        runner = upserting(**given)
        kill(runner, "before storing")
        if fault == "throttled":
            mybpm.fault("upsert", "throttled", retry_after=60)
        else:
            given["field_values"]["NIM"] = "1"
        with pytest.raises(Throttled if fault == "throttled" else Rejected):
            runner.retry()
        assert stored(runner) is not None
        assert "id" not in stored(runner)
        given["field_values"].pop("NIM", None)
        runner.retry()
        assert mybpm.effects()["created"] == 1

    @pytest.mark.parametrize("again", AGAIN)
    def test_another_instance_by_now_is_a_doubt(self, mybpm: MyBPMServer, again: str) -> None:
        given = copy.deepcopy(UNIQUE)
        runner = upserting(**given)
        kill(runner, "before storing")
        given["field_values"]["IIN"] = "900102"
        with pytest.raises(OutcomeUnknown, match="could write a second one"):
            AGAIN[again](runner)
        assert (mybpm.effects()["created"], mybpm.requests("upsert")) == (1, 1)

    def test_another_instance_by_now_is_written_if_the_user_says_so(self, mybpm: MyBPMServer) -> None:
        given = copy.deepcopy(UNIQUE)
        runner = upserting(**given, on_lost_answer="resubmit")
        kill(runner, "before storing")
        given["field_values"]["IIN"] = "900102"
        assert runner.retry()["fields"]["IIN"]["apiValue"] == "900102"
        assert mybpm.effects()["created"] == 2

    def test_other_values_of_the_same_instance_are_no_doubt(self, mybpm: MyBPMServer) -> None:
        given = copy.deepcopy(UNIQUE)
        runner = upserting(**given)
        kill(runner, "before storing")
        given["field_values"]["NAME"] = "Aigul"
        assert runner.retry()["fields"]["NAME"]["apiValue"] == "Aigul"
        assert mybpm.effects()["created"] == 1

    def test_a_unique_field_that_is_denied_by_now_is_a_doubt(self, mybpm: MyBPMServer) -> None:
        given = copy.deepcopy(UNIQUE)
        made = [dict(given, unique_field=field) for field in ("IIN", "NAME")]
        runner = Runner(lambda: MyBPMUpsertBOIOperator(task_id="upsert", **made[0]))
        kill(runner, "before storing")
        made.pop(0)
        with pytest.raises(OutcomeUnknown, match=r"the field 'NAME' of .* is not unique"):
            runner.retry()
        assert mybpm.requests("upsert") == 1

    def test_no_field_value_is_stored(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**UNIQUE)
        kill(runner, "before storing")
        assert runner.store is not None
        kept = [*runner.store.values.values()]
        runner.retry()
        kept += runner.store.values.values()
        assert len(kept) == 2
        for value in ("900101", "Asel"):
            assert value not in json.dumps(kept)

    def test_a_wish_to_slow_down_is_heeded_without_a_doubt(self, mybpm: MyBPMServer, time: Clock) -> None:
        mybpm.fault("upsert", "throttled", retry_after=0)
        upserting(**UNIQUE).run()
        assert (mybpm.requests("upsert"), time.slept) == (2, [])

    def test_a_retry_repeats_what_the_attempt_could_not(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "throttled", retry_after=60)
        runner = upserting(**UNIQUE)
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner) is None
        runner.retry()
        assert mybpm.effects()["created"] == 1

    def test_nothing_is_sent_if_the_structure_cannot_be_asked(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("structure", "throttled", retry_after=60)
        runner = upserting(**UNIQUE)
        with pytest.raises(Throttled):
            runner.run()
        assert mybpm.requests("upsert") == 0
        assert stored(runner) is None

    def test_without_a_store_too(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer")
        runner = upserting(**UNIQUE, store=False)
        result = runner.run()
        assert runner.retry()["boi_id"] == runner.clear()["boi_id"] == result["boi_id"]
        assert mybpm.effects()["created"] == 1

    @pytest.mark.parametrize(
        ("call", "kind"),
        [(UNIQUE, LostTrack), ({**UNIQUE, "field_ref_add": [N1]}, OutcomeUnknown), (NOTE, OutcomeUnknown)],
        ids=["by a unique field", "with references", "once"],
    )
    def test_before_airflow_3_3_only_what_a_retry_can_repeat_is_retried(
        self, mybpm: MyBPMServer, call: dict[str, Any], kind: type[Exception]
    ) -> None:
        mybpm.fault("upsert", "reset_before", times=99)
        with pytest.raises(kind) as caught:
            upserting(**call, store=False).run()
        assert type(caught.value) is kind


class TestOnce:
    @pytest.mark.parametrize("call", ONCE)
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_never_followed_by_a_second_call(
        self, mybpm: MyBPMServer, time: Clock, call: str, name: str
    ) -> None:
        fault, done = LOST[name]
        mybpm.fault("upsert", **fault)
        runner = upserting(**ONCE[call])
        for attempt in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="Airflow will not send it again"):
                attempt()
        assert mybpm.requests("upsert") == 1
        assert mybpm.effects()["created"] == int(done)
        assert time.slept == []  # no later look could show more

    @pytest.mark.parametrize("moment", KILLED)
    @pytest.mark.parametrize("again", AGAIN)
    def test_killed(self, mybpm: MyBPMServer, moment: str, again: str) -> None:
        runner = upserting(**NOTE)
        kill(runner, moment)
        with pytest.raises(OutcomeUnknown):
            AGAIN[again](runner)
        assert mybpm.effects()["created"] == mybpm.requests("upsert") == KILLED[moment]

    def test_a_doubt_says_why_and_what_to_look_for(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "lost_answer")
        with pytest.raises(OutcomeUnknown) as caught:
            upserting(**NOTE).run()
        for said in (
            "an instance of NOTE",
            "nothing identifies this task's instance of NOTE: neither boi_id nor unique_field",
            "Check the business object NOTE in MyBPM for an instance with this task's field_values, written",
            KEY,
        ):
            assert said in str(caught.value)

    @pytest.mark.parametrize("name", ["reset after", "reset before"])
    def test_sent_again_if_the_user_says_so(self, mybpm: MyBPMServer, time: Clock, name: str) -> None:
        fault, done = LOST[name]
        mybpm.fault("upsert", **fault)
        runner = upserting(**NOTE, on_lost_answer="resubmit")
        result = runner.run()
        assert sum(time.slept) >= 60
        assert lasting(runner.retry()) == lasting(result)
        assert mybpm.effects()["created"] == 1 + done

    def test_an_unknown_policy_sends_nothing(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**NOTE, on_lost_answer="retry")
        with pytest.raises(InvalidInput, match="on_lost_answer"):
            runner.run()
        assert mybpm.requests("upsert") == 0
        assert stored(runner) is None

    def test_a_retry_returns_the_same_instance_and_sends_nothing(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**NOTE)
        result = runner.run()
        assert stored(runner)["id"] == result["boi_id"]
        assert mybpm.requests("load") == 0  # the answer to the call has all that is returned
        assert lasting(runner.retry()) == lasting(result)
        assert (mybpm.requests("upsert"), mybpm.requests("load")) == (1, 1)

    def test_a_clear_makes_another_instance(self, mybpm: MyBPMServer) -> None:
        runner = upserting(**NOTE)
        assert runner.run()["boi_id"] != runner.clear()["boi_id"]
        assert mybpm.effects()["created"] == 2

    def test_siblings_know_their_own(self, mybpm: MyBPMServer) -> None:
        first, second = upserting(**NOTE), upserting(**NOTE)
        made = [first.run(), second.run()]
        assert [lasting(one.retry()) for one in (first, second)] == [lasting(one) for one in made]
        assert mybpm.effects()["created"] == 2

    def test_a_request_to_slow_down_is_no_doubt(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("upsert", "throttled", retry_after=60)
        runner = upserting(**NOTE)
        with pytest.raises(Throttled):
            runner.run()
        assert stored(runner) is None
        runner.retry()
        assert mybpm.effects()["created"] == 1


class TestHandOver:
    """A person has looked at the vendor, and writes what was there into the state store."""

    @pytest.fixture
    def doubtful(self, mybpm: MyBPMServer) -> Runner:
        mybpm.fault("upsert", "lost_answer")
        runner = upserting(**NOTE)
        with pytest.raises(OutcomeUnknown):
            runner.run()
        return runner

    @pytest.mark.parametrize("again", AGAIN)
    @pytest.mark.parametrize("form", ["{}", "NOTE/{}", " {}\n"])
    @pytest.mark.parametrize("bare", [False, True], ids=["in the record", "instead of the record"])
    def test_an_id(self, mybpm: MyBPMServer, doubtful: Runner, again: str, form: str, bare: bool) -> None:
        (record,) = mybpm.control.records("mybpm")
        boi_id = record["id"].removeprefix("NOTE/")
        told = form.format(boi_id)
        assert doubtful.store is not None
        doubtful.store.set(KEY, told if bare else {**stored(doubtful), "id": told})
        assert AGAIN[again](doubtful)["boi_id"] == boi_id
        assert doubtful.retry()["boi_id"] == boi_id
        assert mybpm.requests("upsert") == 1

    @pytest.mark.parametrize("wrong", ["CUSTOMER/aaaaBBBBcccc0001", "done", 7, ["aaaaBBBBcccc0001"]])
    def test_what_is_no_id(self, mybpm: MyBPMServer, doubtful: Runner, wrong: Any) -> None:
        assert doubtful.store is not None
        doubtful.store.set(KEY, {**stored(doubtful), "id": wrong})
        with pytest.raises(InvalidInput, match="The id in the record must be 16 characters long"):
            doubtful.retry()
        assert mybpm.requests("upsert") == 1

    def test_one_that_mybpm_does_not_know_stays_refused(self, mybpm: MyBPMServer, doubtful: Runner) -> None:
        assert doubtful.store is not None
        doubtful.store.set(KEY, {**stored(doubtful), "id": "aaaaBBBBcccc0001"})
        for _ in range(2):
            with pytest.raises(
                InvalidInput, match=r"(?s)no instance NOTE/aaaaBBBBcccc0001.*Nothing was sent"
            ):
                doubtful.clear()
        assert mybpm.requests("upsert") == 1

    def test_one_of_which_mybpm_does_not_tell(self, mybpm: MyBPMServer, doubtful: Runner) -> None:
        (record,) = mybpm.control.records("mybpm")
        boi_id = record["id"].removeprefix("NOTE/")
        assert doubtful.store is not None
        doubtful.store.set(KEY, boi_id)
        mybpm.fault("load", "status", status=503, times=99)
        with pytest.raises(ServiceUnavailable):
            doubtful.clear()
        mybpm.control.clear_faults()
        assert doubtful.retry()["boi_id"] == boi_id
        assert mybpm.requests("upsert") == 1

    def test_nothing_was_there(self, mybpm: MyBPMServer, doubtful: Runner) -> None:
        assert doubtful.store is not None
        doubtful.store.delete(KEY)
        doubtful.clear()
        assert mybpm.requests("upsert") == 2


class TestKill:
    @pytest.fixture
    def said(self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
        """Return what was logged since the last call: Airflow's own log of a task goes to the terminal."""
        caplog.set_level(logging.WARNING)

        def since() -> str:
            text = caplog.text + "".join(capsys.readouterr())
            caplog.clear()
            return text

        return since

    @pytest.mark.parametrize(("fault", "told"), [(None, "has written"), ("lost_answer", "may be under way")])
    def test_it_says_what_is_there_and_sends_nothing(
        self, mybpm: MyBPMServer, said: Callable[[], str], fault: str | None, told: str
    ) -> None:
        task = MyBPMUpsertBOIOperator(task_id="upsert", **NOTE)
        task.on_kill()
        assert said() == ""
        if fault is None:
            made = Runner(lambda: task).run()["boi_id"]
        else:
            made = "the business object NOTE"
            mybpm.fault("upsert", fault)
            with pytest.raises(OutcomeUnknown):
                Runner(lambda: task).run()
        before, _ = mybpm.control.effects("mybpm"), said()
        task.on_kill()
        text = said()
        assert told in text
        assert made in text
        assert mybpm.control.effects("mybpm") == before


API: Any = None


def done(operation: Operation[Any]) -> Any:
    """Return the result of an operation that asks for nothing."""
    with pytest.raises(StopIteration) as end:
        next(operation)
    return end.value.value


class TestSeal:
    def test_a_target_is_known_again_by_its_seal_only(self) -> None:
        sealed = seal(("ORD", "NUM", "7"), salt="s")
        assert is_sealed(("ORD", "NUM", "7"), sealed)
        for other in (("ORD", "NUM", "8"), ("ORD", "NOM", "7"), ("ARD", "NUM", "7"), ("ORD", "NUM7")):
            assert not is_sealed(other, sealed)
        assert "7" not in json.dumps({**sealed, "target": ""})

    @pytest.mark.parametrize(
        "baseline",
        [None, {}, "text", {"bo_code": "ORD", "boi_id": None}, {"salt": "s"}, {"salt": 7}],
        ids=str,
    )
    def test_what_is_no_seal_tells_nothing(self, baseline: Any) -> None:
        upsert = RepeatableUpsert(Upsert.read("ORD", {"NUM": "7"}), unique_field="NUM")
        record = Record(mark="m", generation=0, baseline=baseline)
        assert isinstance(done(upsert.look_up(API, record)), Unknown)
        own = Record(mark="m", generation=0, baseline=done(upsert.baseline(API)))
        assert isinstance(done(upsert.look_up(API, own)), NotSent)

    def test_two_tasks_seals_of_one_target_do_not_look_alike(self) -> None:
        upsert = RepeatableUpsert(Upsert.read("ORD", {"NUM": "7"}), unique_field="NUM")
        assert done(upsert.baseline(API))["target"] != done(upsert.baseline(API))["target"]
