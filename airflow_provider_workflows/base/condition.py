"""Something that can be waited for: plain data, and the operation that looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True)
class Pending:
    """
    Not yet.

    :param detail: where it stands, for the log
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
        cls = type(self)
        return {
            "condition": f"{cls.__module__}.{cls.__qualname__}",
            "format": self.format,
            "values": {one.name: getattr(self, one.name) for one in fields(self)},
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Condition:
        """
        Rebuild a condition.

        :raises ValueError: it was written by a newer version of this package, or is not a condition
        """
        cls = import_string(data["condition"])
        if not (isinstance(cls, type) and issubclass(cls, Condition)):
            raise ValueError(f"{data['condition']} is not a condition")
        if data["format"] > cls.format:
            raise ValueError(
                f"{data['condition']} of format {data['format']} is newer than this version of the package, "
                f"which reads up to {cls.format}; upgrade the triggerer"
            )
        return cls(**data["values"])


Outcome: TypeAlias = Pending | Done


def import_string(path: str) -> Any:
    """Return the object that a dotted path names."""
    from importlib import import_module

    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
