"""What a new attempt does with the record of earlier attempts: a table of decisions, and the first steps."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from airflow_provider_workflows.core.submission.effect import (
    Check,
    CheckId,
    Found,
    LookupResult,
    Run,
    RunState,
    Save,
    Steps,
    Unknown,
)
from airflow_provider_workflows.core.submission.engine import Engine, Outcome
from airflow_provider_workflows.core.submission.record import Answer, AnswerRefused, Record
from airflow_provider_workflows.core.submission.terms import Policy
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    PermanentError,
    TemporaryError,
    WorkflowError,
)


class Memory(Enum):
    """What the state store contains."""

    NOTHING = "nothing"
    #: An attempt of any generation was about to send a request.
    INTENT = "an intent without id"
    #: The result is known, and nobody has cleared the task since.
    OURS = "an id of this generation"
    #: The result is known, and a user has cleared the task since.
    EARLIER = "an id of an earlier generation"


class Action(Enum):
    """What to do."""

    START = "send"
    ATTACH = "go on with the result; send nothing"
    STOP_AT_FAILURE = "fail, naming the run that failed"
    STOP_AT_GAP = "fail, naming the unknown run; a retry asks again"
    STOP_IN_DOUBT = "fail, naming the doubt"


def decide(
    memory: Memory, *, run: Run = Run.UNKNOWN, result: LookupResult | None = None, policy: Policy
) -> Action:
    """
    Decide what a new attempt does.

    A run in an unknown state counts as alive: a user notices if the task attaches to a run that has ended,
    but not if it starts a second run beside one that is alive. A run that the vendor does not know does not
    count as ended either, because a gateway may give that answer while the vendor is down.

    :param run: the run's state, if the memory contains an id
    :param result: of the look-up, if the memory contains an intent; None counts as unknown
    """
    match memory:
        case Memory.NOTHING:
            return Action.START
        case Memory.INTENT:
            if isinstance(result, Found):
                return Action.ATTACH
            again = policy.allows_again(result or Unknown("nobody looked"))
            return Action.START if again else Action.STOP_IN_DOUBT
        case Memory.OURS if run is Run.FAILED:
            return Action.START if policy.on_failed_run == "rerun" else Action.STOP_AT_FAILURE
        case Memory.OURS:
            return Action.STOP_AT_GAP if run is Run.GONE else Action.ATTACH
        case Memory.EARLIER if run in (Run.SUCCEEDED, Run.FAILED) or policy.on_clear == "rerun":
            return Action.START
        case Memory.EARLIER:
            return Action.STOP_AT_GAP if run is Run.GONE else Action.ATTACH


def open_record(engine: Engine, record: Record | None) -> Steps[Outcome]:
    """
    Make an effect happen, unless it already has.

    :param engine: of this attempt
    :param record: what earlier attempts left in the store
    :raises RunFailed: the run that an earlier attempt started has failed
    :raises RunTimedOut: the deadline had passed before anything was sent
    :raises OutcomeUnknown: the effect may have happened, and the vendor does not tell
    :raises LostTrack: the effect may have happened, and the vendor does not answer or does not know it; a
        retry asks again
    :raises StoreFailed: the store failed, and it knows of everything that was sent
    :raises AnswerRefused: a person's answer cannot be believed; nothing was sent
    :raises WorkflowError: the vendor refused, or nothing could be sent
    """
    if engine.answer is not None and (record is None or record.id is None):
        return (yield from _act_on_answer(engine, record, engine.answer))
    if record is None and engine.terms.look_first:
        return (yield from _look_first(engine))
    if record is None:
        doubted = engine.terms.doubted
        return (yield from engine.deliver(engine.new, kept=None, doubted=doubted, again=doubted))
    if record.id_from_person and record.answer:
        return (yield from _believe(engine, record))
    if record.id_from_person:
        record = replace(record, id=(yield CheckId(record.id)))
    wanted = engine.described(record)
    if record.target not in ("", wanted.target) and not record.id_from_person:
        return (yield from _act_on_other_request(engine, record))
    if record.payload not in ("", wanted.payload):
        engine.messages.changed()
    if record.id is None:
        return (yield from engine.deliver(record, kept=record, doubted=True, look=True))
    return (yield from _attach_or_restart(engine, record))


def _look_first(engine: Engine) -> Steps[Outcome]:
    """Before sending, look for what an earlier attempt without a record may have sent."""
    result = yield from engine.look_up.before(engine.new)
    if isinstance(result, Found):
        engine.messages.found_before(result.id, engine.new)
        return (yield from engine.accept(engine.new, result.id, "there"))
    if isinstance(result, Unknown) and result.forbids is not None:
        raise result.forbids
    return (yield from engine.deliver(engine.new, kept=None))


def _act_on_other_request(engine: Engine, record: Record) -> Steps[Outcome]:
    """Act on the record of another request than this task's effect; the effect cannot look it up."""
    if record.id is None:
        engine.may_ask = False  # the question would be about this task's effect
        raise engine.messages.other_doubt(record)
    if engine.effect.begins_run or record.generation == engine.new.generation:
        raise engine.messages.other_done(record)
    engine.messages.moving_on(record)
    return (yield from engine.deliver(engine.new, kept=record, again=True))


