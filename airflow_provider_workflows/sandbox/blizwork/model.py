"""The declared part of the vendor: processes, users, master tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FieldType = Literal["string", "int", "decimal", "attachment"]
Row = dict[str, Any]


@dataclass(frozen=True)
class User:
    """
    A user of BlizWork, of this organisation or another.

    :param active: others may not do anything.
    """

    email: str
    active: bool = True


@dataclass(frozen=True)
class Form:
    """
    An activity.

    :param fields: ids of the fields that it takes; all of the process's if empty.
    :param to: activities that may be chosen as the next.
    :param end: it closes the case on arrival, and nobody runs it.
    :param seconds: the platform itself runs it after so long, and goes on to the first of ``to``.
    :param deadline: the platform runs it so late if nobody has; likewise.
    """

    id: str
    fields: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    end: bool = False
    seconds: float | None = None
    deadline: float | None = None


@dataclass
class Workflow:
    """
    A process.

    :param start: the activity that a new case waits for.
    :param enabled: others are as good as missing.
    :param published: others exist in the environment ``draft`` only.
    """

    id: str
    start: str
    fields: Mapping[str, FieldType]
    forms: Mapping[str, Form]
    enabled: bool = True
    published: bool = True
    version: int = 1


@dataclass
class Declared:
    """
    Everything that a server begins with.

    :param rate: transactions per second of the organisation's plan; None without limit.
    """

    token: str
    company: str
    rate: float | None
    users: dict[str, User]
    workflows: dict[str, Workflow]
    tables: dict[str, list[Row]] = field(default_factory=dict)
