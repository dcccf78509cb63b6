"""What a task writes down about the one thing it does at a vendor; readable by a person in Airflow's UI."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

#: Name of the record in the task state store.
KEY = "workflow_submission"
#: Where version 0.1 kept moves.
STEP_KEY = "workflow_step"
#: Raised whenever the meaning of a field changes; :meth:`Record.from_json` reads every format there was.
FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class Record:
    """
    An intent, and what came of it.

    :param mark: readable text, unique to this intent, that goes along where the vendor has a place for it
    :param generation: the task instance's life between two Clears, as ``TaskState`` counts
    :param subject: what is done, in words
    :param payload: fingerprint of what is sent
    :param target: fingerprint of what is done at which vendor's account
    :param place: fingerprint of where the mark is to be found; empty if the vendor was not given it
    :param intended_at: Unix time right before the request was first sent
    :param lost_at: Unix time when its answer was given up; None if no attempt lived to see that
    :param baseline: JSON values read at the vendor right before sending
    :param id: what the vendor calls it, or what the move returned; None as long as that is not known
    :param accepted_at: Unix time when the id was learned; None also if a person wrote the id into the record
    :param seal: fingerprint of the id that was learned, by which a person's later edit is noticed
    """

    mark: str
    generation: int
    subject: str = ""
    payload: str = ""
    target: str = ""
    place: str = ""
    intended_at: float = 0.0
    lost_at: float | None = None
    baseline: Any = None
    id: Any = None
    accepted_at: float | None = None
    seal: str = ""

    @property
    def handed_over(self) -> bool:
        """Whether a person has written the id into the record."""
        if self.id is None:
            return False
        edited = bool(self.seal) and self.seal != fingerprint(self.id, mark=self.mark)
        return self.accepted_at is None or edited

    def accept(self, id: Any, *, at: float) -> Record:
        """Return the record with the id that was learned at a Unix time."""
        return replace(self, id=id, accepted_at=at, seal=fingerprint(id, mark=self.mark))

    def to_json(self) -> dict[str, Any]:
        """Return the record as small JSON values; what is not known is left out."""
        values = {
            "format": FORMAT,
            "subject": self.subject,
            "mark": self.mark,
            "payload": self.payload,
            "target": self.target or None,
            "place": self.place or None,
            "intended_at": _date(self.intended_at),
            "lost_at": _date(self.lost_at),
            "baseline": self.baseline,
            "id": self.id,
            "accepted_at": _date(self.accepted_at),
            "seal": self.seal or None,
            "generation": self.generation,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """
        Read a record of any format.

        :raises ValueError: it was written by a newer version of this package, or a person has spoilt it
        """
        if (written := data.get("format", FORMAT)) not in (1, FORMAT):
            raise ValueError(
                f"the record in the state store is of format {written!r}, which this version of the package "
                "cannot read"
            )
        known = data.get("id", data.get("result"))
        accepted = _time(data.get("accepted_at"))
        if accepted is None and "result" in data:
            accepted = 0.0  # version 0.1 did not say when a step was done
        return cls(
            mark=str(data.get("mark") or ""),
            generation=_whole(data.get("generation", -1)),
            subject=str(data.get("subject") or ""),
            payload=str(data.get("payload") or ""),
            target=str(data.get("target") or ""),
            place=str(data.get("place") or ""),
            intended_at=_time(data.get("intended_at")) or 0.0,
            lost_at=_time(data.get("lost_at")),
            baseline=data.get("baseline"),
            id=known,
            accepted_at=accepted,
            seal=str(data.get("seal") or ""),
        )


def read_record(value: Any) -> Record:
    """
    Read what the state store holds, where a person may have written: a record, its JSON as text, or an id.

    :raises ValueError: it cannot be read
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    # A person who writes nothing but the id means the same as one who writes it into the record.
    return Record.from_json(value if isinstance(value, dict) else {"id": value})


def make_mark(context: Mapping[str, Any]) -> str:
    """Return a new mark: readable, unique, of letters, digits and hyphens, at most 64 characters."""
    return f"af-{_readable(_names(context))}-{uuid.uuid4().hex[:12]}"


def derive_mark(context: Mapping[str, Any], *, namespace: str) -> str:
    """
    Return the mark of a task instance's generation; the same whenever it is asked for.

    For Airflow before 3.3, which has nowhere to keep a random one.

    :param namespace: of the connection; tells apart installations of Airflow that share a vendor's account
    """
    ti = context.get("ti")
    names = ("dag_id", "run_id", "task_id", "map_index", "max_tries")
    parts = [namespace, *(str(getattr(ti, name, "")) for name in names)]
    return mark_of(parts, names=_names(context))


def mark_of(parts: Sequence[str], *, names: Sequence[str]) -> str:
    """
    Return the mark that follows from parts; the same for the same parts.

    :param names: what a person reads in it
    """
    return f"af-{_readable(names)}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]}"


def fingerprint(payload: Any, *, mark: str) -> str:
    """
    Return a short hash by which a changed payload is noticed.

    :param mark: mixed in, so that the same values of two tasks do not look alike to who reads the records
    """
    text = json.dumps([mark, payload], sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _names(context: Mapping[str, Any]) -> list[str]:
    ti = context.get("ti")
    return [str(getattr(ti, name, "") or "") for name in ("dag_id", "task_id")]


def _readable(names: Sequence[str]) -> str:
    plain = "-".join("".join(c if c.isalnum() and c.isascii() else "-" for c in name) for name in names)
    return plain[:44]


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC).isoformat()


def _time(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)):
        try:
            datetime.fromtimestamp(value, tz=UTC)
        except (OverflowError, OSError):
            raise ValueError(f"{value!r} is no Unix time") from None
        return float(value)
    date = datetime.fromisoformat(str(value))
    return _time((date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp())


def _whole(value: Any) -> int:
    try:
        return int(value)
    except OverflowError:
        raise ValueError(f"{value!r} is no whole number") from None
