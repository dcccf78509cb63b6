"""Doing something once on Airflow before 3.3, which has no store that outlives an attempt."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from airflow_provider_workflows.base import metrics
from airflow_provider_workflows.base.compat import exceptions
from airflow_provider_workflows.base.decision import CannotKnow, Found
from airflow_provider_workflows.base.delivery import Delivery
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.inquiry import place_of
from airflow_provider_workflows.base.record import Record, derive_mark
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.submission import Submission
from airflow_provider_workflows.base.wording import ADVICE_WITHOUT_STORE
from airflow_provider_workflows.protocol.errors import OutcomeUnknown, PermanentError, WorkflowError

log = logging.getLogger(__name__)

#: Why it is not known; a retry would know of no doubt, and send.
TIME_OVER = "the task's execution_timeout passed before an answer came"


class StorelessSubmission(Delivery):
    """
    A submission that remembers nothing, but derives its mark and asks the vendor for it before it sends.

    What carries no mark is sent once an attempt; a retry after a crash sends it again, which is said once
    unless it does no harm. A mark is that of the DAG run's id: of a run that was deleted and made again under
    its id it finds what the first one sent.

    :param namespace: of the connection; part of the mark
    :param terms: as :class:`~.delivery.Delivery` takes them
    """

    advice: ClassVar[str] = ADVICE_WITHOUT_STORE

    def __init__(
        self,
        context: Mapping[str, Any],
        effect: Effect,
        *,
        namespace: str,
        **terms: Any,
    ) -> None:
        super().__init__(context, effect, **terms)
        self._namespace = namespace

    def run(self) -> Any:
        """Make it happen, unless the vendor shows its mark, and return the vendor's id for it."""
        if not self._effect.carries_mark:
            if not self.retry_is_safe:
                _warn_of_gap(self._effect.subject)
            try:
                return self._send(self._new(), again=self._is_retry)
            except exceptions.AirflowTaskTimeout:
                if self._ledger.record is None or self.retry_is_safe:
                    raise
                raise self._inquiry.doubt(self._ledger.record, CannotKnow(TIME_OVER), None) from None
        mark = derive_mark(self._context, namespace=self._namespace)
        record = replace(self._new(), mark=mark, place=place_of(self._effect, mark))
        if self._is_retry:
            self._ledger.record = record
            return self._resolve(record)
        # Nothing of a first attempt's can be under way, so one look is enough; it is for the case that
        # Airflow has started the same attempt twice.
        found = self._find(record)
        if found is not None:
            metrics.ATTACHED.count(vendor=self._vendor)
            log.warning(
                "Found %s, id %s, by its mark %s; nothing is sent. If it is that of a DAG run of the same id "
                "which was deleted, clear the task to have another one",
                self._effect.subject,
                found.id,
                mark,
            )
            return self._accept(record, found.id)
        return self._send(record)

    def _lost_track(self, message: str) -> WorkflowError:
        if self.retry_is_safe:
            return super()._lost_track(message)
        # A retry would know of no doubt, and send.
        return OutcomeUnknown(f"{message}. There is no retry: {self.advice}")

    def _find(self, record: Record) -> Found | None:
        try:
            trace = self._effect.look_up(record)
        except PermanentError as error:
            log.warning("%s cannot be looked up by its mark, and is sent: %s", self._effect.subject, error)
            return None
        return trace if isinstance(trace, Found) else None

    @property
    def _is_retry(self) -> bool:
        return self._ledger.is_retry

    @property
    def in_doubt(self) -> bool:
        """Whether something may have been sent before, as every retry has to think."""
        return self._is_retry if self._ledger.record is None else super().in_doubt


def make_submission(context: Mapping[str, Any], effect: Effect, *, namespace: str, **terms: Any) -> Delivery:
    """
    Return the submission that this Airflow allows.

    :param terms: as :class:`~.delivery.Delivery` takes them
    """
    if TaskState(context).lasting:
        return Submission(context, effect, **terms)
    return StorelessSubmission(context, effect, namespace=namespace, **terms)


_warned_of_gap = False


def _warn_of_gap(subject: str) -> None:
    """Say once a process what Airflow before 3.3 cannot do."""
    global _warned_of_gap
    if not _warned_of_gap:
        _warned_of_gap = True
        log.warning(
            "%s: before Airflow 3.3 nothing outlives an attempt, so a retry after a crash sends it again. "
            "Set retries=0, or give the operator a place for its mark where it has one",
            subject,
        )
