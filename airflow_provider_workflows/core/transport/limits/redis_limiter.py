"""
Shares an account's limit between machines, by one script in Redis.

The script books by Redis's own clock, so that the clocks of the machines do not matter. It is sent whole each
time, since a restarted Redis has forgotten it. What else Redis has forgotten then, the machines know: each
tells how far ahead the account is booked, as far as it has learned.

While Redis does not answer, each machine keeps to its share of the rate. Of two machines, one takes each even
slot and the other each odd one, by Redis's clock as they last saw it. One process at a time then tries Redis
again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_workflows.core.transport.limits.limit_file import LimitState
from airflow_provider_workflows.core.transport.limits.limiter import Limiter, Slot, warn_once

if TYPE_CHECKING:
    from redis import Redis

#: Seconds to connect to Redis, and to wait for its answer.
TIMEOUT = 0.4
#: Seconds for which a Redis that did not answer is not asked, and for which one process alone tries it.
AWAY, PROBE = 1.0, 1.0
#: Seconds that all machines have to come back to a Redis that answers again, before they book there again.
SETTLE = 1.5
#: Seconds after which a machine that books nothing is not counted.
FORGET = 60
#: Seconds that an answer takes at the most.
REPLY = 0.005
#: Seconds that stand for no limit.
LONGEST = 1e9
#: Seconds by which a machine's knowledge may be older than that of Redis.
SLACK = 0.05

#: KEYS: when the next slot is free, in microseconds; the machines by their last booking; whether machines are
#: still coming back. ARGV: microseconds between two slots, until the slot at the most, until the next slot as
#: the machine knows, the slack of that, and for which nothing may be sent; the machine's name; seconds to
#: remember it; milliseconds for all machines to come back, if this one does.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, most, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slack, pause = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[7] * 1000000))
redis.call('EXPIRE', KEYS[2], ARGV[7] * 2)
local machines = redis.call('ZCARD', KEYS[2])
local value = redis.call('GET', KEYS[1])
local known = value and tonumber(value)
if known and known - now > 86400000000 then known = nil end
local tat = known and math.max(known, now + ahead - slack) or now + ahead
local slot, booked = math.max(now, tat), 0
if tonumber(ARGV[8]) > 0 then redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[8]) end
local settling = math.max(0, redis.call('PTTL', KEYS[3]))
if pause > 0 then
  tat = math.max(tat, now + pause)
elseif settling == 0 and slot - now <= most then
  tat, booked = slot + interval, 1
end
local rest = math.max(0, tat - now)
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', string.format('%.0f', rest / 1000 + 60000))
local rank = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if name < ARGV[6] then rank = rank + 1 end
end
local function text(number) return string.format('%.0f', number) end
return {text(slot - now), booked, text(rest), text(now), machines, rank, settling}
"""


