"""What lanes share: slots for tasks that must all wait in workers at once, and restarts of a component."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from dev.airflow_home import AirflowError
from dev.airflow_instance import AirflowInstance

#: Tasks that may be held in workers by cells that need all of theirs there; the rest is for the other cells.
SLOTS = 40
PATIENCE = 900.0


class WorkerSlots:
    """
    Lets lanes in one after the other, so that two never wait for each other's workers.

    :param slots: how many tasks fit
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """
        Reserve slots for so many tasks.

        :param size: how many
        :raises AirflowError: if none became free
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, timeout=PATIENCE):
                raise AirflowError(f"waited {PATIENCE:.0f} s for workers that another lane holds")
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


WORKER_SLOTS = WorkerSlots(SLOTS)


class SharedRestart:
    """
    Kills a component of Airflow and starts it again, once all lanes that take part are ready for it.

    :param component: its name
    :param away: seconds from the kill to the new start
    :param patience: seconds for which those who are ready wait for those who are not
    """

    def __init__(self, component: str, *, away: float = 1.0, patience: float = 180.0) -> None:
        self._component = component
        self._away = away
        self._patience = patience
        self._changed = threading.Condition()
        self._parties = 0
        self._ready = 0
        self._number = 0

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """Be waited for."""
        with self._changed:
            self._parties += 1
        try:
            yield
        finally:
            with self._changed:
                self._parties -= 1
                self._changed.notify_all()

    def restart(self, instance: AirflowInstance) -> None:
        """
        Be ready; return when the component was killed and has started again.

        :param instance: the Airflow
        :raises AirflowError: if it does not start
        """
        with self._changed:
            number = self._number
            self._ready += 1
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._number != number or self._ready >= self._parties, timeout=self._patience
            )
            if self._number == number:
                self._number += 1
                self._ready = 0
                self._changed.notify_all()
                self._kill(instance)

    def _kill(self, instance: AirflowInstance) -> None:
        instance.kill(self._component)
        time.sleep(self._away)
        instance.restart(self._component)