def _act_on_answer(engine: Engine, record: Record | None, answer: Answer) -> Steps[Outcome]:
    """
    Act on a person's answer about a request in doubt.

    :param record: the request's; None if a person has deleted it meanwhile
    :raises AnswerRefused: the answer cannot be believed; the doubt stays
    :raises OutcomeUnknown: the person gave up; the doubt stays
    """
    engine.messages.answered(answer)
    if record is not None and record.target not in ("", engine.described(record).target):
        return (yield from _act_on_other_request(engine, record))  # it is not what the person was asked about
    doubt = replace(record or engine.new, answer=answer.to_json(), refused="")
    match answer.verdict:
        case None:
            raise AnswerRefused(answer.problem)
        case "give up":
            engine.may_ask = False
            if record is not None:
                yield Save(doubt)
            raise engine.messages.given_up(doubt, answer)
        case "not there":
            return (yield from _send_after_all(engine, doubt))
    id = engine.effect.own_id(doubt) if answer.id is None else answer.id
    if id is None:
        raise AnswerRefused(f"Airflow cannot go on without {engine.effect.words.id}")
    # As a person would write it into the record: a retry asks the vendor about it, if this attempt cannot.
    named = replace(doubt, id=id, accepted_at=None, seal="")
    yield Save(named)
    return (yield from _believe(engine, named))


def _believe(engine: Engine, named: Record) -> Steps[Outcome]:
    """Go on with the id that a person answered, once the vendor has confirmed it."""
    try:
        checked = replace(named, id=(yield CheckId(named.id)))
        state = yield from _check(engine, checked)
    except (AuthenticationFailed, InvalidConnection):
        raise
    except PermanentError as error:  # the vendor may refuse to be asked about what is no id of its own
        yield Save(replace(named, id=None, refused=error.message))
        raise AnswerRefused(error.message) from None
    except TemporaryError as error:
        if engine.terms.fenced:
            raise
        # Without a record, a retry would not know of the answer, nor of the doubt.
        raise AnswerRefused(error.message) from None
    return (yield from _attach_or_restart(engine, checked, confirmed=state))


def _send_after_all(engine: Engine, doubt: Record) -> Steps[Outcome]:
    """Send what a person says is not there, unless the vendor shows it, or another one would do harm."""
    result = yield from engine.look_up.once(doubt, tolerant=True)
    if isinstance(result, Found):
        engine.messages.found(result.id)
        return (yield from engine.accept(doubt, result.id, "found"))
    if isinstance(result, Unknown) and result.forbids is not None:
        raise AnswerRefused(result.forbids.message)
    engine.messages.sending_after_all()
    # With the same mark, should the first request turn up after all.
    again = replace(engine.new, mark=doubt.mark or engine.new.mark, answer=doubt.answer)
    return (yield from engine.deliver(again, kept=None, again=True))


def _attach_or_restart(
    engine: Engine, record: Record, *, confirmed: RunState | None = None
) -> Steps[Outcome]:
    ours = record.id_from_person or record.generation == engine.new.generation
    if record.id_from_person:
        state = confirmed or (yield from _check(engine, record))
        record = yield from _take_over(engine, record)
    else:
        state = yield from _state_of(record, tolerant=ours)
    match decide(Memory.OURS if ours else Memory.EARLIER, run=state.run, policy=engine.terms.policy):
        case Action.STOP_AT_FAILURE:
            raise engine.messages.ended_badly(record, state.detail)
        case Action.STOP_AT_GAP:
            raise engine.messages.gone(record, state.detail)
        case Action.START:
            engine.messages.restarting(record, state)
            return (yield from engine.deliver(engine.new, kept=record, again=True))
    engine.messages.attached(record, state)
    if not ours:
        record = yield from _take_over(engine, record)
    return Outcome(record.id, "there")


def _check(engine: Engine, record: Record) -> Steps[RunState]:
    """
    Return the state for an id that a person wrote; until the vendor confirms it, the record stays as it is.

    :raises InvalidInput: the vendor does not know the id
    :raises WorkflowError: the vendor does not say whether it knows the id
    """
    engine.messages.id_from_person(record)
    try:
        state: RunState = yield Check(record.id)
    except WorkflowError as error:
        raise engine.messages.unchecked_id(record, error) from None
    if state.run is Run.GONE:
        raise engine.messages.unknown_id(record, state.detail)
    if state.run is Run.UNKNOWN:
        engine.messages.unconfirmed(record)
    return state


def _take_over(engine: Engine, record: Record) -> Steps[Record]:
    """Save an id for this generation; if that fails, a retry does it."""
    accepted = record.accept(record.id, at=record.accepted_at or engine.clock.time())
    accepted = replace(accepted, target=engine.described(record).target, generation=engine.new.generation)
    yield Save(accepted)
    return accepted


def _state_of(record: Record, *, tolerant: bool) -> Steps[RunState]:
    """
    Ask for a run's state.

    :param tolerant: go on without an answer, since any answer leads to attaching or failing
    """
    try:
        state: RunState = yield Check(record.id)
    except WorkflowError as error:
        if not tolerant and isinstance(error, (TemporaryError, AuthenticationFailed, InvalidConnection)):
            raise
        return RunState(Run.UNKNOWN, error.message)
    return state
