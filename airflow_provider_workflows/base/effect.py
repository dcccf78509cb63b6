"""What a vendor's room supplies so that something happens once: submit, look up, and the state of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.base.decision import CannotKnow, Run, RunState, Trace
from airflow_provider_workflows.protocol.errors import NotFound, RunFailed

if TYPE_CHECKING:
    from airflow_provider_workflows.base.hook import WorkflowHook
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.protocol.operation import Operation


class Effect(ABC):
    """
    One thing that a task wants to have happened at a vendor, exactly once.

    By itself this is a move: a step in a run that exists, such as a push. What begins a run is a
    :class:`Start`.
    """

    #: What is done, as a noun: ``"an order of purchase"``, ``"the push of order purchase/7"``.
    subject: str
    #: JSON values that are sent; only a fingerprint of them is kept.
    payload: Any = None
    #: What a person looks for at the vendor, and where, to settle a doubt: ``"an order whose field … is …"``.
    #: With a mark it names the place of the mark, and is another whenever the mark has another place.
    hint: str = ""
    #: Whether the vendor is given the record's mark, by which it can then be asked.
    carries_mark: bool = False
    #: Whether it can be done again, with no memory of the first time, and nothing more comes of it.
    repeatable: ClassVar[bool] = False
    #: Whether something goes on at the vendor after it was done.
    begins_run: ClassVar[bool] = False

    def baseline(self) -> Any:
        """
        Read at the vendor, right before the first sending, what tells later whether it was done.

        :returns: small JSON values, no secrets, no personal data
        :raises WorkflowError: it cannot be done as things stand; nothing was sent
        """
        return None

    @abstractmethod
    def submit(self, record: Record, *, again: bool) -> Any:
        """
        Send the once-only request.

        :param record: the intent: its mark and baseline
        :param again: something of the kind may be there already, sent by this task
        :returns: what the vendor calls it, or what the move returns: JSON values, small, not None
        :raises OutcomeUnknown: it was sent and its answer is lost
        :raises WorkflowError: it was refused, or never sent
        """

    def look_up(self, record: Record) -> Trace:
        """
        Look at the vendor, without an effect, for what an intent may have come to.

        :raises WorkflowError: the vendor did not answer
        """
        return CannotKnow("the vendor has no way to find it")

    def state(self, id: Any) -> RunState:
        """
        Return how that which was done stands at the vendor; a move that was made has ended well.

        :raises WorkflowError: the vendor did not answer
        """
        return RunState(Run.SUCCEEDED)

    def adopt(self, id: Any) -> Any:
        """
        Return an id that a person has written into the record, checked and of the right type.

        :raises InvalidInput: it is none
        """
        return id


class Start(Effect):
    """
    An effect that begins a run at the vendor.

    :param hook: the vendor's hook
    """

    begins_run: ClassVar[bool] = True

    def __init__(self, hook: WorkflowHook[Any]) -> None:
        self.hook = hook

    @abstractmethod
    def end(self, id: Any) -> Condition:
        """Return the condition that the run has ended."""

    def state(self, id: Any) -> RunState:
        """
        Return how the run stands, by its condition.

        :raises WorkflowError: the vendor did not answer
        """
        outcome = self.hook.look(self.end(id))
        match outcome:
            case Done():
                return RunState(Run.SUCCEEDED)
            case Pending(detail=detail):
                return RunState(Run.ALIVE, detail)
            case RunFailed():
                return RunState(Run.FAILED, outcome.message)
            case NotFound():
                return RunState(Run.GONE, outcome.message)
        raise outcome


class SendableStart(Start):
    """A start that consists of operations, by which a notifier makes it too, on whatever event loop."""

    @abstractmethod
    def sending(self, api: Any, record: Record) -> Operation[Any]:
        """Send the once-only request; as :meth:`submit`."""

    def searching(self, api: Any, record: Record) -> Operation[Trace]:
        """Look at the vendor; as :meth:`look_up`."""
        yield from ()
        return super().look_up(record)

    def submit(self, record: Record, *, again: bool) -> Any:
        """Send the once-only request, in a worker."""
        return self.hook.run(lambda api: self.sending(api, record))

    def look_up(self, record: Record) -> Trace:
        """Look at the vendor, in a worker."""
        return self.hook.run(lambda api: self.searching(api, record))
