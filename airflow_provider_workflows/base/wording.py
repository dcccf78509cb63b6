"""What a person is told of a submission or wait: what goes on or is in doubt, where to look, how to go on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_workflows.base.record import KEY, Record
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    RunFailed,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.base.condition import Condition
    from airflow_provider_workflows.base.effect import Effect

#: How a person goes on after a doubt.
ADVICE = (
    f'If it is there, write its id as "id" into the record {KEY!r} of this task\'s state store and clear the '
    "task, or mark it as a success; if it is not, delete the record and clear the task. With "
    "on_lost_answer='resubmit' a task sends again by itself"
)
#: The same before Airflow 3.3, where there is no record.
ADVICE_WITHOUT_STORE = (
    "If it is there, mark the task as a success; if it is not, clear the task. With "
    "on_lost_answer='resubmit' a task sends again by itself"
)
#: How a person goes on after a run that ended badly.
RERUN_ADVICE = (
    "With on_failed_run='rerun' the task's next attempt begins another one; to have another one now, clear "
    "the task"
)
#: The same before Airflow 3.3, for a run that carries a mark.
RERUN_ADVICE_WITHOUT_STORE = (
    "Before Airflow 3.3 the task's next attempt would only find the same one by its mark, so that there is "
    "none; to have another one, clear the task"
)


def moment(record: Record) -> str:
    """Return when it was first sent."""
    date = datetime.fromtimestamp(record.intended_at, tz=UTC)
    return f"of about {date:%Y-%m-%d %H:%M:%S} UTC" if record.intended_at else "of an earlier attempt"


def whereabouts(hint: str, record: Record, *, marked: bool) -> str:
    """
    Return what to look for at the vendor, in a sentence.

    :param hint: what it is, and where it is to be found
    :param marked: whether the vendor was given the mark
    """
    mark = f" with the mark {record.mark!r}" if marked else ""
    return f"Look at the vendor for {hint or 'it'} {moment(record)}{mark}."


def search(effect: Effect, record: Record) -> str:
    """Return what to look for at the vendor for an effect's sake, in a sentence."""
    return whereabouts(effect.hint, record, marked=effect.carries_mark)


def goes_on(effect: Effect, record: Record | None) -> str:
    """Return what goes on at the vendor when a task is killed."""
    if record is None:
        return f"Nothing was sent: {effect.subject}"
    if record.id is None:
        return (
            f"A request may be under way: {effect.subject}. {search(effect, record)} A new attempt looks for "
            "it before it sends anything"
        )
    if not effect.begins_run:
        return f"Done before: {effect.subject}, id {record.id}"
    return (
        f"{effect.subject}, id {record.id}, goes on at the vendor: it cannot be cancelled from here, and "
        f"nothing is sent. Look at the vendor for {effect.hint or record.id}"
    )


def waits_no_longer(condition: Condition, *, vendor: str, place: str) -> str:
    """
    Return what goes on at the vendor when a wait is killed.

    :param place: where a person finds it
    """
    where = f", {place}" if place else ""
    return (
        f"No longer waiting for {condition}; {condition.remote_id} goes on at {vendor}{where}. It cannot be "
        "cancelled from here, and nothing is sent"
    )


def doubt(
    effect: Effect, record: Record, lost: OutcomeUnknown | None, *, why: str, advice: str
) -> WorkflowError:
    """
    Return the error that leaves a doubt to a person.

    :param lost: how this attempt lost the answer, if it was this one
    :param why: why it cannot be known
    :param advice: how a person goes on
    """
    lost = lost or OutcomeUnknown("an earlier attempt broke off")
    return lost.retold(
        f"{effect.subject}: whether it happened is not known ({lost.message}), because {why}. "
        f"Nothing is sent again. {search(effect, record)} {advice}"
    )


def other_doubt(effect: Effect, record: Record) -> OutcomeUnknown:
    """Return the error for a doubt about something else than the task wants now."""
    return OutcomeUnknown(
        f"{record.subject}: an earlier attempt broke off, and whether it happened is not known. "
        f"{_wants(effect, record)}. Nothing is sent. Look at the vendor for {record.subject} "
        f"{moment(record)}, with the mark {record.mark!r} if it took one. Once that is settled, delete the "
        f"record {KEY!r} from this task's state store and clear the task"
    )


def other_done(effect: Effect, record: Record) -> InvalidInput:
    """Return the error for a task that has done something else than it wants now."""
    return InvalidInput(
        f"An earlier attempt of this task did {record.subject}, id {record.id}. {_wants(effect, record)}. "
        f"Nothing is sent. If that is meant, delete the record {KEY!r} from this task's state store and "
        "clear the task"
    )


def _wants(effect: Effect, record: Record) -> str:
    if effect.subject == record.subject:
        return "This task's connection now leads to another server or account"
    return f"This task now wants {effect.subject}"


def lost_track(message: str) -> WorkflowError:
    """
    Return the error for what the task's next attempt is to find out.

    :param message: one or more sentences
    """
    return LostTrack(f"{message.removesuffix('.')}. A retry asks again")


def unknown_id(record: Record, detail: str) -> InvalidInput:
    """
    Return the error for an id that a person has written and the vendor does not know.

    :param detail: what the vendor says
    """
    return InvalidInput(
        f"The id {record.id!r}, which a person has written into the record {KEY!r} of this task's state "
        f"store, is not known to the vendor: {detail}. Nothing is sent. Correct it and clear the task"
    )


def unchecked_id(record: Record, error: WorkflowError) -> WorkflowError:
    """
    Return the error for an id that a person has written and of which the vendor does not say if it knows it.

    :param error: how the vendor answered
    """
    return error.retold(
        f"Whether the vendor knows the id {record.id!r}, which a person has written into the record {KEY!r} "
        f"of this task's state store, could not be asked: {error.message}. Nothing is sent"
    )


def not_known(effect: Effect, record: Record, detail: str) -> LostTrack:
    """
    Return the error for a run that an earlier attempt began and the vendor does not know.

    :param detail: what the vendor says
    """
    return LostTrack(
        f"{record.id} ({effect.subject}), which an earlier attempt began, is not known to the vendor, or to "
        f"what answers for it now: {detail}. Nothing is sent; a retry asks again. If it is surely over, "
        f"delete the record {KEY!r} from this task's state store and clear the task, which then begins "
        "another one"
    )


def ended_badly(effect: Effect, record: Record, detail: str) -> RunFailed:
    """
    Return the error for a run that an earlier attempt began.

    :param detail: what the vendor says of its end
    """
    return RunFailed(
        f"{record.id} ({effect.subject}), which an earlier attempt began, has ended badly: {detail}. Nothing "
        f"is sent. {RERUN_ADVICE}"
    )
