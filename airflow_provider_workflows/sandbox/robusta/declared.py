"""The ``[robusta]`` table of a declaration file, checked and turned into the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.plan import PLAN_KEYS

_TOP: Mapping[str, Types] = {**PLAN_KEYS, "time_zone": str, "workers": list, "users": list, "processes": dict}
_USER: Mapping[str, Types] = {"name": str, "password": str, "scheduler": bool}
_PROCESS: Mapping[str, Types] = {
    "parameters": list,
    "appears": (int, float),
    "queued": (int, float),
    "phases": list,
    "ends": str,
    "message": str,
    "outputs": dict,
    "failures": int,
}
_PHASE: Mapping[str, Types] = {"status": str, "seconds": (int, float)}


@dataclass(frozen=True)
class User:
    """
    A user of the API.

    :param scheduler: whether the user may use the Scheduler at all.
    """

    name: str
    password: str
    scheduler: bool = True


@dataclass(frozen=True)
class Phase:
    """A status word that a run shows for some seconds."""

    status: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Process:
    """
    A process model.

    :param parameters: names of the values that it cannot do without.
    :param appears: seconds after the start before the status call knows the SPID.
    :param queued: seconds of WAITING before a robot takes it.
    :param phases: what a run shows then, in order.
    :param ends: the status word at the end.
    :param message: said with the last status.
    :param outputs: by name; ``{name}`` in a text stands for the value of a parameter.
    :param failures: runs that fail before one ends with ``ends``; Robusta repeats as ``retryCount`` says.
    """

    name: str
    parameters: tuple[str, ...] = ()
    appears: float = 0
    queued: float = 1
    phases: tuple[Phase, ...] = (Phase("RUNNING", 2),)
    ends: str = "SUCCEEDED"
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failures: int = 0


@dataclass(frozen=True)
class Declared:
    """What the server begins with."""

    zone: ZoneInfo
    workers: frozenset[str]
    users: Mapping[str, User]
    processes: Mapping[str, Process]


def read_declared(table: Table) -> Declared:
    """
    Turn the table into the model.

    :raises DeclarationError: naming the place that cannot be used.
    """
    check_table(table, _TOP, place="[robusta]")
    users = [_user(item) for item in table.get("users", [])]
    workers = table.get("workers", [])
    if not all(isinstance(worker, str) for worker in workers):
        raise DeclarationError("[robusta]: workers must be a list of texts")
    return Declared(
        zone=_zone(table.get("time_zone", "UTC")),
        workers=frozenset(workers),
        users={user.name: user for user in users},
        processes={name: _process(name, item) for name, item in table.get("processes", {}).items()},
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DeclarationError(f"[robusta]: no time zone {name!r}") from None


def _user(table: Table) -> User:
    check_table(table, _USER, place="robusta user")
    if "name" not in table or "password" not in table:
        raise DeclarationError("robusta user: name or password is missing")
    return User(**table)


def _process(name: str, table: Table) -> Process:
    place = f"robusta process {name!r}"
    check_table(table, _PROCESS, place=place)
    settings = dict(table)
    if "parameters" in settings:
        settings["parameters"] = tuple(settings["parameters"])
    if "phases" in settings:
        settings["phases"] = tuple(_phase(item, place) for item in settings["phases"])
    return Process(name=name, **settings)


def _phase(table: Table, place: str) -> Phase:
    check_table(table, _PHASE, place=f"{place}, phase")
    if set(table) != set(_PHASE):
        raise DeclarationError(f"{place}, phase: status or seconds is missing")
    return Phase(**table)
