"""
Writing an instance: exactly once, or repeatedly until an answer comes.

An upsert that adds references is sent again only after reading back which references are linked.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.submission.effect import Effect, LookupResult, NotSent, Unknown, Words
from airflow_provider_workflows.core.submission.record import fingerprint
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, OutcomeUnknown
from airflow_provider_workflows.mybpm.api.call import VENDOR
from airflow_provider_workflows.mybpm.api.upsert import Upsert, still_pending
from airflow_provider_workflows.mybpm.api.values import check_id

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.mybpm.api.boi import Boi
    from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
    from airflow_provider_workflows.mybpm.api.references import Reference


log = logging.getLogger(__name__)


class BoiUpsert(Effect["MyBPMApi"]):
    """
    An upsert; its record stores the instance's id.

    :param wanted: what to write
    """

    carries_mark = False

    def __init__(self, wanted: Upsert) -> None:
        self.wanted = wanted
        self.payload = wanted.body()
        self.subject = f"the upsert of {wanted.bo_code}" + (f"/{wanted.boi_id}" if wanted.boi_id else "")
        self.words = Words(
            vendor=VENDOR,
            verb="write",
            participle="written",
            noun=f"instance {wanted.bo_code}/{wanted.boi_id}"
            if wanted.boi_id
            else f"an instance of {wanted.bo_code}",
            look_in=f"the business object {wanted.bo_code} in {VENDOR}",
            look_for="the instance written",
            id="its boiId",
        )
        #: The instance in the server's answer; None if this attempt has not written it.
        self.written: Boi | None = None

    @property
    def turn(self) -> Hashable | None:
        """What names the instance; None if the upsert creates one of its own."""
        return self.wanted.boi_id

    def submit(self, api: MyBPMApi, record: Record, *, again: bool) -> Operation[str]:
        """Write the instance and return its id."""
        return self._done((yield from _send(api, self.wanted)))

    def check_id(self, api: MyBPMApi, id: Any) -> Operation[str]:
        """
        Return the id of an instance that a person wrote.

        :raises InvalidInput: it is not an id, or MyBPM does not know the instance
        """
        boi_id = self.read_id(id)
        try:
            yield from api.load(self.wanted.bo_code, boi_id)
        except NotFound as error:
            raise InvalidInput(
                f"MyBPM has no instance {self.wanted.bo_code}/{boi_id}: {error.message}\n"
                "The record in this task's state store names it. Nothing was sent"
            ) from None
        return boi_id

    def own_id(self, record: Record) -> str | None:
        """Return the ``boi_id``, if the task names the instance by it."""
        return self.wanted.boi_id

    def read_id(self, id: Any) -> str:
        """
        Return an instance's id, with or without its object's code in front of it.

        :raises InvalidInput: it is not an id
        """
        if isinstance(id, str):
            # The task's XCom and log show it with the code in front.
            id = id.strip().removeprefix(f"{self.wanted.bo_code}/")
        return check_id(id, "The id in the record")

    def _done(self, boi: Boi) -> str:
        self.written = boi
        return boi.boi_id


class OnceUpsert(BoiUpsert):
    """
    An upsert that would create a second instance if it were sent twice.

    :param reason: why it would
    """

    repeatable = False

    def __init__(self, wanted: Upsert, *, reason: str) -> None:
        super().__init__(wanted)
        self.words = replace(self.words, look_for="an instance with this task's field_values, written")
        self._reason = reason

    def look_up(self, api: MyBPMApi, record: Record) -> Operation[LookupResult]:
        """No field is known whose value identifies this task's instance."""
        yield from ()
        return Unknown(f"nothing identifies this task's instance of {self.wanted.bo_code}: {self._reason}")


class RepeatableUpsert(BoiUpsert):
    """
    An upsert that may be sent any number of times, because it names its instance.

    :param unique_field: the field whose value names it, if not ``boi_id``
    :param pooled: for one of many: whether to use open connections, one of which may be stale and then looks
        like a lost answer. The task for many records sees to it that no attempt names another instance
    """

    repeatable = True

    def __init__(self, wanted: Upsert, *, unique_field: str | None, pooled: bool = False) -> None:
        super().__init__(wanted)
        self._pooled = pooled
        self.reads_baseline = not pooled
        self._target = wanted.target(unique_field)
        which = f"boiId {wanted.boi_id}" if wanted.boi_id else f"this task's {unique_field}"
        self.words = replace(self.words, look_for=f"the instance with {which}, written")

    @property
    def turn(self) -> Hashable | None:
        """What names the instance."""
        return self._target

    def submit(self, api: MyBPMApi, record: Record, *, again: bool) -> Operation[str]:
        """Write the instance and return its id."""
        return self._done((yield from _send(api, self.wanted, pooled=self._pooled)))

    def baseline(self, api: MyBPMApi) -> Operation[dict[str, str]]:
        """Return a fingerprint of what names the instance; the value itself may be personal data."""
        yield from ()
        return seal(self._target, salt=uuid.uuid4().hex[:12])

    def look_up(self, api: MyBPMApi, record: Record) -> Operation[LookupResult]:
        """
        Return whether sending again is safe.

        This returns :class:`NotSent` whether or not the request arrived. With ``boiId`` or the same value of
        a unique field, a second request updates the instance that the first one wrote (vendor
        documentation), so it cannot create another. It is not safe if the request names another instance
        now, for example because a template reads the time.
        """
        yield from ()
        if self._pooled or is_sealed(self._target, record.baseline):
            return NotSent("a second request changes the same instance")
        return Unknown(
            "an earlier attempt may have written another instance than the one this task names now\n"
            "Sending the request again could write a second one"
        )


