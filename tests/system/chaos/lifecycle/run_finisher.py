"""Ends at the vendor what a cell has left waiting, as a person there would."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_workflows.sandbox.control import Control, ControlError
from tests.system.chaos.tally import bare
from tests.system.chaos.variants import BY_MOUNT


class RunFinisher:
    """
    Ends runs at a vendor, each once it stands where a person can end it.

    :param control: of the sandbox
    :param mount: of the vendor's double
    """

    def __init__(self, control: Control, mount: str) -> None:
        self._control = control
        self._mount = mount
        self._wanted: set[str] = set()

    @property
    def idle(self) -> bool:
        """Whether all that was to end has ended."""
        return not self._wanted

    def finish(self, remote_ids: Collection[str]) -> None:
        """
        Note that runs are to end.

        :param remote_ids: bare ids
        """
        self._wanted |= set(remote_ids)

    def work(self) -> None:
        """End what can be ended now; to be called again and again."""
        if not self._wanted:
            return
        for record in self._control.records(self._mount):
            if bare(record["id"]) in self._wanted and self._end(record):
                self._wanted.discard(bare(record["id"]))

    def _end(self, record: Mapping[str, Any]) -> bool:
        if record["state"] in ("finished", "failed"):
            return True
        try:
            return self._act(record)
        except ControlError:  # it moved on in between; the next look shows where to
            return False

    def _act(self, record: Mapping[str, Any]) -> bool:
        act = BY_MOUNT[self._mount].act(record)
        if act is not None:
            command, arguments = act
            self._control.command(self._mount, command, **arguments)
        return act is not None
