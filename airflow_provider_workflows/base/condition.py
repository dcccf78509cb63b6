"""Something that can be waited for: plain data, and the operation that looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from airflow_provider_workflows.base.stored import rebuilt, written
from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True)
class Pending:
    """
    Not yet.

    :param detail: where it stands, for the log; it is kept in the state store and in the trigger's row, so it
        names steps, states and fields, and no field's value
    :param warning: something that was not foreseen is being waited on, so it is logged as a warning
    """

    detail: str = ""
    warning: bool = False


@dataclass(frozen=True)
class Done:
    """
    It has come.

    :param result: JSON values; what the sensor or operator returns
    """

    result: Any = None


@dataclass(frozen=True, kw_only=True)
class Condition(ABC):
    """
    A frozen dataclass of JSON values that says what is waited for.

    The same object serves a sensor's poke, an operator that waits for what it started, and the trigger. It is
    stored in Airflow's database in clear text, so it holds ids and names: never a URL, header or secret.
    """

    #: Dotted path of the vendor's hook.
    hook_class: ClassVar[str]
    #: Raised whenever the meaning of the stored values changes.
    format: ClassVar[int] = 1

    @abstractmethod
    def check(self, api: Any) -> Operation[Pending | Done]:
        """
        Look once.

        :param api: the vendor's API, made by its hook from the connection
        :raises WorkflowError: what is waited for can no longer come, or the vendor gave no answer
        """

    @property
    @abstractmethod
    def remote_id(self) -> str:
        """What is watched, in a form that a person finds at the vendor."""

    @abstractmethod
    def __str__(self) -> str:
        """Return what is waited for, in words."""

    def to_json(self) -> dict[str, Any]:
        """Return the condition as JSON values, for the trigger's row."""
        return written(self, "condition")

    @staticmethod
    def from_json(data: dict[str, Any]) -> Condition:
        """
        Rebuild a condition.

        :raises InvalidInput: it was written by a newer version of this package, or is not a condition
        """
        return rebuilt(data, "condition", Condition)  # type: ignore[type-abstract]


Outcome: TypeAlias = Pending | Done
