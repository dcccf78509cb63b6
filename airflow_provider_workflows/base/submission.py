"""
A submission that remembers: what a task's new attempt finds of those before it, and what it does about it.

The state store outlives the attempt (Airflow 3.3), and a Clear. For Airflow before it see
:mod:`~airflow_provider_workflows.base.storeless`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.base import metrics, wording
from airflow_provider_workflows.base.decision import Action, Memory, Run, RunState, decide
from airflow_provider_workflows.base.delivery import Delivery
from airflow_provider_workflows.base.record import KEY, Record, fingerprint
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    InvalidConnection,
    TemporaryError,
    WorkflowError,
)

log = logging.getLogger(__name__)


class Submission(Delivery):
    """One task instance's single effect at a vendor, by the record in the task state store."""

    def run(self) -> Any:
        """
        Make it happen, unless it has, and return the vendor's id for it.

        :raises InvalidInput: the record in the state store cannot be read; nothing was sent
        :raises RunFailed: what an earlier attempt began has ended badly
        :raises RunTimedOut: the deadline had passed before anything was sent
        :raises OutcomeUnknown: it may have happened, and the vendor does not tell
        :raises LostTrack: it may have happened, and the vendor does not answer, or does not know of it; a
            retry asks again
        :raises WorkflowError: the vendor refused, or nothing could be sent
        """
        record = self._ledger.load(self._effect.adopt)
        if record is None:
            return self._send(self._new())
        if record.target not in ("", self._target(record.mark)) and not record.handed_over:
            return self._elsewhere(record)
        self._compare(record)
        if record.id is None:
            return self._resolve(record)
        return self._attach_or_restart(record)

    def _attach_or_restart(self, record: Record) -> Any:
        handed_over = record.handed_over
        ours = handed_over or record.generation == self._ledger.generation
        state = self._check(record) if handed_over else self._state_of(record.id, forgiving=ours)
        if handed_over:
            record = self._adopt(record)
        action = decide(Memory.OURS if ours else Memory.EARLIER, run=state.run, policy=self._policy)
        if action is Action.STOP_AT_FAILURE:
            raise wording.ended_badly(self._effect, record, state.detail)
        if action is Action.STOP_AT_GAP:
            raise wording.not_known(self._effect, record, state.detail)
        if action is Action.START:
            log.info(
                "%s, id %s, which an earlier attempt began: %s. Beginning another",
                self._effect.subject,
                record.id,
                state.run.value,
            )
            return self._send(self._new(), again=True)
        if state.run is Run.UNKNOWN:
            log.warning(
                "How %s, id %s, stands is not known; it counts as alive: %s",
                self._effect.subject,
                record.id,
                state.detail,
            )
        metrics.ATTACHED.count(vendor=self._vendor)
        log.info(
            "Going on with %s, id %s; nothing is sent. To have another one, delete the key %r from this "
            "task's state store and clear the task",
            self._effect.subject,
            record.id,
            KEY,
        )
        return record.id if ours else self._adopt(record).id

    def _check(self, record: Record) -> RunState:
        """
        Return how that stands whose id a person has written; until the vendor shows it, it stays theirs.

        :raises InvalidInput: the vendor does not know it
        :raises WorkflowError: the vendor does not say whether it does
        """
        log.info("Going by the id %s, which a person wrote into the record %r", record.id, KEY)
        try:
            state = self._effect.state(record.id)
        except WorkflowError as error:
            raise wording.unchecked_id(record, error) from None
        if state.run is Run.GONE:
            raise wording.unknown_id(record, state.detail)
        return state

    def _adopt(self, record: Record) -> Record:
        """Make an id known as this generation's; if that fails, a retry does it."""
        accepted = record.accept(record.id, at=record.accepted_at or time.time())
        return self._ledger.write(replace(accepted, target=self._target(record.mark)))

    def _elsewhere(self, record: Record) -> Any:
        """
        Act on a record of something else than this task wants now, of which its effect can ask nothing.

        :raises OutcomeUnknown: the other thing is in doubt
        :raises InvalidInput: the other thing was done, and was to be done once
        """
        if record.id is None:
            raise wording.other_doubt(self._effect, record)
        if self._effect.begins_run or record.generation == self._ledger.generation:
            raise wording.other_done(self._effect, record)
        log.info(
            "Done before: %s, id %s; now to be done: %s", record.subject, record.id, self._effect.subject
        )
        return self._send(self._new(), again=True)

    def _state_of(self, id: Any, *, forgiving: bool) -> RunState:
        """
        Ask how a run stands.

        :param forgiving: the answer can only lead to attaching or failing, so none is needed
        """
        try:
            return self._effect.state(id)
        except WorkflowError as error:
            if not forgiving and isinstance(error, (TemporaryError, AuthenticationFailed, InvalidConnection)):
                raise
            return RunState(Run.UNKNOWN, error.message)

    def _compare(self, record: Record) -> None:
        now = fingerprint(self._effect.payload, mark=record.mark)
        if record.payload and record.payload != now:
            log.warning(
                "%s: the values have changed since an earlier attempt; as long as what that one sent is not "
                "over, it is what counts, and the new values are not sent",
                self._effect.subject,
            )
