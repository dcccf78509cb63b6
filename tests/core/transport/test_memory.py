"""A large file goes through without being held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.transport import upload
from tests.core.transport.server import Peer, RawServer, Seen, response

SMALL, LARGE = 1024 * 1024, 200 * 1024 * 1024


@pytest.mark.parametrize("driver", ["blocking", "nonblocking"])
def test_memory_does_not_grow_with_a_file(driver: str, tmp_path: Path) -> None:
    heads: list[Seen] = []

    def sink(peer: Peer) -> None:
        heads.append(peer.read_head())
        peer.discard(int(heads[-1].headers["content-length"]))
        peer.send(response())

    files = [tmp_path / "small", tmp_path / "large"]
    for file, size in zip(files, (SMALL, LARGE), strict=True):
        with file.open("wb") as opened:
            opened.truncate(size)
    assert upload.__file__
    with RawServer((sink,)) as server:
        command = [sys.executable, upload.__file__, driver, server.url, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 30 * 1024 * 1024
    small, large = heads
    assert SMALL < int(small.headers["content-length"]) < SMALL + 1000
    assert LARGE < int(large.headers["content-length"]) < LARGE + 1000
    assert "transfer-encoding" not in large.headers
