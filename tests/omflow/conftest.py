"""The same clock and the same new process as for the base."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.core.conftest import clock as clock


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port where nobody listens, held so that nobody begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
