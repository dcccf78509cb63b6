"""A condition to wait for: plain data, and the operation that checks it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, get_args

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.serialization import deserialize, serialize
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.connection.limit import Ahead

#: Steps of a run's history that a result has.
MOST_STEPS = 100
#: What to do if somebody has passed the stop before the wait saw it there.
OnPassed = Literal["fail", "succeed"]


@dataclass(frozen=True)
class Pending:
    """
    The condition is not met yet.

    :param detail: the current status, for the log; it is stored in the state store and the trigger's row, so
        it names steps, states and fields, but never a field's value
    :param warning: whether the status is unexpected, so that it is logged as a warning
    """

    detail: str = ""
    warning: bool = False


@dataclass(frozen=True)
class Done:
    """
    The condition is met.

    :param result: what the sensor or operator returns, as JSON values
    """

    result: Any = None


@dataclass(frozen=True, kw_only=True)
class Condition(ABC):
    """
    What to wait for; a frozen dataclass of JSON values.

    The same object serves a sensor's poke, an operator that waits for the run it started, and the trigger.
    Airflow's database holds it in clear text, so it contains ids and names, but never a URL, header or
    secret.
    """

    #: Whether a look takes several operations, which only :meth:`alook` runs.
    is_many: ClassVar[bool] = False
    #: Dotted path of the vendor's hook.
    hook_class: ClassVar[str]
    #: The fields that differ from run to run, such as the run's id. Waits that agree in the others are taken
    #: to be alike, and looks come when such waits have ended before; if none is named, nothing is learnt.
    of_run: ClassVar[tuple[str, ...]] = ()
    #: Increased whenever the meaning of the stored values changes.
    format: ClassVar[int] = 1

    @abstractmethod
    def check(self, api: Any) -> Operation[Pending | Done]:
        """
        Check the condition once.

        :param api: the vendor's API, which the hook creates from the connection
        :raises WorkflowError: the condition can no longer be met, or the vendor gave no answer
        """

    async def alook(self, hook: AnyHook, *, deadline: float | None, ahead: Ahead) -> Outcome:
        """
        Check the condition once on an event loop, by the vendor's hook.

        :param deadline: reading of :func:`time.monotonic` after which no request is repeated; None for none
        :param ahead: how far ahead its slot may be, if the connection's plan has a limit
        :raises WorkflowError: as :meth:`check`
        """
        return await hook.aread(self.check, deadline=deadline, ahead=ahead)

    @property
    @abstractmethod
    def remote_id(self) -> str:
        """Id of the record to watch, in a form that a person can find at the vendor."""

    @abstractmethod
    def __str__(self) -> str:
        """Return a description of the condition, to follow "waiting for" in messages."""

    def what_continues(self, *, vendor: str, location: str) -> str:
        """
        Return what continues at the vendor after a wait was killed.

        :param location: the vendor's page of the record, or the vendor's server
        """
        where = f". See {location}" if location else ""
        return (
            f"Stopped waiting for {self}. {self.remote_id} continues at {vendor}: Airflow cannot cancel it "
            f"there, and sends nothing{where}"
        )

    def to_json(self) -> dict[str, object]:
        """Return the condition as JSON values, for the trigger's row."""
        return serialize(self, "condition")

    @staticmethod
    def from_json(data: dict[str, object]) -> Condition:
        """
        Rebuild a condition from :meth:`to_json`.

        :raises InvalidInput: it was written by a newer version of this package, or is not a condition
        """
        return deserialize(data, "condition", Condition)  # type: ignore[type-abstract]


@dataclass(frozen=True, kw_only=True)
class GroupedCondition(Condition):
    """
    A condition on a record that the vendor lists together with others.

    In the triggerer, one request then answers many waits. A look that needs more than its record makes its
    own requests for that.
    """

    #: Maximum number of conditions that one request is for.
    most_together: ClassVar[int] = 200

    @property
    @abstractmethod
    def group(self) -> tuple[str, ...]:
        """What the conditions of one request have in common; those of other conditions must differ."""

    @classmethod
    @abstractmethod
    def read_many(cls, api: Any, conditions: Sequence[Self]) -> Operation[Mapping[str, Any]]:
        """
        Read the records of conditions of one group.

        :returns: the records by ``remote_id``; one that is missing, or that cannot be read, is left out,
            and is then read by itself
        :raises WorkflowError: the vendor gave no answer, or refuses the call
        """

    def unsure(self, record: Any) -> float:
        """Return after how many seconds a record must be read again before it counts; 0 if it need not."""
        return 0.0

    def merged(self, record: Any, again: Any) -> Any:
        """Return the record that two readings make, of which the first was unsure."""
        return again

    @abstractmethod
    def check(self, api: Any, record: Any = None) -> Operation[Pending | Done]:
        """
        Check the condition once, as :meth:`Condition.check`.

        :param record: what :meth:`read_many` has just read; None to read it
        """


@dataclass(frozen=True, kw_only=True)
class StopCondition(Condition):
    """
    A stop that somebody else may pass between two looks.

    :param on_passed: if it was passed: ``fail``, or ``succeed`` with what the vendor's history tells
    :raises InvalidInput: ``on_passed`` is neither
    """

    on_passed: OnPassed = "fail"

    def __post_init__(self) -> None:
        if self.on_passed not in get_args(OnPassed):
            choices = " or ".join(map(repr, get_args(OnPassed)))
            raise InvalidInput(f"on_passed must be {choices}, got {self.on_passed!r}")


Outcome: TypeAlias = Pending | Done
