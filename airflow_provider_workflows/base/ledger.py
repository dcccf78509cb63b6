"""Writing down what is done once, so that it outlives the process: the record in the task state store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.base.record import KEY, STEP_KEY, Record, read_record
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.wording import ADVICE
from airflow_provider_workflows.protocol.errors import InvalidInput, OutcomeUnknown

log = logging.getLogger(__name__)

#: How often the id is offered to the state store before the attempt fails naming it.
STORE_ATTEMPTS = 4


class Ledger:
    """
    One task instance's record, as it is known and as it is kept.

    :param context: the task's context
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._state = TaskState(context)
        #: What is known so far.
        self.record: Record | None = None

    @property
    def generation(self) -> int:
        """The task instance's present generation."""
        return self._state.generation

    @property
    def is_retry(self) -> bool:
        """Whether there has been an attempt before this one."""
        return self._state.attempt > 1

    def load(self, adopt: Callable[[Any], Any]) -> Record | None:
        """
        Return what earlier attempts have left.

        :param adopt: reads an id that a person has written
        :raises InvalidInput: it cannot be read
        """
        found = self._state.load(KEY)
        if found is None:
            # Version 0.1 kept moves elsewhere than where a person is told to find them.
            found = self._state.rename(STEP_KEY, KEY)
        if found is None:
            return None
        try:
            record = read_record(found)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"The record {KEY!r} in this task's state store cannot be read: {error}. Nothing is sent"
            ) from None
        self.record = replace(record, id=adopt(record.id)) if record.handed_over else record
        return self.record

    def write(self, record: Record) -> Record:
        """Write a record as one of this generation."""
        self.record = record = replace(record, generation=self.generation)
        self._state.save(KEY, record.to_json())
        return record

    def lose(self, record: Record) -> Record:
        """Write down when an answer was given up; without it a new attempt only waits for longer."""
        self.record = record = replace(record, lost_at=time.time())
        try:
            return self.write(record)
        except Exception as error:
            log.warning(
                "%s: Airflow's state store did not note that the answer is lost (%s). Going on",
                record.subject,
                type(error).__name__,
            )
            return record

    def take_back(self, before: Record | None) -> None:
        """Put back what was known before an intent that has surely come to nothing."""
        intent, self.record = self.record, before
        try:
            if before is not None:
                self._state.save(KEY, before.to_json())
            else:
                self._state.forget(KEY)
        except Exception as error:
            # What the vendor said is worth more; the intent that stays is settled by the next attempt.
            log.warning(
                "%s: nothing came of it, but Airflow's state store still shows it as begun (%s). The next "
                "attempt asks the vendor first",
                intent.subject if intent is not None else "A request",
                type(error).__name__,
            )

    def keep(self, record: Record) -> Record:
        """
        Write a record whose id was just learned.

        :raises OutcomeUnknown: the store does not take it; the message names the id
        """
        for attempt in range(1, STORE_ATTEMPTS + 1):
            try:
                return self.write(record)
            except Exception as error:
                if attempt == STORE_ATTEMPTS:
                    raise OutcomeUnknown(
                        f"Done: {record.subject}, id {record.id}, but Airflow's state store did not take it "
                        f"({type(error).__name__}), so that no retry would know of it. {ADVICE}"
                    ) from error
                time.sleep(attempt)
        raise AssertionError("the last attempt returns or raises")
