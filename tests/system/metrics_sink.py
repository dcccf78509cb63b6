"""A StatsD server that hears what every process of a real Airflow counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.core.statsd import Line

PREFIX = "airflow.workflows."


class MetricsSink:
    """This package's metrics, as they came."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._lines: list[Line] = []

    def settings(self) -> dict[str, str]:
        """Return what Airflow is to be told, as environment variables."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_PORT": str(self._server.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }

    def forget(self) -> None:
        """Begin anew."""
        self._lines.clear()

    def total(self, name: str, **tags: str) -> int:
        """Return what a counter with these tags among its tags counts, or how often a timer was sent."""
        found = [one for one in self._lines if one.name == PREFIX + name and tags.items() <= one.tags.items()]
        return sum(int(one.value) if one.unit == "c" else 1 for one in found)

    def listen(self) -> None:
        """Hear what comes, until an empty message does."""
        while text := self._server.recv(65536).decode("ascii"):
            if text.startswith(PREFIX):
                self._lines.append(Line.read(text))


@contextmanager
def metrics_sink() -> Iterator[MetricsSink]:
    """Listen on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.bind(("127.0.0.1", 0))
        metrics = MetricsSink(server)
        thread = threading.Thread(target=metrics.listen, name="statsd", daemon=True)
        thread.start()
        try:
            yield metrics
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()
