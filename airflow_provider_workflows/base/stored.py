"""Dataclasses as JSON values in a trigger's row, which Airflow keeps over restarts and upgrades."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any, TypeVar

from airflow_provider_workflows.protocol.errors import InvalidInput

T = TypeVar("T")


def import_string(path: str) -> Any:
    """Return the object that a dotted path names."""
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
