"""What a vendor has seen and done: the requests that came and the effects that they had."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Iterable
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


@dataclass(frozen=True)
class SentRequest:
    """A request that carries a tag: when its body had been read, in seconds since the epoch, real time."""

    tag: str
    endpoint: str
    at: float


class Journal:
    """Counters of one vendor since the last reset."""

    def __init__(self, *effects: str) -> None:
        self._names = effects
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._effects: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        #: How many requests came in all.
        self.requests = 0
        self._recent: deque[SeenRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        self._tags: re.Pattern[str] | None = None
        self._sent: list[SentRequest] = []

    def effect(self, name: str) -> None:
        """Count one effect, such as an order opened."""
        self._effects[name] += 1

    def request(self, seen: SeenRequest) -> None:
        """Count and remember one request."""
        self._requests[seen.endpoint] += 1
        self.requests += 1
        self._recent.append(seen)

    def watch(self, pattern: str) -> None:
        """
        From now on note every request whose body has a match of a pattern: the match is its tag.

        :param pattern: regular expression of what the caller puts into each of its requests, and no secret.
        :raises re.error: if it is none.
        """
        self._tags = re.compile(pattern)

    def tag_of(self, texts: Iterable[str]) -> str | None:
        """
        Return the tag of a request, if a watch is set and it has one.

        :param texts: its body, or the text parts of it.
        """
        if self._tags is None:
            return None
        matches = (self._tags.search(text) for text in texts)
        return next((match[0] for match in matches if match), None)

    def tagged(self, tag: str, endpoint: str) -> None:
        """Note a request that carries a tag."""
        self._sent.append(SentRequest(tag, endpoint, time.time()))

    def sent(self) -> list[dict[str, Any]]:
        """All requests that carried a tag, oldest first."""
        return [asdict(request) for request in self._sent]

    def effects(self) -> dict[str, Any]:
        """Effects by name, and requests by endpoint."""
        return {name: self._effects[name] for name in self._names} | {"requests": dict(self._requests)}

    def recent(self) -> list[dict[str, Any]]:
        """Return the remembered requests, oldest first."""
        return [asdict(seen) for seen in self._recent]
