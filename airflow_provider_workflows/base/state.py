"""What a task remembers from one attempt to the next: Airflow's task state store, where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.base.compat import NEVER_EXPIRE


class TaskState:
    """
    A task instance's memory, kept apart by generation.

    A generation is a task instance's life between two Clears: retries share it, a Clear begins a new one.
    Airflow marks it with ``ti.max_tries``, which a Clear raises and a retry does not.

    :param context: the task's context
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        ti = context.get("ti")
        self._store = context.get("task_state_store")
        self.generation = int(getattr(ti, "max_tries", 0) or 0)
        self.attempt = int(getattr(ti, "try_number", 0) or 0)

    @property
    def lasting(self) -> bool:
        """Whether anything outlives this process: from Airflow 3.3 on."""
        return self._store is not None

    def load(self, key: str) -> Any | None:
        """Return the record of that name, of whatever generation, or None; a person may have written it."""
        return self._store.get(key) if self._store is not None else None

    def save(self, key: str, record: dict[str, Any]) -> None:
        """Write a record that never expires; no secret may be in it, since people can read it in the UI."""
        if self._store is not None:
            # A record that is put back says itself of which generation it is.
            self._store.set(key, {"generation": self.generation, **record}, retention=NEVER_EXPIRE)

    def rename(self, old: str, new: str) -> Any | None:
        """Keep a record, if there is one, under another name, and return it."""
        record = self.load(old)
        if self._store is not None and record is not None:
            self._store.set(new, record, retention=NEVER_EXPIRE)
            self._store.delete(old)
        return record

    def forget(self, key: str) -> None:
        """Delete a record."""
        if self._store is not None:
            self._store.delete(key)
