"""
Good answers, each spoilt in one place: what a vendor, a gateway or a bug may send.

Each call is made once against the sandbox, and its answers are kept. Then it is made again by hand, once for
each place in an answer and each bad value, with the spoilt answer in place of the good one.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_workflows.core.connection.hook import AnyHook
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.core.protocol.retry import diagnose
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.exceptions import OutcomeUnknown, UnreadableAnswer, WorkflowError

#: What may stand in any place of an answer.
BAD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    10**400,
    float("inf"),
    float("nan"),
    "",
    " ",
    "None",
    "\ud800",
    "\0",
    "\u202e7",
    "9" * 5000,
    "../x",
    "a/b?c",
    "2026-02-31T25:61:00",
    "2099-01-01T00:00:00.000",
    [],
    [None],
    [[]],
    ["x"],
    [{}],
    {},
    {"id": None},
    {"": ""},
)
#: Entries of a list that are spoilt, and answers to one call, at the most.
ENTRIES, ANSWERS = 2, 40


@dataclass(frozen=True)
class Call:
    """
    A call of a vendor's API.

    :param name: for the report
    :param make: makes its operation
    :param good: JSON of the good answers to its requests, if the sandbox cannot easily give them
    :param fits: whether a result may be what a spoilt answer says, as an order's number may be any text; gets
        that result and the good one
    """

    name: str
    make: Callable[[Any], Operation[Any]]
    good: tuple[Any, ...] | None = None
    fits: Callable[[Any, Any], bool] = lambda result, meant: result == meant


@dataclass(frozen=True)
class End:
    """How a call ended."""

    result: Any = None
    error: Exception | None = None


Exchanges = list[tuple[Request, Reply]]


def exchanges(hook: AnyHook, call: Call) -> Exchanges:
    """Return the requests of a call and the good answers to them, from the sandbox or as given."""
    made: Exchanges = []
    if call.good is not None:
        replies = [Reply(status=200, body=json.dumps(one).encode()) for one in call.good]
        end_of(call, hook.get_conn(), replies, made)
        return made

    def watched(api: Any) -> Operation[Any]:
        operation = call.make(api)
        answer: Any = None
        failure: WorkflowError | None = None
        while True:
            try:
                step = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as end:
                return end.value
            answer = failure = None
            try:
                answer = yield step
            except WorkflowError as error:
                failure = error
            if isinstance(step, Request) and answer is not None:
                made.append((step, answer))

    with contextlib.suppress(WorkflowError):  # what the sandbox refuses is an answer, too
        hook.run(watched)
    return made


def end_of(call: Call, api: Any, replies: Sequence[Reply], made: Exchanges | None = None) -> End:
    """Make a call by hand with these answers; return how it ended."""
    left = iter(replies)
    operation = call.make(api)
    answer: Any = None
    failure: WorkflowError | None = None
    for _ in range(ANSWERS):
        try:
            step = operation.send(answer) if failure is None else operation.throw(failure)
        except StopIteration as end:
            return End(result=end.value)
        except Exception as error:
            return End(error=error)
        answer = failure = None
        match step:
            case Request():
                assert replies, f"{call.name}: no good answer is known"
                answer = next(left, replies[-1])
                failure = diagnose(step, answer)
                if made is not None:
                    made.append((step, answer))
            case Renew():
                answer = "code"
            case Sleep():
                pass
    operation.close()
    return End(error=UnreadableAnswer("It asks for ever"))


def spoilt(reply: Reply) -> Iterator[tuple[str, Reply]]:
    """Yield a good answer with a bad value in each place, and the name of the place."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        return
    for path in _paths(body):
        place = ".".join(map(str, path)) or "all"
        for bad in BAD:
            yield f"{place} = {_shown(bad)}", _saying(reply, _with(body, path, bad))
        if path and isinstance(path[-1], str):
            yield f"{place} missing", _saying(reply, _without(body, path))


def _saying(reply: Reply, body: Any) -> Reply:
    return replace(reply, body=json.dumps(body).encode())


def _shown(bad: Any) -> str:
    return "10**400" if bad == 10**400 else repr(bad)[:20]


def faults(hook: AnyHook, call: Call) -> tuple[int, list[str]]:
    """
    Return how many spoilt answers were tried, and those that ended as they must not.

    None may end in an error that is not the package's own. What is sent once does not count as refused after
    an answer that cannot be read, and gives no other result than the good one.
    """
    made, api = exchanges(hook, call), hook.get_conn()
    good = [reply for _, reply in made]
    meant = end_of(call, api, good)
    tried, wrong = 0, []
    for number, (request, reply) in enumerate(made):
        for place, bad in spoilt(reply):
            tried += 1
            end = end_of(call, api, [*good[:number], bad, *good[number + 1 :]])
            if why := _wrong(request, end, meant, call):
                wrong.append(f"{call.name}, answer {number}, {place}: {why}"[:250])
    return tried, wrong


def _wrong(request: Request, end: End, meant: End, call: Call) -> str:
    if end.error is not None and not isinstance(end.error, WorkflowError):
        return f"{type(end.error).__name__}: {end.error}"
    if request.repeatable or meant.error is not None or isinstance(end.error, OutcomeUnknown):
        return ""
    if end.error is not None:
        return f"it counts as not done: {type(end.error).__name__}: {end.error}"
    return "" if call.fits(end.result, meant.result) else f"it gave {end.result!r}"


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, (*at, key))
    elif isinstance(value, list):
        for number, one in enumerate(value[:ENTRIES]):
            yield from _paths(one, (*at, number))


def _with(body: Any, path: tuple[Any, ...], bad: Any) -> Any:
    if not path:
        return bad
    changed = copy.deepcopy(body)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = bad
    return changed


def _without(body: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(body)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


@dataclass(frozen=True)
class Sample:
    """
    One vendor with a run that goes on.

    :param condition: the end of the run
    :param reads: calls that may be repeated
    :param once: a call that is sent once; None if the vendor's may be repeated
    """

    hook: AnyHook
    condition: Condition
    reads: tuple[Call, ...]
    once: Call | None

    @property
    def calls(self) -> tuple[Call, ...]:
        return (*self.reads, Call("condition", self.condition.check), *([self.once] if self.once else []))


Calls = tuple[Any, list[Call]]
#: What a person may have written, or what an earlier attempt has left.
RECORD = Record(mark="af-mark", generation=0, intended_at=1_790_000_000.0)


def anything(result: Any, meant: Any) -> bool:
    """Of a call that gives back what the vendor says, whatever it is."""
    return True
