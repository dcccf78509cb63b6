"""A StatsD server that listens on a real socket, and Airflow's own metrics sent to it."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from statsd import StatsClient

from airflow_provider_workflows.core.metrics import Metric, drain


@dataclass(frozen=True)
class Line:
    """One metric as it came over the wire: ``name,tag=value:number|unit``."""

    name: str
    tags: dict[str, str]
    value: float
    unit: str

    @classmethod
    def read(cls, text: str) -> Line:
        head, _, rest = text.rpartition(":")
        value, _, unit = rest.partition("|")
        name, *tags = head.split(",")
        return cls(name, dict(tag.split("=", 1) for tag in tags), float(value), unit)


class Client(StatsClient):  # type: ignore[misc]
    """
    The client that Airflow uses.

    :param before: called before each sending
    """

    def __init__(self, port: int, before: Callable[[], object] = lambda: None) -> None:
        super().__init__("127.0.0.1", port)
        self._before = before

    def _send(self, data: str) -> None:
        self._before()
        super()._send(data)


@dataclass
class Statsd:
    """The server: what has arrived at it."""

    server: socket.socket
    lines: list[Line] = field(default_factory=list)

    def read(self) -> list[Line]:
        """Return all that was sent so far, by event loops too."""
        # One thread sends for the event loops, one metric after the other.
        asyncio.run(_mark())
        while (text := self.server.recv(65536).decode("ascii")) != f"{MARK.name}:1|c":
            if text.startswith("workflows."):
                self.lines.append(Line.read(text))
        return self.lines

    def count(self, name: str, **tags: str) -> int:
        """Return how often a counter was raised with these tags among its tags."""
        found = (line for line in self.read() if line.name == name and tags.items() <= line.tags.items())
        return int(sum(line.value for line in found))

    def counters(self) -> dict[str, int]:
        """Return all counters but those of requests and looks."""
        counted = Counter(line.name for line in self.read() if line.unit == "c")
        return {name: counted[name] for name in sorted(counted) if name not in _EVERYDAY}


#: Sent after all others.
MARK = Metric(name="mark", tags=(), meaning="")
_EVERYDAY = ("workflows.requests", "workflows.looks")


async def _mark() -> None:
    MARK.record()


def _logger(client: Client) -> Any:
    try:
        from airflow.sdk._shared.observability.metrics.statsd_logger import SafeStatsdLogger
    except ImportError:  # Airflow 3.1
        from airflow.metrics.statsd_logger import (  # type: ignore[import-not-found, no-redef, unused-ignore]
            SafeStatsdLogger,
        )
    else:
        return SafeStatsdLogger(client, influxdb_tags_enabled=True, statsd_influxdb_enabled=True)
    return SafeStatsdLogger(client, influxdb_tags_enabled=True)


@contextmanager
def metrics_go_to(make_logger: Callable[[], Any]) -> Iterator[None]:
    """Let Airflow's metrics go to a logger of the test's; it is made when the first metric is sent."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            import airflow.sdk.serde  # noqa: F401  its import sets the metrics up
            from airflow.sdk._shared.observability.metrics import stats
        except ImportError:  # Airflow 3.1
            from airflow.stats import Stats

            patch.setattr(type(Stats), "factory", staticmethod(make_logger), raising=False)
            patch.setattr(Stats, "instance", None)
            patch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
        else:
            if hasattr(stats, "_factory"):
                patch.setattr(stats, "_factory", make_logger)
                patch.setattr(stats, "_backend", None)
            else:  # Airflow 3.2
                patch.setattr(stats.Stats, "factory", staticmethod(make_logger), raising=False)
                patch.setattr(stats.Stats, "instance", None, raising=False)
        yield


@contextmanager
def statsd_server(before: Callable[[], object] = lambda: None) -> Iterator[Statsd]:
    """
    Listen on a port of this machine, and send Airflow's metrics there.

    :param before: called in the sending thread before each sending
    """
    drain()  # what earlier tests have left
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        with (
            closing(Client(server.getsockname()[1], before)) as client,
            metrics_go_to(lambda: _logger(client)),
        ):
            yield Statsd(server)
