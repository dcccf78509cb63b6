"""
What must happen exactly once, as operations of a vendor's API, and the steps that the engine takes for it.

A vendor's folder defines a subclass of :class:`Effect`. The steps below it belong to the engine: a runner
carries them out with the effect, the vendor's hook and a store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.waiting.condition import Condition, Done
from airflow_provider_workflows.exceptions import NotFound, RunFailed, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.record import Record

ApiT = TypeVar("ApiT")
T = TypeVar("T")


class Run(Enum):
    """The state of a run at the vendor."""

    ALIVE = "alive"
    SUCCEEDED = "ended well"
    FAILED = "ended badly"
    #: The vendor, or a server that answers in its place, does not know the run.
    GONE = "gone"
    #: The vendor does not tell the state.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RunState:
    """
    The state of a run, with a detail.

    :param detail: the vendor's words for it
    """

    run: Run
    detail: str = ""


@dataclass(frozen=True)
class Found:
    """
    The vendor shows the result of the request.

    :param id: the vendor's id of it, or what the move returns; never None
    """

    id: object


@dataclass(frozen=True)
class NotSent:
    """
    Sending again is safe: the request did not arrive, or a second one does no harm.

    :param why: why sending again is safe, to follow a colon
    """

    why: str = "the request did not arrive"


@dataclass(frozen=True)
class Unknown:
    """
    The vendor cannot be asked, or what it shows is not conclusive.

    :param why: why the outcome is unknown, to follow "Airflow could not find out:"; one or more lines
    :param may_change: whether a later look-up may show more
    :param forbids: the error that sending again would cause; Airflow then does not send again, even with
        ``on_lost_answer="resubmit"``
    """

    why: str
    may_change: bool = False
    forbids: WorkflowError | None = None


#: The result of a look-up at the vendor.
LookupResult: TypeAlias = Found | NotSent | Unknown


@dataclass(frozen=True, kw_only=True)
class Words:
    """
    The words that messages need to speak of one effect.

    With the examples below a message reads "Vendor may or may not have opened an order of payout", and then
    "Check Apps → payout for an order opened around 2026-11-30 22:45:40 UTC". No record depends on
    these words, so they are free to change.

    :param vendor: the vendor's name: ``Vendor``
    :param verb: what the vendor does, as an infinitive: ``open``
    :param participle: the same as a past participle: ``opened``
    :param noun: what the vendor does it to: ``an order of payout``
    :param look_in: where a person looks for it: ``Apps → payout``
    :param look_for: what the person looks for; a time follows: ``an order opened``
    :param mark_in: where the mark is shown, if the vendor gets one: ``the field FORMITM_2``
    :param id: what the person writes into the record as its id: ``its number``
    """

    vendor: str
    verb: str
    participle: str
    noun: str
    look_in: str
    look_for: str
    mark_in: str = ""
    id: str = "its id"

    @property
    def to_do(self) -> str:
        """What the vendor is asked to do, to follow "to"."""
        return f"{self.verb} {self.noun}"

    @property
    def done(self) -> str:
        """What the vendor has done, to follow "has"."""
        return f"{self.participle} {self.noun}"

    def search(self, record: Record) -> str:
        """Return the sentence that tells a person where to look, and for what."""
        mark = f" with the mark {record.mark!r} in {self.mark_in}" if self.mark_in else ""
        return f"Check {self.look_in} for {self.look_for} {record.moment}{mark}"


class Effect(ABC, Generic[ApiT]):
    """
    One thing that must happen at a vendor exactly once.

    An effect is a move: a step in an existing run, such as a push. Its subclass :class:`Start` begins a run.
    Every call of the vendor is an operation, which a worker and an event loop run alike.
    """

    #: What this effect does, as a noun: ``"an order of purchase"``, ``"the push of order purchase/7"``.
    #: Records contain a fingerprint of this text, so a change of the text makes it another effect.
    subject: str
    #: How messages speak of this effect.
    words: Words
    #: The checked JSON values to send; a record contains only a fingerprint of them.
    payload: Any = None
    #: Where the vendor keeps the mark, if it gets one. Records contain a fingerprint of this text, so it must
    #: change only when that place does.
    mark_place: str = ""
    #: Whether this effect begins a run at the vendor.
    begins_run: ClassVar[bool] = False
    #: Whether :meth:`look_up` finds the effect by comparing with the baseline.
    shown_by_baseline: ClassVar[bool] = False
    #: Whether :meth:`baseline` is read before the first sending.
    reads_baseline: bool = True

    @property
    @abstractmethod
    def carries_mark(self) -> bool:
        """Whether the vendor gets the record's mark, so that a look-up can search for it."""

    @property
    def turn(self) -> Hashable | None:
        """
        What must not be changed by two requests at the same time, such as the run that a move is made in.

        None if requests do not disturb each other.
        """
        return None if self.begins_run else self.subject

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether a second request has no further effect, even if nothing is known of the first."""

    @property
    def retry_is_safe(self) -> bool:
        """Whether a retry without a record does no harm."""
        return self.carries_mark or self.repeatable

    def baseline(self, api: ApiT) -> Operation[object]:
        """
        Read from the vendor, right before the first request, what a look-up compares with later.

        :returns: small JSON values, without secrets and personal data
        :raises WorkflowError: the request cannot succeed in the present state; nothing was sent
        """
        yield from ()
        return None

    @abstractmethod
    def submit(self, api: ApiT, record: Record, *, again: bool) -> Operation[object]:
        """
        Send the once-only request.

        :param record: the intent, with its mark and baseline
        :param again: whether this task may have sent such a request before
        :returns: the vendor's id, or what the move returns: small JSON values, not None
        :raises OutcomeUnknown: the request was sent and the answer was lost; its ``note`` has what the answer
            did tell
        :raises WorkflowError: the vendor refused the request, or nothing was sent
        """

    def look_up(self, api: ApiT, record: Record) -> Operation[LookupResult]:
        """
        Look up at the vendor, without an effect there, whether a request had its effect.

        :raises WorkflowError: the vendor did not answer
        """
        yield from ()
        return Unknown("the vendor has no call that finds it")

    @property
    def group(self) -> Hashable | None:
        """What the effects that :meth:`look_up_many` looks up together have in common; None if nothing."""
        return None

    def look_up_many(self, api: ApiT, records: Sequence[Record]) -> Operation[Mapping[str, LookupResult]]:
        """
        Look up the requests of several effects with this :attr:`group`, one of which is this effect.

        :returns: by each record's mark, what :meth:`look_up` of its own effect would return
        :raises WorkflowError: the vendor did not answer
        """
        results: dict[str, LookupResult] = {}
        for record in records:
            results[record.mark] = yield from self.look_up(api, record)
        return results

    def state(self, api: ApiT, id: Any) -> Operation[RunState]:
        """
        Return the state of what was done; a move that was made has ended well.

        :raises WorkflowError: the vendor did not answer
        """
        yield from ()
        return RunState(Run.SUCCEEDED)

    def check_id(self, api: ApiT, id: object) -> Operation[object]:
        """
        Return an id that a person wrote into the record or gave as an answer, checked and of the right type.

        :raises InvalidInput: it is not a valid id
        """
        yield from ()
        return id

    def own_id(self, record: Record) -> object:
        """Return the id that a person need not give, because the task knows it; None if it does not."""
        return None


#: What is to happen once at any vendor.
AnyEffect: TypeAlias = Effect[Any]


class Start(Effect[ApiT]):
    """
    An effect that begins a run at the vendor.

    The run is found by its mark or not at all, so no baseline is read.
    """

    begins_run: ClassVar[bool] = True
    reads_baseline = False

    @abstractmethod
    def end(self, id: Any) -> Condition:
        """Return the condition for the end of the run."""

    def state(self, api: ApiT, id: Any) -> Operation[RunState]:
        """
        Return the run's state, by the condition for its end.

        :raises WorkflowError: the vendor did not answer
        """
        try:
            outcome = yield from self.end(id).check(api)
        except RunFailed as error:
            return RunState(Run.FAILED, error.message)
        except NotFound as error:
            return RunState(Run.GONE, error.message)
        if isinstance(outcome, Done):
            return RunState(Run.SUCCEEDED)
        return RunState(Run.ALIVE, outcome.detail)


@dataclass(frozen=True)
class Read:
    """Read the baseline at the vendor; the answer is the baseline."""


@dataclass(frozen=True)
class Send:
    """
    Send the once-only request, if the gate allows it; the answer is the vendor's id.

    :param again: whether this task may have sent such a request before
    """

    record: Record
    again: bool


@dataclass(frozen=True)
class Look:
    """Look up whether a request had its effect; the answer is a :data:`LookupResult`."""

    record: Record


@dataclass(frozen=True)
class Check:
    """Ask the vendor for the state of what has an id; the answer is a :class:`RunState`."""

    id: object


@dataclass(frozen=True)
class CheckId:
    """Check an id that a person wrote; the answer is the id, in the right type."""

    id: object


@dataclass(frozen=True)
class Save:
    """
    Write a record into the store, or delete it; the answer is None.

    If the store raises an error, the engine gets it as :class:`~.record.StoreFailed`.
    """

    record: Record | None


#: A step that calls the vendor with an operation of the effect.
Call: TypeAlias = Read | Send | Look | Check | CheckId
#: Any step.
Step: TypeAlias = Call | Save | Sleep
#: The engine, or a part of it: a generator that yields steps and receives their answers.
Steps: TypeAlias = Generator[Step, Any, T]
