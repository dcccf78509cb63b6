"""What a vendor has seen and done: the requests that came and the effects that they had."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

REMEMBERED_REQUESTS = 1000


@dataclass(frozen=True)
class SeenRequest:
    """One request, without anything secret: names of headers, never their values, and no query or body."""

    endpoint: str
    method: str
    path: str
    content_length: int | None
    headers: tuple[str, ...]
    transfer_encoding: str | None
    client_port: int | None


class Journal:
    """Counters of one vendor since the last reset."""

    def __init__(self, *effects: str) -> None:
        self._names = effects
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._effects: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._recent: deque[SeenRequest] = deque(maxlen=REMEMBERED_REQUESTS)

    def effect(self, name: str) -> None:
        """Count one effect, such as an order opened."""
        self._effects[name] += 1

    def request(self, seen: SeenRequest) -> None:
        """Count and remember one request."""
        self._requests[seen.endpoint] += 1
        self._recent.append(seen)

    def effects(self) -> dict[str, Any]:
        """Effects by name, and requests by endpoint."""
        return {name: self._effects[name] for name in self._names} | {"requests": dict(self._requests)}

    def recent(self) -> list[dict[str, Any]]:
        """The remembered requests, oldest first."""
        return [asdict(seen) for seen in self._recent]
