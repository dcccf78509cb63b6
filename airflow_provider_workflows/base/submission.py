"""
Starting something once: the intent is written before the request, the remote id after it.

This is the simple half of exactly-once: a new attempt attaches to the run whose id is stored, and one that
finds an intent without an id sends nothing but looks for the run by its mark or asks a person. What to do
with a doubt beyond that is decided here and nowhere else.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.protocol.errors import OutcomeUnknown, WorkflowError

log = logging.getLogger(__name__)

KEY = "workflow_submission"
FORMAT = 1
#: How often the remote id is offered to the state store before the attempt fails naming it.
STORE_ATTEMPTS = 4


class Submission:
    """
    One task instance's start of one remote run.

    :param context: the task's context
    :param subject: what is started, in words, such as ``"an order of purchase"``
    """

    def __init__(self, context: Mapping[str, Any], *, subject: str) -> None:
        self._state = TaskState(context)
        self._subject = subject
        self._record = self._state.load(KEY) or {}
        if not self._of_this_generation() and "id" in self._record:
            log.info("This task was cleared after it had started %s; it starts anew", self._record["id"])
            self._record = {}
        if not self._state.lasting:
            log.warning("Before Airflow 3.3 nothing outlives an attempt: a retry starts %s again", subject)
        self.mark: str = self._record.get("mark") or make_mark(context)

    def once(
        self, submit: Callable[[str], Any], *, look_up: Callable[[str], Any | None] | None = None
    ) -> Any:
        """
        Return the remote id: the stored one, or that of what ``submit`` starts now.

        :param submit: sends the once-only request, given the mark, and returns the remote id
        :param look_up: finds a run by its mark; None if the mark was given no place at the vendor
        :raises OutcomeUnknown: an earlier attempt may have started a run that cannot be found
        """
        if "id" in self._record:
            log.info("Attaching to %s, started by an earlier attempt; nothing is sent", self._record["id"])
            return self._record["id"]
        if self._record:
            return self._settle(look_up)
        self._write({"mark": self.mark, "intended_at": time.time()})
        try:
            remote_id = submit(self.mark)
        except OutcomeUnknown:
            raise
        except WorkflowError:
            # Refused, or never sent: nothing was started, so the next attempt may start afresh.
            self._state.forget(KEY)
            raise
        self._accept(remote_id)
        return remote_id

    def _settle(self, look_up: Callable[[str], Any | None] | None) -> Any:
        found = look_up(self.mark) if look_up is not None else None
        if found is None:
            begun = datetime.fromtimestamp(self._record.get("intended_at", 0), tz=UTC)
            where = "" if look_up is not None else ", which this start could not give the vendor,"
            raise OutcomeUnknown(
                f"An earlier attempt was about to start {self._subject} and never learned whether it did. "
                f"Nothing is sent again. Look at the vendor for a run with the mark {self.mark!r}{where} "
                f"or begun at about {begun:%Y-%m-%d %H:%M:%S} UTC; if there is none, delete the key {KEY!r} "
                "from this task's state store and clear the task"
            )
        log.info("Found %s by its mark %r; nothing is sent", found, self.mark)
        self._accept(found)
        return found

    def _accept(self, remote_id: Any) -> None:
        # Logged before it is stored: if the process dies in between, a person still finds the id.
        log.info("Started %s: remote id %s", self._subject, remote_id)
        record = {"mark": self.mark, "id": remote_id, "accepted_at": time.time()}
        for attempt in range(1, STORE_ATTEMPTS + 1):
            try:
                return self._write(record)
            except Exception as error:
                if attempt == STORE_ATTEMPTS:
                    raise OutcomeUnknown(
                        f"Started {self._subject} with remote id {remote_id}, but Airflow's state store "
                        f"did not take it ({type(error).__name__}); a retry would not know of it"
                    ) from error
                time.sleep(attempt)

    def _of_this_generation(self) -> bool:
        return bool(self._record.get("generation") == self._state.generation)

    def _write(self, record: dict[str, Any]) -> None:
        self._state.save(KEY, {"format": FORMAT, **record})


class Step:
    """
    One task instance's single move of an existing run: what it was about to do, and whether it did.

    The baseline is what was read of the run right before sending. An attempt that finds an intent compares it
    with the run as it is now, and so learns whether the move was made.

    :param context: the task's context
    """

    KEY = "workflow_step"

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._state = TaskState(context)
        self._record = self._state.load(self.KEY) or {}

    @property
    def done(self) -> bool:
        """Whether an earlier attempt of this generation made the move."""
        return "result" in self._record and self._record.get("generation") == self._state.generation

    @property
    def result(self) -> Any:
        """What the move that was made returned."""
        return self._record["result"]

    @property
    def earlier(self) -> Any | None:
        """What the move returned when it was last made, in whatever generation; None if it never was."""
        return self._record.get("result")

    @property
    def baseline(self) -> dict[str, Any] | None:
        """What an earlier attempt, of whatever generation, had read before a move of unknown outcome."""
        return self._record.get("baseline") if "result" not in self._record else None

    def intend(self, baseline: dict[str, Any]) -> None:
        """Write down what is about to be done; before the request is sent."""
        self._write({"baseline": baseline})

    def finish(self, result: Any) -> Any:
        """Write down that it is done, and return the result, which must be JSON values and small."""
        self._write({"result": result})
        return result

    def forget(self) -> None:
        """Take the intent back: the move was refused, or never sent."""
        self._state.forget(self.KEY)
        self._record = {}

    def _write(self, record: dict[str, Any]) -> None:
        self._record = {**record, "generation": self._state.generation}
        self._state.save(self.KEY, {"format": FORMAT, **record})


def make_mark(context: Mapping[str, Any]) -> str:
    """Return a new mark: readable, unique, of letters, digits and hyphens, at most 64 characters."""
    ti = context.get("ti")
    names = [str(getattr(ti, name, "") or "") for name in ("dag_id", "task_id")]
    readable = "-".join("".join(c if c.isalnum() and c.isascii() else "-" for c in name) for name in names)
    return f"af-{readable[:44]}-{uuid.uuid4().hex[:12]}"