class LinkingUpsert(RepeatableUpsert):
    """An upsert that may send its values any number of times, but the references that it adds only once."""

    repeatable = False

    def __init__(self, wanted: Upsert, *, unique_field: str | None) -> None:
        super().__init__(wanted, unique_field=unique_field)
        self.subject += " with its references"
        self.words = replace(self.words, noun=f"{self.words.noun} with its references")
        #: Whether this attempt failed to read back which references are linked.
        self._blind = False

    def submit(self, api: MyBPMApi, record: Record, *, again: bool) -> Operation[str]:
        """Write all in one request; when sending again, first the values and then the missing references."""
        # If the references cannot be read back, only on_lost_answer="resubmit" leads here again.
        if again and not self._blind:
            return self._done((yield from self._complete(api)))
        return (yield from super().submit(api, record, again=again))

    def look_up(self, api: MyBPMApi, record: Record) -> Operation[LookupResult]:
        """As without references, unless this attempt failed to read back which references are linked."""
        if self._blind:
            return Unknown("MyBPM does not show which references are linked")
        return (yield from super().look_up(api, record))

    def _complete(self, api: MyBPMApi) -> Operation[Boi]:
        boi = yield from _send(api, self.wanted.without_references())
        left = yield from self._left(api, replace(self.wanted, boi_id=boi.boi_id))
        if not (left.add or left.remove):
            log.info("%s/%s already has the references", self.wanted.bo_code, boi.boi_id)
            return boi
        return (yield from _send(api, left))

    def _left(self, api: MyBPMApi, known: Upsert) -> Operation[Upsert]:
        try:
            return (yield from pending(api, known))
        except OutcomeUnknown:
            self._blind = True
            raise


def make_upsert(
    wanted: Upsert, *, unique_field: str | None, once: str | None, pooled: bool = False
) -> BoiUpsert:
    """
    Return the effect of an upsert.

    :param once: why it must not be repeated, as :meth:`.Upsert.why_once` returns it; None if it may be
    :param pooled: as for :class:`RepeatableUpsert`
    """
    if once is not None:
        return OnceUpsert(wanted, reason=once)
    if wanted.add:
        return LinkingUpsert(wanted, unique_field=unique_field)
    return RepeatableUpsert(wanted, unique_field=unique_field, pooled=pooled)


def _send(api: MyBPMApi, upsert: Upsert, *, pooled: bool = False) -> Operation[Boi]:
    # Not repeatable: the transport leaves a lost answer to the engine, which waits before it sends again.
    return api.send(upsert, repeatable=False, pooled=pooled)


def seal(target: Sequence[str], *, salt: str) -> dict[str, str]:
    """Return a fingerprint of what names an instance, and its salt."""
    return {"salt": salt, "target": fingerprint(list(target), mark=salt)}


def is_sealed(target: Sequence[str], baseline: Any) -> bool:
    """Return whether a baseline was made of this target."""
    if not isinstance(baseline, Mapping) or not isinstance(baseline.get("salt"), str):
        return False
    return seal(target, salt=baseline["salt"]) == baseline


def pending(api: MyBPMApi, wanted: Upsert) -> Operation[Upsert]:
    """
    Read back which references an upsert still has to change, and return an upsert of only those.

    :param wanted: names its instance by ``boi_id``
    :raises OutcomeUnknown: nested instances lack the unique field that names them, or have values in it that
        cannot be compared
    """
    nested: dict[tuple[str | None, str], list[Boi]] = {}
    for one in (*wanted.add, *wanted.remove):
        if one.place not in nested:
            nested[one.place] = yield from _all_nested(api, wanted, one)
    return still_pending(wanted, nested)


def _all_nested(api: MyBPMApi, wanted: Upsert, one: Reference) -> Operation[list[Boi]]:
    """Return the instances that a reference field links to; a page with nothing new is the last one."""
    if wanted.boi_id is None:
        raise InvalidInput("Reading back references needs the boi_id of their instance")
    found: dict[str, Boi] = {}
    start: int | None = 0
    while start is not None:
        page = yield from api.list_nested_bois(
            one.bo_code or wanted.bo_code, wanted.boi_id, one.field_code, start=start
        )
        before = len(found)
        found |= {boi.boi_id: boi for boi in page.items}
        start = page.next if len(found) > before else None
    return list(found.values())
