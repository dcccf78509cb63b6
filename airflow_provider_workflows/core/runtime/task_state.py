"""What a task keeps from one attempt to the next: Airflow's task state store, from Airflow 3.3 on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.core.runtime.versions import NEVER_EXPIRE


class TaskState:
    """
    The stored state of a task instance, by generation.

    A generation is the time between two Clears of a task instance: its retries share it, and a Clear starts a
    new one. It is identified by ``ti.max_tries``, which a Clear raises and a retry does not.

    :param context: the task's context
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        ti = context.get("ti")
        self._store = context.get("task_state_store")
        #: Whether stored values outlive this process: from Airflow 3.3 on.
        self.lasting = self._store is not None
        self.generation = int(getattr(ti, "max_tries", 0) or 0)
        self.attempt = int(getattr(ti, "try_number", 0) or 0)

    def load(self, key: str) -> object:
        """Return the record under a key, of any generation, or None; a person may have edited it."""
        return self._store.get(key) if self._store is not None else None

    def save(self, key: str, record: Mapping[str, object]) -> None:
        """Store a record that never expires; it must not contain a secret, because the UI shows it."""
        if self._store is not None:
            from airflow_provider_workflows.core.runtime.hand_over import hand_over

            # A record that is stored again keeps its own generation.
            whole = {"generation": self.generation, **record}
            self._store.set(key, hand_over(whole, f"The record {key!r}"), retention=NEVER_EXPIRE)

    def rename(self, old: str, new: str) -> object:
        """Move a record, if there is one, to another key, and return it."""
        record = self.load(old)
        if self._store is not None and record is not None:
            self._store.set(new, record, retention=NEVER_EXPIRE)
            self._store.delete(old)
        return record

    def forget(self, key: str) -> None:
        """Delete a record."""
        if self._store is not None:
            self._store.delete(key)
