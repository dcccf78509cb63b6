"""Whose push it was, from the rows; and which stop to push."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Found, LookupResult, NotSent, Unknown
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.core.tasks.question import NOT_THERE, THERE
from airflow_provider_workflows.exceptions import InvalidInput, LostTrack, OutcomeUnknown, Rejected, RunFailed
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import SECOND_LOOK, Order
from airflow_provider_workflows.omflow.effects.push_order import OrderPush, changes, choose, judge_push
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowPushOrderOperator
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner, raised
from tests.core.questions import answer, parked
from tests.core.questions import questions as questions
from tests.omflow.driving import Driven, ok
from tests.omflow.orders import (
    TITLE,
    hand_over,
    open_order,
    pushing,
    requests,
    state,
    stops,
    stored,
    until,
)
from tests.omflow.recorded import recorded_order

ITEMS: list[dict[str, Any]] = [
    {"id": "FORMITM_1", "type": "inputbox", "value": "yes"},
    {"id": "FORMITM_2", "type": "checkbox", "value": ["a", "b"]},
]
PUSHED: dict[str, Any] = {
    "id": 2,
    "history": True,
    "update_user_id": "Admin",
    "formitm_1": "yes",
    "formitm_2": '["a", "b"]',
}


def found(
    row: dict[str, Any], *, items: Any = ITEMS, login: str = "admin", changed: Any = ("FORMITM_2",)
) -> LookupResult:
    return judge_push(Order((row,)), 2, login=login, items=items, changed=changed)


def doubt(row: dict[str, Any], **how: Any) -> Unknown:
    """Return the doubt that a row leaves; anything else fails the test."""
    seen = found(row, **how)
    assert isinstance(seen, Unknown)
    return seen


@pytest.mark.parametrize("moved", [{"history": True}, {"running": True}, {"closed": True}], ids=str)
def test_ours_by_author_and_values(moved: dict[str, bool]) -> None:
    assert found({**PUSHED, "history": False, **moved}) == Found(2)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"update_user_id": "someone"}, "another user pushed it"),
        ({"update_user_id": None}, "another user pushed it"),
        ({"formitm_1": "no"}, "has another value"),
        ({"formitm_2": None}, "has another value"),
    ],
    ids=str,
)
def test_not_ours_if_anything_differs(change: dict[str, Any], why: str) -> None:
    seen = doubt({**PUSHED, **change})
    assert why in seen.why
    assert not seen.may_change
    assert doubt({**PUSHED, **change, "history": False, "running": True}).may_change


def test_not_ours_if_a_value_is_not_listed() -> None:
    assert (
        "has another value" in doubt({key: value for key, value in PUSHED.items() if key != "formitm_1"}).why
    )


def test_standing_whatever_it_holds() -> None:
    assert found({**PUSHED, "history": False}) == NotSent()


def test_gone() -> None:
    assert "deleted" in doubt({**PUSHED, "id": 3}).why


def test_failed_where_it_stands() -> None:
    why = doubt({**PUSHED, "history": False, "error": True, "error_message": "boom"}).why
    assert "boom" in why
    assert "running forever" in why


@pytest.mark.parametrize(
    "how",
    [{"items": []}, {"changed": ()}, {"changed": ("FORMITM_9",)}, {"items": ITEMS[:1]}],
    ids=["no values", "none changed", "another changed", "the changed one is not sent any more"],
)
def test_what_changes_nothing_is_nobodys(how: dict[str, Any]) -> None:
    """Another push of the same user, a quick action for one, would leave the same."""
    assert "changes no value that could identify it" in doubt(PUSHED, **how).why


def test_recorded_push() -> None:
    order = recorded_order("list rows of closed order")
    row = order.row(18)
    assert row is not None
    known = next(name for name in row if name.startswith("formitm_") and row[name])
    items = [{"id": known.upper(), "type": "inputbox", "value": row[known]}]
    assert judge_push(order, 18, login="admin", items=items, changed=[known.upper()]) == Found(18)
    assert judge_push(order, 18, login="other", items=items, changed=[known.upper()]) != Found(18)
    assert isinstance(judge_push(order, 21, login="admin", items=items, changed=[known.upper()]), Unknown)


@pytest.mark.parametrize("held", ["t2", "t"], ids=["another field is ours", "none is"])
def test_a_field_that_the_process_overwrites_leaves_a_doubt_that_says_what_is_there(held: str) -> None:
    """As recorded in the process ``setter``. A push with another decision would leave the same rows."""
    pushed = {"id": 11, "history": True, "update_user_id": "admin", "formitm_1": held, "formitm_2": "done"}
    items = [{"id": "FORMITM_1", "value": "t2"}, {"id": "FORMITM_2", "value": "mine"}]
    seen = judge_push(Order((pushed,)), 11, login="admin", items=items, changed=("FORMITM_1", "FORMITM_2"))
    assert isinstance(seen, Unknown)
    assert not seen.may_change
    assert "FORMITM_2 has another value" in seen.why
    assert ("FORMITM_1 holds this task's value" in seen.why) == (held == "t2")


def test_a_doubt_is_read_from_two_looks() -> None:
    """Until they agree, a later look may show more."""
    push = OrderPush(
        api_path="p",
        data_no=7,
        stop_chart_text="Decide",
        data_id=None,
        items=[{"id": "FORMITM_1", "value": "mine"}],
        quick_action=None,
    )
    record = Record(mark="m", generation=0, baseline={"data_id": 1, "changes": ["FORMITM_1"]})
    first = [{"id": 1, "data_no": 7, "history": True, "update_user_id": "robot", "formitm_1": "other"}]
    then = [*first, {"id": 2, "data_no": 7, "history": False}]
    api = OMFlowApi(login="robot", password="x")
    for looks, may_change in (((first, first), False), ((first, then), True)):
        driven = Driven(push.look_up(api, record), [ok(rows) for rows in looks])
        assert driven.slept == [SECOND_LOOK]
        assert isinstance(driven.result, Unknown)
        assert driven.result.may_change == may_change
    waits = [{"id": 1, "data_no": 7, "history": False}]
    driven = Driven(push.look_up(api, record), [ok(waits)])
    assert (driven.result, driven.slept) == (NotSent(), [])


def test_which_fields_a_push_changes() -> None:
    row = {"formitm_1": "yes", "formitm_2": None}
    assert changes(row, ITEMS) == ["FORMITM_2"]
    assert changes({"formitm_1": "yes"}, ITEMS) == [], "what is not listed is not known"
    assert changes(row, []) == []


def standing(*labels: str, error: bool = False) -> Order:
    rows = [{"id": 3 + number, "stop_chart_text": label} for number, label in enumerate(labels)]
    return Order(tuple({**row, "error": error, "error_message": "no"} for row in rows))


def test_choose() -> None:
    order = standing("Legal", "Finance", "Finance")
    assert choose(order, stop="Legal", subject="x")["id"] == 3
    assert choose(order, data_id=5, subject="x")["id"] == 5
    with pytest.raises(Rejected, match=r"several branches at 'Finance'\nPass the data_id"):
        choose(order, stop="Finance", subject="x")
    with pytest.raises(
        Rejected, match=r"Nothing was pushed: x has no branch at 'Done'\nThe order waits at: 'Legal'"
    ):
        choose(order, stop="Done", subject="x")
    with pytest.raises(Rejected, match="The order waits at: nothing"):
        choose(Order(()), stop="Done", subject="x")
    with pytest.raises(Rejected, match="Nothing was pushed: x has no row 9"):
        choose(order, data_id=9, subject="x")


def test_what_failed_at_the_stop_does_not_wait_there() -> None:
    with pytest.raises(Rejected, match=r"The order waits at: nothing\nFailed: no \(at 'Approve'\)"):
        choose(standing("Approve", error=True), stop="Approve", subject="x")


class TestOnce:
    """Counted at the vendor."""

    @pytest.fixture
    def data_no(self, omflow: OMFlowServer) -> Any:
        return open_order(omflow, "two-step")

    def runner(self, data_no: Any, **how: Any) -> Runner:
        how = {"stop_chart_text": "Review", "form_data": {**TITLE, "FORMITM_2": "mine"}, **how}
        return pushing(api_path="two-step", data_no=data_no, **how)

    def test_an_effect_that_comes_late_is_found(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        omflow.connect(extra={"timeout": 0.3})
        fault = omflow.fault("push", "late_effect", seconds=0.8)
        clock.after(20, lambda: until(lambda: omflow.effects()["pushed"] == 1))
        runner = self.runner(data_no)
        assert runner.run() == stored(runner)["id"]
        assert omflow.control.hits(fault) == 1
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 1)

    def test_siblings_find_only_their_own(self, omflow: OMFlowServer, clock: Clock) -> None:
        """All are in doubt at a time: of every second the answer was lost, of the others the request."""
        orders = [open_order(omflow, "two-step") for _ in range(4)]
        rows = {stops("two-step", data_no)["Review"] for data_no in orders}
        runners = [self.runner(data_no) for data_no in orders]
        for number, runner in enumerate(runners):
            omflow.control.clear_faults()
            omflow.fault("push", "lost_answer" if number % 2 else "reset_before")
            omflow.fault("list", "throttled", times=99, skip=1, retry_after=99)
            with raised(LostTrack):
                runner.run()
        omflow.control.clear_faults()
        assert {runner.retry() for runner in runners} == rows
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (4, 6)

    def test_a_vendor_that_cannot_be_asked_is_asked_by_the_retry(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        omflow.fault("push", "lost_answer")
        omflow.fault("list", "throttled", times=99, skip=1, retry_after=99)
        runner = self.runner(data_no)
        with raised(LostTrack):
            runner.run()
        omflow.control.clear_faults()
        assert runner.retry() == stored(runner)["id"]
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 1)

    def test_resubmitted_if_the_user_wants_it(self, omflow: OMFlowServer, clock: Clock, data_no: Any) -> None:
        """OMFlow refuses it, since the row was pushed; that does not clear up by whom."""
        omflow.fault("push", "lost_answer")
        runner = self.runner(data_no, form_data=TITLE, on_lost_answer="resubmit")
        with pytest.raises(Rejected):
            runner.run()
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 2)
        assert "id" not in stored(runner)

    @pytest.mark.usefixtures("questions")
    def test_a_person_says_that_it_was_pushed(self, omflow: OMFlowServer, clock: Clock, data_no: Any) -> None:
        omflow.fault("push", "lost_answer")
        runner = self.runner(data_no, form_data=TITLE, on_lost_answer="ask")
        row = stops("two-step", data_no)["Review"]
        parked(runner.begin)
        assert runner.answered(answer(THERE)) == row
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 1)

    @pytest.mark.usefixtures("questions")
    def test_a_person_who_is_wrong_causes_no_second_push(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        omflow.fault("push", "lost_answer")
        runner = self.runner(data_no, form_data=TITLE, on_lost_answer="ask")
        parked(runner.begin)
        with pytest.raises(Rejected, match="no branch at 'Review'"):
            runner.answered(answer(NOT_THERE))
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 1)

    @pytest.mark.parametrize("policy", ["fail", "resubmit"])
    def test_a_row_that_has_failed_is_never_pushed_again(
        self, omflow: OMFlowServer, clock: Clock, policy: str
    ) -> None:
        """Whose validation refuses a second time stays running for good (recorded)."""
        data_no = open_order(omflow, "push-rejected")
        OMFlowHook().push_order("push-rejected", stops("push-rejected", data_no)["Approve"], form_data=TITLE)
        omflow.control.advance(5)
        failed = state("push-rejected", data_no).rows[-1]
        omflow.fault("push", "reset_before")
        runner = pushing(
            api_path="push-rejected",
            data_no=data_no,
            data_id=failed["id"],
            form_data={"FORMITM_1": "another"},
            on_lost_answer=policy,
        )
        kind = OutcomeUnknown if policy == "fail" else RunFailed
        with pytest.raises(kind, match=r"second push would leave the order running forever"):
            runner.run()
        with pytest.raises(kind, match=r"second push would leave the order running forever"):
            runner.clear()
        assert omflow.effects()["pushed"] == 1
        assert requests(omflow, "push") == 2

    def test_cleared_after_success_it_pushes_what_stands_then(
        self, omflow: OMFlowServer, data_no: Any
    ) -> None:
        runner = self.runner(data_no)
        first = runner.run()
        assert runner.retry() == first
        with pytest.raises(Rejected, match="no branch at 'Review'"):
            runner.clear()
        assert omflow.effects()["pushed"] == 1

    def test_what_a_person_hands_over_is_gone_on_with(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        omflow.fault("push", "lost_answer")
        runner = self.runner(data_no, form_data=TITLE)
        with pytest.raises(OutcomeUnknown, match="write the data_id of the record's baseline"):
            runner.run()
        data_id = stored(runner)["baseline"]["data_id"]
        hand_over(runner, str(data_id))
        assert runner.clear() == data_id
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 1)

    @pytest.mark.parametrize("id", ["two", "99", None], ids=repr)
    def test_what_was_not_pushed_is_not_taken(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any, id: Any
    ) -> None:
        omflow.fault("push", "throttled", retry_after=99)
        runner = self.runner(data_no)
        assert runner.store is not None
        standing = str(stops("two-step", data_no)["Review"])
        runner.store.set(KEY, {"id": standing if id is None else id})
        with pytest.raises(InvalidInput):
            runner.run()
        assert requests(omflow, "push") == 0

    def test_a_record_that_says_no_row_is_a_doubt(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        runner = self.runner(data_no)
        assert runner.store is not None
        runner.store.set(KEY, {"mark": "af-1", "intended_at": 1.0})
        with pytest.raises(OutcomeUnknown, match="does not name the row"):
            runner.run()
        assert requests(omflow, "push") == 0

    def test_a_row_of_another_order_is_not_pushed(self, omflow: OMFlowServer, data_no: Any) -> None:
        other = stops("two-step", open_order(omflow, "two-step"))["Review"]
        with pytest.raises(Rejected, match=f"has no row {other}"):
            self.runner(data_no, stop_chart_text=None, data_id=other).run()
        assert requests(omflow, "push") == 0

    def test_an_unknown_field_is_refused_by_the_push(self, omflow: OMFlowServer, data_no: Any) -> None:
        runner = self.runner(data_no, form_data={**TITLE, "FORMITM_99": "x"})
        with pytest.raises(Rejected, match=r"(?i)formitm_99"):
            runner.run()
        assert stored(runner) is None
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (0, 1)

    def test_killed_it_says_what_was_done(
        self, omflow: OMFlowServer, data_no: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        task = OMFlowPushOrderOperator(
            task_id="push", api_path="two-step", data_no=data_no, stop_chart_text="Review", form_data=TITLE
        )
        task.execute(pushing().context)
        before = omflow.effects()
        capsys.readouterr()
        task.on_kill()
        assert f"OMFlow has pushed order two-step/{data_no} from the stop 'Review', id " in "".join(
            capsys.readouterr()
        )
        assert omflow.effects() == before

    def test_without_a_store_a_retry_looks_what_stands(self, omflow: OMFlowServer, data_no: Any) -> None:
        runner = self.runner(data_no, store=False)
        runner.run()
        omflow.control.advance(5)
        with pytest.raises(Rejected, match="no branch at 'Review'"):
            runner.retry()
        assert omflow.effects()["pushed"] == 1
