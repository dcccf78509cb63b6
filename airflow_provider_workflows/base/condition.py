"""Something that can be waited for: plain data, and the operation that looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias, TypeVar

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.operation import Operation

T = TypeVar("T")


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
        return written(self, "condition")

    @staticmethod
    def from_json(data: dict[str, Any]) -> Condition:
        """
        Rebuild a condition.

        :raises InvalidInput: it was written by a newer version of this package, or is not a condition
        """
        return rebuilt(data, "condition", Condition)  # type: ignore[type-abstract]


Outcome: TypeAlias = Pending | Done


def import_string(path: str) -> Any:
    """Return the object that a dotted path names."""
    from importlib import import_module

    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def written(thing: Any, kind: str) -> dict[str, Any]:
    """
    Return a dataclass as JSON values, for a trigger's row: class path, format, and values.

    :param thing: its class has a number ``format``
    :param kind: what it is, in a word; the key of the class path
    """
    cls = type(thing)
    return {
        kind: f"{cls.__module__}.{cls.__qualname__}",
        "format": cls.format,
        "values": {one.name: getattr(thing, one.name) for one in fields(thing)},
    }


def rebuilt(data: dict[str, Any], kind: str, base: type[T]) -> T:
    """
    Rebuild what :func:`written` has written.

    :param base: what its class must inherit from
    :raises InvalidInput: it was written by a newer version of this package, or is nothing of the kind
    """
    path, cls = data[kind], import_string(data[kind])
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise InvalidInput(f"{path} is not a {kind}")
    readable = cls.format  # type: ignore[attr-defined]
    if data["format"] > readable:
        raise InvalidInput(
            f"{path} of format {data['format']} is newer than this version of the package, which reads up to "
            f"{readable}; upgrade the triggerer"
        )
    return cls(**data["values"])