@dataclass(kw_only=True)
class RedisLimiter(Limiter):
    """
    Books slots in Redis, which all machines share.

    :param url: of Redis; it may contain a password, and is never shown
    :param password: of Redis, if the URL has none
    """

    url: str = field(repr=False)
    password: str = field(default="", repr=False)
    _client: Redis | None = field(default=None, init=False, compare=False, repr=False)

    def book(self, most: float) -> Slot:
        """Book the next free slot of all machines; of this one's share while Redis does not answer."""
        known = self._known()
        if known is None:
            return self.book_here(most)
        asked = self.clock()
        answer = self._ask(known, most=most)
        if answer is None:
            return self.book_here(most)
        # Redis has read its clock right before; what took longer was connecting.
        answered = self.clock()
        then = answered - min((answered - asked) / 2, REPLY)
        if answer.settling:
            with self.state() as state:
                state.returning, state.away_until = False, then + answer.settling
            return self.book_here(most)
        with self.state() as state:
            state.tat = max(state.tat, then + answer.rest)
            state.machines, state.rank, state.away_until = answer.machines, answer.rank, 0.0
            state.offset = answer.now - then
            slot = max(then + answer.wait, state.begun + self.distance)
            if answer.booked and slot <= self.clock():
                state.begun = slot
        return Slot(slot, booked=answer.booked)

    def postpone(self, seconds: float) -> None:
        """Let no request of the account be sent for some seconds, by any machine if Redis answers."""
        if (known := self._known()) is not None:
            self._ask(known, pause=seconds)
        super().postpone(seconds)

    def close(self) -> None:
        """Close the connection to Redis; the next booking opens a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _known(self) -> _Known | None:
        """Return what this machine knows of the account; None if Redis is not to be asked."""
        with self.state() as state:
            now = self.clock()
            if now < state.away_until <= now + max(AWAY, SETTLE):
                return None
            ahead = max(0.0, state.tat - now)
            if state.away_until:
                state.away_until = now + PROBE  # the others wait for what this process finds
                ahead += state.machines * self.interval  # what others may have booked meanwhile
            return _Known(ahead, state.machine, returning=state.returning)

    def _of_share(self, slot: float, state: LimitState) -> float:
        if state.machines < 2:
            return slot
        every, first = state.machines * self.interval, state.rank * self.interval - state.offset
        return first + math.ceil((slot - first) / every) * every

    def _ask(self, known: _Known, *, most: float = 0.0, pause: float = 0.0) -> _Answer | None:
        keys = [f"workflows:{{{self.account}}}:{name}" for name in ("next", "machines", "settling")]
        times = (self.interval, min(most, LONGEST), known.ahead, SLACK, pause)
        settle = int(SETTLE * 1000) if known.returning else 0
        numbers = [f"{seconds * 1e6:.0f}" for seconds in times]
        try:
            client = self._client = self._client or _connect(self.url, self.password)
            answer: Any = client.eval(SCRIPT, len(keys), *keys, *numbers, known.machine, FORGET, settle)
            wait, booked, rest, now, machines, rank, settling = map(int, answer)
        except Exception as error:
            self._away(error)
            return None
        return _Answer(wait / 1e6, bool(booked), rest / 1e6, now / 1e6, machines, rank, settling / 1e3)

    def _away(self, error: Exception) -> None:
        """Leave Redis alone for a while."""
        with self.state() as state:
            machines = state.machines
            if not state.returning:
                # Others may have booked since this machine has last heard.
                state.tat = max(state.tat, self.clock()) + (machines - 1) * self.interval
            state.returning, state.away_until = True, self.clock() + AWAY
        missing = isinstance(error, ImportError)
        warn_once(
            f"redis {self.account}",
            "Redis at %s cannot be used (%s)\n"
            "Until it answers, this machine keeps to %s limit of %g requests a second at %s",
            _server_of(self.url),
            "the package redis is not installed" if missing else type(error).__name__,
            f"1/{machines} of the" if machines > 1 else "the whole",
            self.rate,
            self.server,
        )


@dataclass(frozen=True)
class _Known:
    """
    What a machine tells Redis.

    :param ahead: seconds until the next free slot that it knows of
    :param machine: its name
    :param returning: whether Redis did not answer it before
    """

    ahead: float
    machine: str
    returning: bool


@dataclass(frozen=True)
class _Answer:
    """
    What Redis tells.

    :param wait: seconds until the slot
    :param rest: seconds until the next free slot
    :param now: seconds on its clock
    :param machines: how many there are
    :param rank: the machine's place among them, from 0
    :param settling: seconds for which each machine still keeps to its share, so that all can come back
    """

    wait: float
    booked: bool
    rest: float
    now: float
    machines: int
    rank: int
    settling: float


def _server_of(url: str) -> str:
    """Return Redis's server as ``host:port``, and nothing else of its URL."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else "a local socket"
    except ValueError:
        return "an address that is not valid"


def _connect(url: str, password: str) -> Redis:
    from redis import ConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    pool = ConnectionPool.from_url(url)
    # Whatever the URL says: by default, the client tries for half a minute.
    pool.connection_kwargs |= {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
    }
    if password:
        pool.connection_kwargs["password"] = password
    client = Redis(connection_pool=pool, retry=Retry(NoBackoff(), 0))
    client.ping()  # so that the first slot is not late by the time of connecting
    return client
