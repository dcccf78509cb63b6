"""An upsert that adds references: sent once, and again only after reading back what is linked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.submission import Step
from airflow_provider_workflows.protocol.errors import OutcomeUnknown, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.mybpm.boi import Boi
    from airflow_provider_workflows.mybpm.hook import MyBPMHook
    from airflow_provider_workflows.mybpm.upserting import Upsert

log = logging.getLogger(__name__)


class Linking:
    """
    One task instance's upsert with references to add, whose values alone could be sent any number of times.

    :param context: the task's context
    :param settle: seconds after a lost answer until what is linked is read back, lest the request be still
        under way; more than the connection's timeout
    """

    def __init__(self, context: Mapping[str, Any], hook: MyBPMHook, wanted: Upsert, *, settle: float) -> None:
        self._step = Step(context)
        self._memory = TaskState(context)
        self._hook = hook
        self._wanted = wanted
        self._settle = settle

    def run(self) -> Boi:
        """
        Return the instance, with all references as wanted.

        :raises OutcomeUnknown: the answer was lost, twice, or what is linked cannot be read back
        """
        if self._step.done:
            boi_id = self._step.result["boi_id"]
            log.info("An earlier attempt wrote %s/%s; nothing is sent", self._wanted.bo_code, boi_id)
            return self._hook.load(self._wanted.bo_code, boi_id)
        if self._step.baseline is not None or self._may_have_been_sent:
            return self._again(settle=self._settle)
        if self._step.earlier is not None:
            # Cleared after it was done: nothing is under way, but the references may be there.
            return self._again(settle=0)
        try:
            return self._send(self._wanted)
        except OutcomeUnknown as error:
            log.warning("Reading back after %.0f s what is linked: %s", self._settle, error)
            return self._again(settle=self._settle)
        except WorkflowError:
            self._step.forget()
            raise

    @property
    def _may_have_been_sent(self) -> bool:
        """Before Airflow 3.3 no attempt knows what the ones before it did."""
        return not self._memory.lasting and self._memory.attempt > 1

    def _again(self, *, settle: float) -> Boi:
        """Write the values, which may be done twice, and only those references that are not yet as wanted."""
        values = self._wanted.without_references()
        boi = self._hook.run(lambda api: api.send_later(values, settle=settle))
        known = replace(self._wanted, boi_id=boi.boi_id)
        pending = self._hook.run(lambda api: api.pending(known))
        if pending.add or pending.remove:
            # Refused or not, the intent stays: what was linked before must be read back the next time too.
            return self._send(pending)
        return self._finish(boi)

    def _send(self, upsert: Upsert) -> Boi:
        self._intend()
        return self._finish(self._hook.run(lambda api: api.send(upsert, repeatable=False)))

    def _intend(self) -> None:
        self._step.intend({"bo_code": self._wanted.bo_code, "boi_id": self._wanted.boi_id})

    def _finish(self, boi: Boi) -> Boi:
        self._step.finish({"boi_id": boi.boi_id})
        return boi
