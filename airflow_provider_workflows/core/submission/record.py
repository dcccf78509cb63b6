"""
What a task writes down about the one thing it does at a vendor; readable by a person in Airflow's UI.

A store keeps the record: Airflow's task state store, a mark that can be derived again, or nothing at all.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.exceptions import InvalidInput

#: Name of the record in the task state store.
KEY = "workflow_submission"
#: Raised whenever the meaning of a field changes; :meth:`Record.from_json` then reads both.
FORMAT = 2

#: What a person says about a request in doubt: that it took effect, that it did not and is to be sent again,
#: or neither.
Verdict = Literal["there", "not there", "give up"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    A person's answer to a doubt.

    :param verdict: what the person says; None if the answer cannot be used
    :param id: what the vendor calls it, if the person says so
    :param by: who answered
    :param at: when, as ISO text
    :param problem: why the answer cannot be used
    """

    verdict: Verdict | None
    id: str | None = None
    by: str = ""
    at: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the answer as small JSON values; what is not known is left out."""
        return {name: value for name, value in vars(self).items() if value}


class AnswerRefused(Exception):
    """A person's answer cannot be believed, for the reason in the text; the doubt stays."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """
    An intent, and what came of it.

    :param mark: readable text, unique to this intent, that goes along where the vendor has a place for it
    :param generation: the task instance's life between two Clears, as ``TaskState`` counts
    :param subject: what is done, in words
    :param payload: fingerprint of what is sent
    :param target: fingerprint of what is done at which vendor's account
    :param mark_place: fingerprint of where the mark is to be found; empty if the vendor was not given it
    :param intended_at: Unix time right before the request was first sent
    :param lost_at: Unix time when its answer was given up; None if no attempt lived to see that
    :param baseline: JSON values read at the vendor right before sending
    :param note: JSON values that a lost answer told all the same, for looking it up
    :param id: what the vendor calls it, or what the move returned; None as long as that is not known
    :param accepted_at: Unix time when the id was learned; None also if a person wrote the id into the record
    :param seal: fingerprint of the id that was learned, by which a person's later edit is noticed
    :param answer: the last answer of a person who was asked, as JSON values
    :param refused: why the last answer was not believed; empty if it was
    """

    mark: str
    generation: int
    subject: str = ""
    payload: str = ""
    target: str = ""
    mark_place: str = ""
    intended_at: float = 0.0
    lost_at: float | None = None
    baseline: Any = None
    note: Any = None
    id: object = None
    accepted_at: float | None = None
    seal: str = ""
    answer: Any = None
    refused: str = ""

    @property
    def id_from_person(self) -> bool:
        """Whether a person has written the id into the record."""
        if self.id is None:
            return False
        edited = bool(self.seal) and self.seal != fingerprint(self.id, mark=self.mark)
        return self.accepted_at is None or edited

    @property
    def moment(self) -> str:
        """When the request was first sent, in words."""
        date = datetime.fromtimestamp(self.intended_at, tz=UTC)
        return f"around {date:%Y-%m-%d %H:%M:%S} UTC" if self.intended_at else "by an earlier attempt"

    def accept(self, id: object, *, at: float) -> Record:
        """Return the record with the id that was learned at a Unix time."""
        return replace(self, id=id, accepted_at=at, seal=fingerprint(id, mark=self.mark))

    def to_json(self) -> dict[str, object]:
        """Return the record as small JSON values; what is not known is left out."""
        values: dict[str, object] = {
            "format": FORMAT,
            "subject": self.subject,
            "mark": self.mark,
            "payload": self.payload,
            "target": self.target or None,
            "mark_place": self.mark_place or None,
            "intended_at": self.intended_at,
            "lost_at": self.lost_at,
            "baseline": self.baseline,
            "note": self.note,
            "id": self.id,
            "accepted_at": self.accepted_at,
            "seal": self.seal or None,
            "answer": self.answer,
            "refused": self.refused or None,
            "generation": self.generation,
        }
        for name in ("intended_at", "lost_at", "accepted_at"):
            if (at := getattr(self, name)) is not None:
                values[name] = datetime.fromtimestamp(at, tz=UTC).isoformat()
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Record:
        """
        Read a record.

        :raises ValueError: it was written by another version of this package, or a person has spoilt it
        """
        if (written := data.get("format", FORMAT)) != FORMAT:
            raise ValueError(f"another version of this package wrote it, in format {written!r}")
        return cls(
            mark=str(data.get("mark") or ""),
            generation=_whole(data.get("generation", -1)),
            subject=str(data.get("subject") or ""),
            payload=str(data.get("payload") or ""),
            target=str(data.get("target") or ""),
            mark_place=str(data.get("mark_place") or ""),
            intended_at=_time(data.get("intended_at")) or 0.0,
            lost_at=_time(data.get("lost_at")),
            baseline=data.get("baseline"),
            note=data.get("note"),
            id=data.get("id"),
            accepted_at=_time(data.get("accepted_at")),
            seal=str(data.get("seal") or ""),
            answer=data.get("answer"),
            refused=str(data.get("refused") or ""),
        )


def read_record(value: object) -> Record:
    """
    Read what the state store holds, where a person may have written: a record, its JSON as text, or an id.

    :raises ValueError: it cannot be read
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    # A person who writes nothing but the id means the same as one who writes it into the record.
    return Record.from_json(value if isinstance(value, dict) else {"id": value})


