"""The cell that holds a connection's fetched security code or session token."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

#: Connections whose credential one process remembers; the one unused for longest is forgotten first.
REMEMBERED = 128


@dataclass
class Cell:
    """A credential, and the rule when it must be fetched."""

    value: str | None = field(default=None, repr=False)

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
