"""What the processes of an Airflow hold: memory, open files and sockets, read from Linux's /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.airflow_instance import COMPONENTS, AirflowInstance, parent
from dev.keeper import descendants

#: By component, what the processes of each generation below its keeper are. The executor's workers are forks
#: of the scheduler; what they fork in their turn are the tasks.
ROLES: Mapping[str, tuple[str, ...]] = {
    "api-server": ("API server",),
    "scheduler": ("scheduler", "executor's workers", "tasks"),
    "dag-processor": ("DAG processor",),
    "triggerer": ("triggerer's supervisor", "triggers' process"),
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """
    What a process holds.

    :param memory: bytes of its own, those shared with the process that forked it included (``RssAnon``)
    :param files: open files, sockets included
    :param sockets: of these
    """

    memory: int
    files: int
    sockets: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """
    All processes at one moment.

    :param at: seconds of a monotonic clock
    :param held: by role and process id
    :param waits: tasks that wait in the triggerer
    """

    at: float
    held: Mapping[tuple[str, int], Held]
    waits: int = 0


def take(instance: AirflowInstance, *, waits: int) -> Sample:
    """
    Look at all processes of an Airflow.

    :param instance: the Airflow
    :param waits: tasks that wait in its triggerer
    """
    held: dict[tuple[str, int], Held] = {}
    for component in COMPONENTS:
        keeper = instance.keeper(component)
        for pid, role in _roles(ROLES[component], keeper, descendants(keeper)):
            try:
                held[role, pid] = held_by(pid)
            except (OSError, KeyError):  # it has ended meanwhile
                continue
    return Sample(at=time.monotonic(), held=held, waits=waits)


def _roles(roles: tuple[str, ...], keeper: int, pids: Iterable[int]) -> Iterable[tuple[int, str]]:
    """Each process with its role, by its distance from the keeper; what is farther off is left out."""
    depth = {keeper: -1}
    for pid in pids:  # parents come before their children
        depth[pid] = depth.get(parent(pid), len(roles)) + 1
        if depth[pid] < len(roles):
            yield pid, roles[depth[pid]]


def held_by(pid: int) -> Held:
    """What a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    links = [_target(entry) for entry in os.scandir(f"/proc/{pid}/fd")]
    return Held(
        memory=int(fields["RssAnon"].split()[0]) * 1024,
        files=len(links),
        sockets=sum(link.startswith("socket:") for link in links),
    )


def _target(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)
    except OSError:
        return ""
