"""A lane whose connection goes through a proxy."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from dev.ports import LOOPBACK
from tests.system.chaos.deployment import Lane
from tests.system.chaos.lifecycle.tcp_proxy import TcpProxy


class _Slot:
    """Where a frozen lane keeps its proxy once there is one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.proxy: TcpProxy | None = None


@dataclass(frozen=True, kw_only=True)
class ProxiedLane(Lane):
    """
    A lane with a proxy before its sandbox, which a cell can close.

    :param host: address of this machine on which the proxy listens
    """

    host: str = LOOPBACK
    slot: _Slot = field(default_factory=_Slot)

    @property
    def proxy(self) -> TcpProxy:
        """The proxy, once the lane has connections."""
        assert self.slot.proxy is not None
        return self.slot.proxy

    def connections(self, url: str) -> dict[str, dict[str, Any]]:
        """Connections that go through the proxy."""
        with self.slot.lock:
            self.slot.proxy = self.slot.proxy or TcpProxy(url, host=self.host)
        return super().connections(self.proxy.url)
