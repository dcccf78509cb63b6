"""The ready retry policy: what it decides, and that Airflow takes it."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import airflow.sdk
import pytest
from airflow.sdk import DAG, BaseOperator
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.exceptions import (
    ConnectionFailed,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    Rejected,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.retry_policy import JITTER, WorkflowRetryPolicy
from tests.core.airflow_names import DagSerialization
from tests.core.airflow_private import RETRY_POLICY, private

HAS_POLICIES = hasattr(airflow.sdk, "RetryPolicy")
needs_policies = pytest.mark.skipif(not HAS_POLICIES, reason="retry policies came with Airflow 3.3")

if HAS_POLICIES:
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryPolicy, RetryRule

    class Fixed(RetryPolicy):
        """Decides always the same and remembers what it was asked."""

        def __init__(self, decision: RetryDecision) -> None:
            self.decision = decision
            self.asked: list[Any] = []

        def evaluate(
            self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
        ) -> RetryDecision:
            self.asked.append((exception, try_number, max_tries, context))
            return self.decision


def family(cls: type[WorkflowError]) -> list[type[WorkflowError]]:
    return [cls, *(member for child in cls.__subclasses__() for member in family(child))]


TEMPORARY = cast("list[type[TemporaryError]]", family(TemporaryError))
PERMANENT = family(PermanentError)
OTHERS = [WorkflowError, ValueError, KeyError, TimeoutError, KeyboardInterrupt]


def policy(**changes: Any) -> WorkflowRetryPolicy:
    limits = {"first_delay": timedelta(seconds=10), "longest_delay": timedelta(seconds=100)}
    return WorkflowRetryPolicy(**{**limits, **changes})


def delay(error: TemporaryError, *, failures: int = 1, draw: float = 0.0, **changes: Any) -> float:
    decision = policy(**changes).decide(error, failures=failures, draw=draw)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay is not None
    return decision.retry_delay.total_seconds()


def context(task: BaseOperator | None = None, *, retries: int = 3) -> Any:
    return {"task": task or BaseOperator(task_id="of_the_user", retries=retries)}


def wrapped_from(error: Exception) -> BaseException:
    return caught(lambda: _chain(error, explicit=True))


def wrapped_afterwards(error: Exception) -> BaseException:
    wrapper = RuntimeError("in the user's words")
    wrapper.__cause__ = error
    return wrapper


def raised_while_handling(error: Exception) -> BaseException:
    return caught(lambda: _chain(error, explicit=False))


def hidden_by_from_none(error: Exception) -> BaseException:
    hidden = raised_while_handling(error)
    hidden.__suppress_context__ = True
    return hidden


def grouped(error: Exception) -> BaseException:
    return ExceptionGroup("of several", [KeyError("other"), ExceptionGroup("of these", [error])])


def deep_down(error: Exception) -> BaseException:
    return wrapped_from(cast("Exception", grouped(cast("Exception", raised_while_handling(error)))))


WRAPPINGS = [wrapped_from, wrapped_afterwards, raised_while_handling, hidden_by_from_none, grouped, deep_down]


def _chain(error: Exception, *, explicit: bool) -> None:
    try:
        raise error
    except Exception as first:
        if explicit:
            raise RuntimeError("in the user's words") from first
        raise RuntimeError("something else went wrong")  # noqa: B904


def caught(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@needs_policies
class TestThrottled:
    def test_at_retry_after(self) -> None:
        assert delay(Throttled("slow down", retry_after=40)) == 40

    def test_a_little_later_by_chance(self) -> None:
        assert delay(Throttled("slow down", retry_after=40), draw=0.5) == 45

    def test_tasks_with_the_same_short_wish_are_spread(self) -> None:
        # By a quarter of the growing delay: 10, 20, 40, ... 100 s.
        latest = [delay(Throttled("", retry_after=1), failures=n, draw=1) for n in (1, 2, 3, 4, 5, 50)]
        assert latest == [3.5, 6, 11, 21, 26, 26]

    def test_longer_than_the_longest_delay(self) -> None:
        assert delay(Throttled("", retry_after=5000), longest_delay=timedelta(seconds=60)) == 5000

    def test_without_retry_after_the_delay_grows(self) -> None:
        assert [delay(Throttled(""), failures=n) for n in (1, 2, 3)] == [10, 20, 40]

    @pytest.mark.parametrize("wish", [-5.0, 0.0])
    def test_a_date_that_has_passed(self, wish: float) -> None:
        assert delay(Throttled("", retry_after=wish)) == 0
        assert delay(Throttled("", retry_after=wish), draw=0.5) == 1.25


@needs_policies
class TestUnavailable:
    @pytest.mark.parametrize("kind", [kind for kind in TEMPORARY if kind is not Throttled])
    def test_delay_doubles_up_to_the_longest(self, kind: type[TemporaryError]) -> None:
        delays = [delay(kind("away"), failures=n) for n in (1, 2, 3, 4, 5, 6, 5000)]
        assert delays == [10, 20, 40, 80, 100, 100, 100]

    def test_chance_shortens_it_so_that_the_longest_holds(self) -> None:
        assert delay(ServiceUnavailable(""), draw=0.5) == 10 * (1 - JITTER / 2)
        assert delay(ServiceUnavailable(""), failures=9, draw=0.999) < 100

    @pytest.mark.parametrize("kind", [ServiceUnavailable, LostTrack, ConnectionFailed, UnreadableAnswer])
    def test_not_before_a_retry_after(self, kind: type[TemporaryError]) -> None:
        assert delay(kind("", retry_after=60)) == 60
        assert delay(kind("", retry_after=5)) == 10
        assert delay(kind("", retry_after=9), draw=1) == 11.5, "the wish counts where chance goes below it"


@needs_policies
@given(
    kind=st.sampled_from(TEMPORARY),
    wish=st.none() | st.floats(0, 86400),
    failures=st.integers(1, 10_000),
    draw=st.floats(0, 1, exclude_max=True),
    first=st.floats(0.001, 900),
)
def test_bounds(
    kind: type[TemporaryError], wish: float | None, failures: int, draw: float, first: float
) -> None:
    limits = {"first_delay": timedelta(seconds=first), "longest_delay": timedelta(seconds=900)}
    error = kind("", retry_after=wish)
    seconds = delay(error, failures=failures, draw=draw, **limits)
    # A timedelta knows microseconds only.
    assert seconds >= (wish or 0) - 1e-6, "sooner than the vendor asked"
    assert seconds <= max(900, (wish or 0) + JITTER * max(wish or 0, 900)) + 1e-6
    if wish is None or not issubclass(kind, Throttled):
        later = delay(error, failures=failures + 1, draw=draw, **limits)
        assert later >= seconds, "it shrinks"
        assert seconds >= min(first, 900) * (1 - JITTER) - 1e-6


@needs_policies
class TestTooLong:
    @pytest.mark.parametrize("kind", [Throttled, ServiceUnavailable])
    @pytest.mark.parametrize("wish", [86401.0, 2.5e11, float("inf"), float("nan")])
    def test_fails_and_says_so(self, kind: type[TemporaryError], wish: float) -> None:
        decision = policy().decide(kind("", retry_after=wish), failures=1, draw=0)
        assert decision.action is RetryAction.FAIL
        assert decision.reason is not None
        assert f"Retry-After is {wish:.0f} s, longer than longest_retry_after (86400 s)" in decision.reason

    def test_what_is_too_long_can_be_chosen(self) -> None:
        assert delay(Throttled("", retry_after=86401), longest_retry_after=timedelta(days=2)) == 86401
        decision = policy(longest_retry_after=timedelta(0)).decide(
            Throttled("", retry_after=1), failures=1, draw=0
        )
        assert decision.action is RetryAction.FAIL


@needs_policies
class TestEvaluate:
    @pytest.mark.parametrize("kind", TEMPORARY)
    def test_temporary_errors_are_retried(self, kind: type[TemporaryError]) -> None:
        decision = policy().evaluate(kind("x", retry_after=20), 1, 3, context())
        assert decision.action is RetryAction.RETRY
        assert decision.retry_delay is not None
        assert timedelta(seconds=20) <= decision.retry_delay <= timedelta(seconds=25)

    @pytest.mark.parametrize("kind", PERMANENT)
    def test_permanent_errors_are_not(self, kind: type[WorkflowError]) -> None:
        decision = policy().evaluate(kind("x", retry_after=20), 1, 3, context())
        assert decision.action is RetryAction.FAIL
        assert decision.reason is not None
        assert decision.reason.startswith(kind.__name__)

    @pytest.mark.parametrize("kind", OTHERS)
    def test_other_errors_are_as_without_a_policy(self, kind: type[BaseException]) -> None:
        assert policy().evaluate(kind("x"), 1, 3, context()) == RetryDecision.default()

    @pytest.mark.parametrize("kind", OTHERS)
    def test_or_another_policys(self, kind: type[BaseException]) -> None:
        other, error, its_context = Fixed(RetryDecision.fail("never")), kind("x"), context()
        assert policy(otherwise=other).evaluate(error, 2, 3, its_context) == RetryDecision.fail("never")
        assert other.asked == [(error, 2, 3, its_context)]

    @pytest.mark.parametrize("kind", [Throttled, Rejected, OutcomeUnknown])
    def test_another_policy_is_not_asked_about_ours(self, kind: type[WorkflowError]) -> None:
        other = Fixed(RetryDecision.retry())
        policy(otherwise=other).evaluate(kind("x"), 1, 3, context())
        assert other.asked == []

    def test_every_error_of_the_package_is_decided_upon(self) -> None:
        tested = {*TEMPORARY, *PERMANENT, WorkflowError}
        assert tested == {kind for kind in vars(exceptions).values() if _is_error(kind)}

    def test_when_no_retry_is_left(self) -> None:
        assert policy().evaluate(ServiceUnavailable(""), 3, 3, context()).action is RetryAction.RETRY
        assert policy().evaluate(ServiceUnavailable(""), 4, 3, context()) == RetryDecision.default()

    def test_chance_is_drawn_anew(self) -> None:
        delays = {policy().evaluate(ServiceUnavailable(""), 1, 3, context()).retry_delay for _ in range(50)}
        assert len(delays) > 40

    def test_arguments_by_name_as_airflow_gives_them(self) -> None:
        decision = policy().evaluate(exception=Throttled(""), try_number=1, max_tries=1, context=None)
        assert decision.action is RetryAction.RETRY

    def test_reason_says_what_happens_and_quotes_nobody(self) -> None:
        error = Throttled(
            "secret words",
            vendor="OMFlow",
            operation="open order",
            path="/secret/path",
            excerpt="secret answer",
            retry_after=40,
        )
        reason = policy().evaluate(error, 2, 3, context()).reason or ""
        assert re.fullmatch(
            r"Throttled \(OMFlow open order\), Retry-After 40 s: failure 2, next attempt in \d+ s",
            reason,
        )
        doubt = OutcomeUnknown("secret words", vendor="OMFlow", operation="open order", excerpt="secret")
        assert "secret" not in (policy().evaluate(doubt, 1, 3, context()).reason or "secret")


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, WorkflowError)


@needs_policies
class TestFailuresSinceAClear:
    @staticmethod
    def failures(try_number: int, max_tries: int, its_context: Any) -> int:
        reason = policy().evaluate(ServiceUnavailable(""), try_number, max_tries, its_context).reason
        return int((reason or "").partition("failure ")[2].partition(",")[0])

    def test_first_generation(self) -> None:
        assert [self.failures(n, 3, context(retries=3)) for n in (1, 2, 3)] == [1, 2, 3]

    def test_a_clear_begins_anew(self) -> None:
        # Cleared after the fourth attempt: Airflow raises max_tries to 4 + 3.
        assert [self.failures(n, 7, context(retries=3)) for n in (5, 6, 7)] == [1, 2, 3]

    def test_retries_changed_meanwhile(self) -> None:
        assert self.failures(1, 1, context(retries=9)) == 1, "more than were tried at all"
        assert self.failures(2, 9, context(retries=1)) == 1, "none at all"

    def test_without_a_context(self) -> None:
        assert self.failures(5, 7, None) == 5


@needs_policies
class TestDoubts:
    @pytest.mark.parametrize("wrapping", WRAPPINGS)
    def test_wrapped_in_a_users_function(self, wrapping: Callable[[Exception], BaseException]) -> None:
        other = Fixed(RetryDecision.retry())
        error = wrapping(OutcomeUnknown("lost", vendor="OMFlow", operation="open order"))
        for its_context in (context(), None):
            decision = policy(otherwise=other).evaluate(error, 1, 3, its_context)
            assert decision.action is RetryAction.FAIL
            assert (decision.reason or "").startswith("OutcomeUnknown (OMFlow open order)")
        assert other.asked == []

    @pytest.mark.parametrize("wrapping", WRAPPINGS)
    def test_other_errors_wrapped_in_a_users_function(
        self, wrapping: Callable[[Exception], BaseException]
    ) -> None:
        assert policy().evaluate(wrapping(Rejected("no")), 1, 3, context()) == RetryDecision.default()

    def test_a_look_up_that_fails_in_a_users_function(self) -> None:
        assert policy().evaluate(self.look_up_failed(), 1, 3, context()).action is RetryAction.FAIL

    def test_a_look_up_that_fails_in_an_operator_of_ours(self) -> None:
        # Its record makes the next attempt look again before it sends anything.
        ours = OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data={}, retries=3)
        assert policy().evaluate(self.look_up_failed(), 1, 3, context(ours)).action is RetryAction.RETRY
        assert policy().evaluate(OutcomeUnknown("x"), 1, 3, context(ours)).action is RetryAction.FAIL

    def test_a_chain_that_bites_its_tail(self) -> None:
        first, second = RuntimeError("a"), RuntimeError("b")
        first.__cause__, second.__context__ = second, first
        assert policy().evaluate(first, 1, 3, context()) == RetryDecision.default()

    @staticmethod
    def look_up_failed() -> BaseException:
        error = ServiceUnavailable("away")
        error.__context__ = OutcomeUnknown("lost")
        return error


@needs_policies
class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"first_delay": timedelta(0)}, "first_delay"),
            ({"first_delay": timedelta(hours=1)}, "at most longest_delay"),
            ({"first_delay": 30}, "first_delay must be a timedelta, got 30"),
            ({"longest_delay": 900.0}, "longest_delay must be a timedelta"),
            ({"longest_retry_after": None}, "longest_retry_after must be a timedelta"),
            ({"longest_retry_after": timedelta(seconds=-1)}, "longest_retry_after"),
            ({"longest_retry_after": timedelta.max}, "at most a year"),
            ({"longest_delay": timedelta(days=366)}, "at most a year"),
            ({"otherwise": "fail"}, "otherwise must be a RetryPolicy"),
        ],
    )
    def test_refused(self, changes: dict[str, Any], complaint: str) -> None:
        with pytest.raises(InvalidInput, match=complaint):
            WorkflowRetryPolicy(**changes)

    def test_defaults(self) -> None:
        ready = WorkflowRetryPolicy()
        assert (ready.first_delay, ready.longest_delay) == (timedelta(seconds=30), timedelta(minutes=15))
        assert (ready.longest_retry_after, ready.otherwise) == (timedelta(days=1), None)

    def test_equal_by_value(self) -> None:
        assert policy() == policy()
        assert hash(policy()) == hash(policy())
        assert policy() != policy(longest_delay=timedelta(seconds=101))

    @pytest.mark.parametrize(
        "through", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
    )
    def test_copies(self, through: Callable[[Any], Any]) -> None:
        assert through(policy()) == policy()

    def test_json(self) -> None:
        data = json.loads(json.dumps(policy().serialize()))
        assert data["__type"] == "WorkflowRetryPolicy"
        assert WorkflowRetryPolicy.deserialize(data) == policy()

    def test_json_with_another_policy(self) -> None:
        rule = RetryRule(exception=ValueError, action=RetryAction.FAIL, reason="a wrong value")
        both = policy(otherwise=ExceptionRetryPolicy(rules=[rule]))
        rebuilt = WorkflowRetryPolicy.deserialize(json.loads(json.dumps(both.serialize())))
        assert rebuilt.evaluate(ValueError(), 1, 3) == RetryDecision.fail("a wrong value")


@needs_policies
class TestInADag:
    """Airflow stores that a task has a policy; the worker finds the policy itself in the DAG file."""

    @staticmethod
    def stored(dag: DAG) -> str:
        return json.dumps(DagSerialization.to_dict(dag), sort_keys=True)

    @staticmethod
    def plain(ready: WorkflowRetryPolicy) -> DAG:
        with DAG("plain", schedule=None) as dag:
            BaseOperator(task_id="one", retry_policy=ready)
        return dag

    @staticmethod
    def by_default(ready: WorkflowRetryPolicy) -> DAG:
        with DAG("by_default", schedule=None, default_args={"retries": 2, "retry_policy": ready}) as dag:
            BaseOperator(task_id="one")
        return dag

    @staticmethod
    def mapped(ready: WorkflowRetryPolicy) -> DAG:
        with DAG("mapped", schedule=None) as dag:
            OMFlowOpenOrderOperator.partial(
                task_id="one", form_data={}, retries=2, retry_policy=ready
            ).expand(api_path=["a", "b"])
        return dag

    @pytest.mark.parametrize("way", ["plain", "by_default", "mapped"])
    def test_is_stored_and_read_without_the_class(self, way: str) -> None:
        stored = self.stored(getattr(self, way)(policy()))
        assert "WorkflowRetryPolicy" not in stored
        task = DagSerialization.from_dict(json.loads(stored)).task_dict["one"]
        assert task.has_retry_policy is True

    @pytest.mark.parametrize("way", ["plain", "by_default", "mapped"])
    def test_parsing_again_makes_no_new_version_of_the_dag(self, way: str) -> None:
        assert self.stored(getattr(self, way)(policy())) == self.stored(getattr(self, way)(policy()))

    @pytest.mark.parametrize("way", ["plain", "by_default", "mapped"])
    def test_the_task_has_it(self, way: str) -> None:
        ready = policy()
        assert getattr(self, way)(ready).get_task("one").retry_policy is ready

    def test_airflows_own_evaluation(self) -> None:
        task = BaseOperator(task_id="one", retries=3, retry_policy=policy())
        server = SimpleNamespace(max_tries=3)
        ti = SimpleNamespace(task=task, try_number=2, _ti_context_from_server=server)
        said: list[str] = []
        log = SimpleNamespace(info=lambda *args, **more: said.append(more["reason"]), exception=said.append)
        evaluate = private(RETRY_POLICY)
        decision = evaluate(ti, ServiceUnavailable("away"), log, {"task": task, "ti": ti})
        assert timedelta(seconds=15) < decision.retry_delay <= timedelta(seconds=20)
        assert said == [decision.reason]


@pytest.mark.skipif(HAS_POLICIES, reason="says what to do on an older Airflow")
def test_on_an_older_airflow_one_sentence_says_what_to_do() -> None:
    with pytest.raises(RuntimeError) as caught:
        WorkflowRetryPolicy()
    assert re.fullmatch(
        r"WorkflowRetryPolicy needs Airflow 3\.3 or later; this is 3\.[12]\.\d+\. "
        "Remove retry_policy, and set retries and retry_delay instead",
        str(caught.value),
    )
