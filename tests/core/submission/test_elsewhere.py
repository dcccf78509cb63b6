"""Records of something else than the task wants now, ids that a person corrects, and killed tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.core.submission.runner import open_doubt
from airflow_provider_workflows.core.submission.terms import Policy
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    Rejected,
    TemporaryError,
)
from tests.core.vendor import LOST_AFTER, LOST_BEFORE, RESUBMIT, Opening, Task, Vendor, refused
from tests.core.vendor import clock as clock
from tests.core.vendor import task as task
from tests.core.vendor import vendor as vendor


class Move(Opening):
    """The same as a move, which is over once it is made."""

    begins_run: ClassVar[bool] = False


def other(vendor: Vendor, kind: type[Opening] = Opening, **how: Any) -> Opening:
    effect = kind(vendor, **how)
    effect.subject = "an order of travel"
    effect.words = replace(effect.words, noun=effect.subject)
    return effect


def doubted(task: Task, vendor: Vendor, **how: Any) -> None:
    vendor.fates = [LOST_AFTER]
    with pytest.raises(OutcomeUnknown):
        task.run(Opening(vendor, findable=False, **how))


@pytest.mark.parametrize("again", ["retry", "clear"])
@pytest.mark.parametrize("policy", [Policy(), RESUBMIT])
def test_a_doubt_about_something_else_is_named_and_never_sent(
    task: Task, vendor: Vendor, again: str, policy: Policy
) -> None:
    doubted(task, vendor)
    task.policy = policy
    for _ in range(2):
        with pytest.raises(
            OutcomeUnknown, match=r"(?s)an order of purchase\n.*now asks Vendor to open an order of travel"
        ) as caught:
            getattr(task, again)(other(vendor, findable=False))
        assert task.record["mark"] in str(caught.value)
    assert len(vendor.sent) == 1


@pytest.mark.parametrize("again", ["retry", "clear"])
def test_a_run_of_something_else_is_not_attached_to(task: Task, vendor: Vendor, again: str) -> None:
    assert task.run(Opening(vendor)) == 1
    with pytest.raises(
        InvalidInput, match=r"(?s)succeeded: an order of purchase, id 1\n.*to open an order of travel"
    ):
        getattr(task, again)(other(vendor))
    assert len(vendor.sent) == 1
    assert vendor.looks == [], "what has this id there is somebody else's"


def test_a_move_that_was_made_is_followed_by_another_after_a_clear(task: Task, vendor: Vendor) -> None:
    assert task.run(Move(vendor)) == 1
    with pytest.raises(InvalidInput):
        task.retry(other(vendor, Move))
    assert task.clear(other(vendor, Move)) == 2


def test_a_connection_that_leads_elsewhere_is_noticed(task: Task, vendor: Vendor) -> None:
    doubted(task, vendor)
    found = Opening(vendor, findable=True)
    kept = Record.from_json(task.record)
    task.store.set("workflow_submission", {**task.record, "target": "sha256:another"})
    with pytest.raises(OutcomeUnknown, match="leads to another server or account"):
        task.retry(found)
    assert kept.target
    assert len(vendor.sent) == 1


def test_changed_values_are_warned_of_after_a_clear_too(
    task: Task, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    task.run(Opening(vendor, payload={"amount": 1}))
    caplog.clear()
    assert task.clear(Opening(vendor, payload={"amount": 2})) == 1
    assert "This attempt does not send the new values" in caplog.text


class TestIdFromPerson:
    @pytest.fixture(autouse=True)
    def doubt(self, task: Task, vendor: Vendor) -> None:
        doubted(task, vendor)

    def test_an_unknown_id_is_left_to_be_corrected(self, task: Task, vendor: Vendor) -> None:
        task.hand_over(77)
        for _ in range(2):
            with pytest.raises(InvalidInput, match=r"does not know the id 77: .*\nA person wrote this id"):
                task.clear(Opening(vendor, findable=False))
        task.hand_over(1)
        assert task.clear(Opening(vendor, findable=False)) == 1
        assert len(vendor.sent) == 1

    def test_an_id_that_is_corrected_after_it_was_taken(self, task: Task, vendor: Vendor) -> None:
        stranger = vendor.send("stranger", "another mark", again=False)
        task.hand_over(stranger)
        assert task.clear(Opening(vendor, findable=False)) == stranger
        task.hand_over("1")
        assert task.clear(Opening(vendor, findable=False)) == 1
        assert task.retry(Opening(vendor, findable=False)) == 1
        assert len(vendor.sent) == 2


class TestKilled:
    class Slow(Opening):
        """Is killed while it reads its baseline."""

        task: Task

        def baseline(self, api: Any) -> Operation[Any]:
            assert "Nothing was sent" in self.task.submission.stop()
            return super().baseline(api)

    def test_nothing_is_sent_any_more(self, task: Task, vendor: Vendor) -> None:
        effect = self.Slow(vendor)
        effect.task = task
        with pytest.raises(TemporaryError, match="Nothing was sent: the task was killed"):
            task.run(effect)
        assert (vendor.sent, task.record) == ([], None)


class TestDoubtsAreNamed:
    def test_by_a_refusal_of_a_second_sending(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_BEFORE, refused(Rejected("wrong amount", status=400))]
        with pytest.raises(
            Rejected, match=r"wrong amount\nAn earlier request .*\nCheck the list of orders"
        ) as caught:
            task.run(Opening(vendor))
        assert caught.value.status == 400

    def test_by_a_store_that_fails_before_a_second_sending(self, task: Task, vendor: Vendor) -> None:
        vendor.fates = [LOST_BEFORE]
        effect = Opening(vendor)
        vendor.clock.after(30, lambda: setattr(task.store, "failing", 1))
        with pytest.raises(
            LostTrack, match=r"(?s)state store did not record the request .*Check the list of orders"
        ):
            task.run(effect)
        assert len(vendor.sent) == 1

    def test_before_anything_else_can_fail(self, task: Task, vendor: Vendor) -> None:
        assert open_doubt(task.context) is None
        doubted(task, vendor)
        said = open_doubt(task.context)
        assert said is not None
        assert "an order of purchase" in said
        assert task.record["mark"] in said
        task.hand_over(1)
        assert open_doubt(task.context) is None

    def test_even_if_the_store_is_away(self, task: Task, vendor: Vendor) -> None:
        def away(key: str, default: Any = None) -> Any:
            raise ConnectionError

        doubted(task, vendor)
        task.store.get = away  # type: ignore[method-assign]
        assert open_doubt(task.context) is None
