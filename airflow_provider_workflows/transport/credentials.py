"""The cell that holds a connection's fetched security code or session token."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from airflow_provider_workflows.protocol.errors import AuthenticationFailed, WorkflowError

#: Connections whose credential one process remembers; the one unused for longest is forgotten first.
REMEMBERED = 128


@dataclass
class Cell:
    """A credential, and the rule when it must be fetched."""

    value: str | None = field(default=None, repr=False)
    _refusal: tuple[float, AuthenticationFailed] | None = field(default=None, init=False, repr=False)

    def refused(self, error: AuthenticationFailed) -> None:
        """Note that the vendor has just refused the login."""
        self._refusal = (time.monotonic(), error)

    def check_refusal(self, *, since: float) -> None:
        """
        Raise the refusal of a login that was tried after ``since``.

        Those who waited for one login share its refusal: a thousand waits with a wrong password must not make
        a thousand failing logins, which lock an account.

        :param since: reading of :func:`time.monotonic` when the caller began to wait
        :raises AuthenticationFailed: a copy of the refusal
        """
        if self._refusal is not None and self._refusal[0] >= since:
            raise WorkflowError.from_json(self._refusal[1].to_json())

    def current(self, rejected: str | None) -> str | None:
        """Return the credential if it can still be used by someone whose ``rejected`` one was refused."""
        return self.value if self.value is not None and self.value != rejected else None


@dataclass
class BlockingCell(Cell):
    """A cell that threads share."""

    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass
class LoopCell(Cell):
    """A cell that the coroutines of one event loop share."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


_cells: OrderedDict[str, BlockingCell] = OrderedDict()
_registry_lock = threading.Lock()


def cell_of(fingerprint: str) -> BlockingCell:
    """Return this process's cell for the endpoint with that fingerprint."""
    with _registry_lock:
        cell = _cells.pop(fingerprint, None) or BlockingCell()
        _cells[fingerprint] = cell
        while len(_cells) > REMEMBERED:
            _cells.popitem(last=False)
        return cell


def forget() -> None:
    """Forget what this process has fetched, so that tests begin as a new worker process does."""
    with _registry_lock:
        _cells.clear()
