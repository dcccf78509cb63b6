"""
Shares an account's limit between machines, by one script in Redis.

The script books by Redis's own clock, so that the clocks of the machines do not matter. It is sent whole each
time, since a restarted Redis has forgotten it. What else Redis has forgotten then, the machines know: each
tells how far ahead the account is booked, as far as it has learned.

While Redis does not answer, each machine keeps to its share of the rate, by the number of machines that Redis
last told. One process at a time then tries Redis again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_workflows.core.transport.limits.limiter import Limiter, Slot, warn_once

if TYPE_CHECKING:
    from redis import Redis

#: Seconds to connect to Redis, and to wait for its answer.
TIMEOUT = 0.4
#: Seconds for which a Redis that did not answer is not asked, and for which one process alone tries it.
AWAY, PROBE = 1.0, 1.0
#: Seconds after which a machine that books nothing is not counted.
FORGET = 60
#: Seconds that an answer takes at the most.
REPLY = 0.005
#: Seconds that stand for no limit.
LONGEST = 1e9
#: Seconds by which a machine's knowledge may be older than that of Redis.
SLACK = 0.05

#: KEYS: when the next slot is free, in microseconds; the machines by their last booking.
#: ARGV: microseconds between two slots, until the slot at the most, until the next slot as the machine knows,
#: the slack of that, and for which nothing may be sent; the machine's name; seconds to remember it.
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
if pause > 0 then
  tat = math.max(tat, now + pause)
elseif slot - now <= most then
  tat, booked = slot + interval, 1
end
local rest = math.max(0, tat - now)
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', string.format('%.0f', rest / 1000 + 60000))
return {string.format('%.0f', slot - now), booked, machines, string.format('%.0f', rest)}
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
        """Book the next free slot of all machines; of this one alone while Redis does not answer."""
        known = self._known()
        if known is None:
            return self._book_share(most)
        asked = self.clock()
        answer = self._ask(known, most=most)
        if answer is None:
            return self._book_share(most)
        # Redis has read its clock right before; what took longer was connecting.
        answered = self.clock()
        then = answered - min((answered - asked) / 2, REPLY)
        with self.state() as state:
            state.tat = max(state.tat, then + answer.rest)
            state.machines, state.away_until = answer.machines, 0.0
            slot = max(then + answer.wait, state.begun + self.distance)
            if answer.booked and slot <= self.clock():
                state.begun = slot
        return Slot(slot, booked=answer.booked)

    def postpone(self, seconds: float) -> None:
        """Let no request of the account be sent for some seconds, by any machine if Redis answers."""
        if (known := self._known()) is not None:
            self._ask(known, pause=seconds)
        super().postpone(seconds)

    def _known(self) -> _Known | None:
        """Return what this machine knows of the account; None if Redis is not to be asked."""
        with self.state() as state:
            now = self.clock()
            if now < state.away_until <= now + AWAY:
                return None
            if state.away_until:
                state.away_until = now + PROBE  # the others wait for what this process finds
            return _Known(ahead=max(0.0, state.tat - now), machine=state.machine)

    def _book_share(self, most: float) -> Slot:
        with self.state() as state:
            machines = state.machines
        return self.book_here(most, share=max(1, machines))

    def _ask(self, known: _Known, *, most: float = 0.0, pause: float = 0.0) -> _Answer | None:
        keys = [f"workflows:{{{self.account}}}:{name}" for name in ("next", "machines")]
        times = (self.interval, min(most, LONGEST), known.ahead, SLACK, pause)
        numbers = [f"{seconds * 1e6:.0f}" for seconds in times]
        try:
            client = self._client = self._client or _connect(self.url, self.password)
            answer: Any = client.eval(SCRIPT, len(keys), *keys, *numbers, known.machine, FORGET)
            wait, booked, machines, rest = map(int, answer)
        except Exception as error:
            self._away(error)
            return None
        return _Answer(wait / 1e6, bool(booked), machines, rest / 1e6)

    def _away(self, error: Exception) -> None:
        """Leave Redis alone for a while."""
        with self.state() as state:
            state.away_until = self.clock() + AWAY
            machines = state.machines
        missing = isinstance(error, ImportError)
        warn_once(
            f"redis {self.account}",
            "The limit of %g requests a second at %s is kept by this machine alone, at %s rate, until "
            "Redis at %s answers again (%s)",
            self.rate,
            self.server,
            f"1/{machines} of the" if machines > 1 else "the whole",
            _server_of(self.url),
            "the package redis is not installed" if missing else type(error).__name__,
        )


@dataclass(frozen=True)
class _Known:
    """What a machine tells Redis: its name, and the seconds until the next free slot that it knows of."""

    ahead: float
    machine: str


@dataclass(frozen=True)
class _Answer:
    """What Redis tells: seconds until the slot and the next free one, and the number of machines."""

    wait: float
    booked: bool
    machines: int
    rest: float


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
    return Redis(connection_pool=pool, retry=Retry(NoBackoff(), 0))
