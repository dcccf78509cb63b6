"""Writing an instance, once or as often as it takes until an answer comes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.record import fingerprint
from airflow_provider_workflows.mybpm.values import check_id
from airflow_provider_workflows.protocol.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.mybpm.boi import Boi
    from airflow_provider_workflows.mybpm.hook import MyBPMHook
    from airflow_provider_workflows.mybpm.upserting import Upsert


class BoiUpsert(Effect):
    """
    An upsert; what is stored of it is the instance's id.

    :param wanted: what is written
    """

    def __init__(self, hook: MyBPMHook, wanted: Upsert) -> None:
        self._hook = hook
        self._wanted = wanted
        self.payload = wanted.body()
        self.subject = f"the upsert of {wanted.bo_code}" + (f"/{wanted.boi_id}" if wanted.boi_id else "")
        #: The instance as the server answered; None if this attempt has not written it.
        self.written: Boi | None = None

    def submit(self, record: Record, *, again: bool) -> str:
        """Write the instance, and return its id."""
        return self._done(self._send(self._wanted))

    def adopt(self, id: Any) -> str:
        """
        Return the id of an instance that MyBPM shows.

        :raises InvalidInput: it is none, or MyBPM does not know the instance
        """
        boi_id = self.read_id(id)
        try:
            self._hook.load(self._wanted.bo_code, boi_id)
        except NotFound as error:
            raise InvalidInput(
                f"MyBPM has no instance {self._wanted.bo_code}/{boi_id}, which the record in this task's "
                f"state store names: {error.message}. Nothing is sent"
            ) from None
        return boi_id

    def read_id(self, id: Any) -> str:
        """
        Return an instance's id: as it is, behind its object's code, or as version 0.1 kept it.

        :raises InvalidInput: it is none
        """
        if isinstance(id, Mapping):
            id = id.get("boi_id")
        if isinstance(id, str):
            # With the code in front of it, it is in the task's XCom and log.
            id = id.strip().removeprefix(f"{self._wanted.bo_code}/")
        return check_id(id, "The id in the task's state store")

    def _send(self, upsert: Upsert) -> Boi:
        # Not repeatable, so that the transport leaves a lost answer to the base, which waits first.
        return self._hook.run(lambda api: api.send(upsert, repeatable=False))

    def _done(self, boi: Boi) -> str:
        self.written = boi
        return boi.boi_id


class OnceUpsert(BoiUpsert):
    """
    An upsert of which a second sending could make a second instance.

    :param reason: why it could
    """

    def __init__(self, hook: MyBPMHook, wanted: Upsert, *, reason: str) -> None:
        super().__init__(hook, wanted)
        self.hint = f"an instance of the business object {wanted.bo_code} with this task's field_values"
        self._reason = reason

    def look_up(self, record: Record) -> Trace:
        """No field is known by whose value the instance could be told from another task's."""
        return CannotKnow(f"nothing tells its instance from others of {self._wanted.bo_code}: {self._reason}")


class RepeatableUpsert(BoiUpsert):
    """
    An upsert that may be sent any number of times, since it names its instance.

    :param unique_field: by whose value it does so, if not by ``boi_id``
    """

    repeatable: ClassVar[bool] = True

    def __init__(self, hook: MyBPMHook, wanted: Upsert, *, unique_field: str | None) -> None:
        super().__init__(hook, wanted)
        self._target = wanted.target(unique_field)
        which = f"with boiId {wanted.boi_id}" if wanted.boi_id else f"with this task's {unique_field}"
        self.hint = f"the instance of the business object {wanted.bo_code} {which}"

    def baseline(self) -> dict[str, str]:
        """Return which instance is named, as a fingerprint: the value may be a person's number."""
        return seal(self._target, salt=uuid.uuid4().hex[:12])

    def look_up(self, record: Record) -> Trace:
        """
        Tell whether sending again is safe.

        :class:`Absent` whether or not it has arrived: with ``boiId`` or the same value of a unique field the
        call updates the instance that the first one wrote (vendor documentation), so that no second one can
        come of it. Not so if it names another one by now, as a template that reads the time makes it do.
        """
        if is_sealed(self._target, record.baseline):
            return Absent("a repetition changes the same instance")
        return CannotKnow(
            "what an earlier attempt sent need not have named the instance that this task's values name now, "
            "so that sending them could write a second one"
        )


def seal(target: Sequence[str], *, salt: str) -> dict[str, str]:
    """Return a fingerprint of what names an instance, and the salt that it was made with."""
    return {"salt": salt, "target": fingerprint(list(target), mark=salt)}


def is_sealed(target: Sequence[str], baseline: Any) -> bool:
    """Tell whether a baseline is that of a target; not if that cannot be told."""
    if not isinstance(baseline, Mapping) or not isinstance(baseline.get("salt"), str):
        return False
    return seal(target, salt=baseline["salt"]) == baseline
