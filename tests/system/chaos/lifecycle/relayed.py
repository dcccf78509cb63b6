"""A lane whose connection leads over a relay."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from tests.system.chaos.lifecycle.relay import Relay
from tests.system.chaos.scene import Lane


class _Slot:
    """Where a frozen lane keeps its relay once there is one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.relay: Relay | None = None


@dataclass(frozen=True, kw_only=True)
class RelayedLane(Lane):
    """A lane before whose sandbox stands a relay, which a cell can close."""

    slot: _Slot = field(default_factory=_Slot)

    @property
    def relay(self) -> Relay:
        """The relay, once the lane has connections."""
        assert self.slot.relay is not None
        return self.slot.relay

    def connections(self, url: str) -> dict[str, dict[str, Any]]:
        """Connections that lead over the relay."""
        with self.slot.lock:
            self.slot.relay = self.slot.relay or Relay(url)
        return super().connections(self.relay.url)
