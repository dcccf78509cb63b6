"""Serializes dataclasses for a trigger's row, which outlives restarts and upgrades of Airflow."""

from __future__ import annotations

import re
from dataclasses import fields
from fnmatch import fnmatch
from importlib import import_module
from typing import Any, TypeVar

from airflow_provider_workflows.core.runtime.versions import conf
from airflow_provider_workflows.exceptions import InvalidInput

T = TypeVar("T")

#: The prefix of every class path of this package.
OURS = f"{__name__.partition('.')[0]}."
#: Airflow's options for the classes that its database may name, as patterns separated by blanks.
PATTERNS, REGEXPS = "allowed_deserialization_classes", "allowed_deserialization_classes_regexp"


def import_string(path: str, kind: str = "class") -> Any:
    """
    Import and return the object at a dotted path.

    :param kind: what it is, in one word
    :raises InvalidInput: there is no such object
    """
    try:
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInput(
            f"The {kind} {path!r} cannot be imported: {error}\n"
            "Install its package on all workers and triggerers, and name the class by its whole path"
        ) from None


def check_allowed(path: str, kind: str) -> None:
    """
    Check that a class is of this package, or that Airflow's configuration allows it.

    Who can write into Airflow's database must not choose what a triggerer imports. So a class that the
    database names is checked before it is imported.

    :param kind: what it is, in one word
    :raises InvalidInput: it is neither
    """
    if not (path.startswith(OURS) or _is_configured(path)):
        package = path.partition(".")[0]
        raise InvalidInput(
            f"The {kind} {path!r} is not allowed in the triggerer\n"
            f"Add {package}.* to [core] {PATTERNS} on every Airflow machine\n"
            "It says which classes, beside this package's own, a triggerer may import by name"
        )


def _is_configured(path: str) -> bool:
    patterns = conf.get("core", PATTERNS, fallback="").split()
    regexps = conf.get("core", REGEXPS, fallback="").split()
    # As Airflow itself reads the two.
    return any(fnmatch(path, one) for one in patterns) or any(re.fullmatch(one, path) for one in regexps)


def serialize(instance: Any, kind: str) -> dict[str, Any]:
    """
    Return a dataclass instance as JSON values: class path, format and field values.

    :param instance: an instance of a class with an integer attribute ``format``
    :param kind: what the instance is, in one word; also the key under which the class path is stored
    :raises InvalidInput: :func:`deserialize` would not be allowed to import its class
    """
    cls = type(instance)
    path = f"{cls.__module__}.{cls.__qualname__}"
    check_allowed(path, kind)
    return {
        kind: path,
        "format": cls.format,
        "values": {field.name: getattr(instance, field.name) for field in fields(instance)},
    }


def deserialize(data: dict[str, Any], kind: str, base: type[T]) -> T:
    """
    Rebuild a dataclass instance from the output of :func:`serialize`.

    :param base: the class that the stored class must inherit from
    :raises InvalidInput: the data was written by a newer version of this package, or its class does not
        inherit from ``base``, or is not allowed
    """
    path = data[kind]
    check_allowed(path, kind)
    cls = import_string(path, kind)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise InvalidInput(f"{path} is not a {kind}")
    readable = cls.format  # type: ignore[attr-defined]
    if data["format"] > readable:
        raise InvalidInput(
            f"{path} was stored in format {data['format']} by a newer version of this package\n"
            f"This version reads formats up to {readable}. Upgrade the package in the triggerer"
        )
    return cls(**data["values"])
