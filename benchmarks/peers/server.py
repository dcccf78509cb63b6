"""The bare server as a process of its own."""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.certificate import self_signed
from dev.layout import confined
from dev.process import KeptProcess, tail

START_SECONDS = 60.0


@dataclass(frozen=True)
class BareServer:
    """
    A running bare server.

    :param certificate: the file of its certificate, if it speaks TLS
    """

    url: str
    certificate: Path | None = None

    def counts(self) -> dict[str, Any]:
        """Return the number of records, of those that came again, of requests by path, and its CPU."""
        return self._ask("/counts")

    def forget(self) -> None:
        """Count from nothing."""
        self._ask("/forget")

    def _ask(self, path: str) -> dict[str, Any]:
        tls = ssl.create_default_context(cafile=self.certificate)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )
        with opener.open(f"{self.url}{path}", timeout=60) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def bare_server(folder: Path, *, delay: float = 0.0, tls: bool = False) -> Iterator[BareServer]:
    """
    Run a bare server for as long as the context lasts.

    :param folder: for its log and its certificate
    :param delay: seconds before each answer
    :param tls: whether it speaks TLS, with a certificate of its own making
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "bare-server.url"
    ready.unlink(missing_ok=True)
    certificate, key = self_signed(folder) if tls else (None, None)
    command = [sys.executable, "-m", "benchmarks.peers.bare_server", "--ready-file", str(ready)]
    command += ["--delay", str(delay), *(("--tls", str(certificate), str(key)) if tls else ())]
    process = KeptProcess(command, log=folder / "bare-server.log", environment=confined(), grace=2.0)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if process.exit_code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the bare server did not start:\n{tail(process.log)}")
            time.sleep(0.02)
        yield BareServer(ready.read_text(), certificate)
    finally:
        process.stop()
