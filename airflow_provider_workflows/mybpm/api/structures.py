"""The structures of objects that a process knows."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_workflows.mybpm.api.boi import Structure


class KnownStructures:
    """
    Structures that were read not long ago, so that a process does not read them for each task.

    :param age: seconds for which one is known
    :param clock: a monotonic clock, for tests
    """

    def __init__(self, *, age: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._age, self._clock = age, clock
        self._read: dict[str, tuple[float, Structure | None]] = {}

    def keep(self, bo_code: str, structure: Structure | None) -> None:
        """Keep a structure that was just read; None if the user may not read it."""
        self._read[bo_code] = (self._clock(), structure)

    def has(self, bo_code: str) -> bool:
        """Return whether it was read, or refused, not long ago."""
        return bo_code in self._read and self._clock() - self._read[bo_code][0] < self._age

    def known(self, bo_code: str) -> Structure | None:
        """Return a structure; None if it is not known, or may not be read."""
        return self._read[bo_code][1] if self.has(bo_code) else None