def derive_mark(context: Mapping[str, object], *, namespace: str) -> str:
    """
    Return a mark of a task instance's generation; the same for the same namespace.

    :param namespace: text that makes the mark unique. Without a store it is the connection's, which tells
        apart installations of Airflow that share a vendor's account
    :returns: readable, of letters, digits and hyphens, at most 64 characters
    """
    ti = context.get("ti")
    names = ("dag_id", "run_id", "task_id", "map_index", "max_tries")
    dag_id, run_id, task_id, *numbers = (str(getattr(ti, name, "")) for name in names)
    return mark_of([namespace, dag_id, run_id, task_id, *numbers], names=[dag_id, task_id])


def mark_of(parts: Sequence[str], *, names: Sequence[str]) -> str:
    """
    Return the mark that follows from parts; the same for the same parts.

    :param names: what a person reads in it
    """
    plain = "-".join("".join(c if c.isalnum() and c.isascii() else "-" for c in name) for name in names)
    return f"af-{plain[:44]}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


#: Made once, since many records are hashed.
_CANONICAL = json.JSONEncoder(sort_keys=True, default=str)


def fingerprint(payload: object, *, mark: str) -> str:
    """
    Return a short hash by which a changed payload is noticed.

    :param mark: mixed in, so that the same values of two tasks do not look alike to who reads the records
    """
    text = _CANONICAL.encode([mark, payload])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)):
        try:
            datetime.fromtimestamp(value, tz=UTC)
        except (OverflowError, OSError):
            raise ValueError(f"{value!r} is not a Unix time") from None
        return float(value)
    date = datetime.fromisoformat(str(value))
    return _time((date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp())


def _whole(value: Any) -> int:
    try:
        return int(value)
    except OverflowError:
        raise ValueError(f"{value!r} is not a whole number") from None


class StoreFailed(Exception):
    """
    A store could not save or delete a record.

    :param error: the store's error
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Store(ABC):
    """What a submission remembers."""

    #: Whether it outlives the attempt.
    lasting: ClassVar[bool] = False
    #: What is known so far; what a task that is killed goes by.
    record: Record | None = None

    @abstractmethod
    def load(self) -> Record | None:
        """
        Return what earlier attempts have left.

        :raises InvalidInput: it cannot be read
        """

    def save(self, record: Record | None) -> None:
        """
        Write a record, or forget what is there.

        :raises StoreFailed: it could not be done
        """
        self.record = record


class TaskStateStore(Store):
    """
    The record in the task state store (Airflow 3.3), which outlives the attempt, and a Clear.

    Each attempt has an identity of its own there: a write of one that a newer one has followed is refused.
    """

    lasting: ClassVar[bool] = True

    def __init__(self, state: TaskState) -> None:
        self._state = state

    def load(self) -> Record | None:
        """Return what earlier attempts have left."""
        found = self._state.load(KEY)
        try:
            self.record = None if found is None else read_record(found)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"The record {KEY!r} in this task's state store cannot be read: {error}\nNothing was sent"
            ) from None
        return self.record

    def save(self, record: Record | None) -> None:
        """Write a record, or forget what is there."""
        self.record = record
        try:
            if record is None:
                self._state.forget(KEY)
            else:
                self._state.save(KEY, record.to_json())
        except Exception as error:
            raise StoreFailed(error) from error


class DerivedMarkStore(Store):
    """
    No store, before Airflow 3.3, but a mark that every attempt derives anew.

    :param doubted: what an earlier attempt may have sent with the mark; None if there was none
    """

    def __init__(self, doubted: Record | None) -> None:
        self._doubted = doubted

    def load(self) -> Record | None:
        """Return what an earlier attempt may have sent."""
        self.record = self._doubted
        return self.record


class NoStore(Store):
    """No memory at all, as of a callback."""

    def load(self) -> Record | None:
        """Return nothing."""
        return None
