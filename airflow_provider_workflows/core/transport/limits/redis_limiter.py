"""
Shares an account's limit between machines, by one script in Redis.

The script books by Redis's own clock, so that the clocks of the machines do not matter. It is sent whole each
time, since a restarted Redis has forgotten it. What else Redis has forgotten then, the machines know: each
tells how far ahead the account is booked, as far as it has learned.

While Redis does not answer, each machine keeps to its share of the rate. Of two machines, one takes each even
slot and the other each odd one, by Redis's clock as they last saw it. One process at a time then tries Redis
again. When it answers, each still keeps to its share until all have had the time to come back, and tells
Redis what it has booked; else the first to come back would book the slots of those that are still away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
#: Seconds that all machines have to come back to a Redis that answers again, before they book there again;
#: and how many of their own slots they have besides, since a machine asks when it books.
SETTLE, SETTLE_SLOTS = 1.5, 2
#: Seconds of other machines' bookings at the most that are allowed for when Redis goes away.
MISSED = 10.0
#: Seconds after which a machine that books nothing is not counted.
FORGET = 60
#: Seconds that an answer takes at the most.
REPLY = 0.005
#: Seconds that stand for no limit, and for no slot at all.
LONGEST, NEVER = 1e9, -1.0
#: Seconds by which a machine's knowledge may be older than that of Redis.
SLACK = 0.05

#: KEYS: when the next slot is free, in microseconds; the machines by their last booking; whether machines are
#: still coming back; when the last request began. ARGV: microseconds between two slots, between two
#: beginnings, until the slot at the most, until the next slot as the machine knows, the slack of that, and
#: for which nothing may be sent; the machine's name; seconds to remember it; whether it comes back; whether
#: the first key must be there; milliseconds that all have to come back, and those besides for each machine.
BOOK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, distance, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local ahead, slack, pause = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local name, forget, returning, remembered = ARGV[7], tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10] == '1'
local function text(number) return string.format('%.0f', number) end
redis.call('ZADD', KEYS[2], text(now), name)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - forget * 1000000))
redis.call('EXPIRE', KEYS[2], forget * 2)
local machines = redis.call('ZCARD', KEYS[2])
local value = redis.call('GET', KEYS[1])
local known = value and tonumber(value)
if returning or (remembered and not known) then
  redis.call('SET', KEYS[3], '1', 'NX', 'PX', text(ARGV[11] + machines * ARGV[12]))
end
local settling = math.max(0, redis.call('PTTL', KEYS[3]))
if known and known - now > 86400000000 then known = nil end
local tat = known and math.max(known, now + ahead - slack) or now + ahead
local begun = tonumber(redis.call('GET', KEYS[4]) or 0)
if begun - now > 86400000000 then begun = 0 end
local slot, booked = math.max(now, tat, begun + distance), 0
if pause > 0 then
  tat = math.max(tat, now + pause)
elseif settling == 0 and slot - now <= most then
  tat, booked = slot + interval, 1
  if slot <= now then redis.call('SET', KEYS[4], text(now), 'PX', 60000) end
end
local rest = math.max(0, tat - now)
redis.call('SET', KEYS[1], text(tat), 'PX', text(rest / 1000 + 60000))
local rank = 0
for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if other < name then rank = rank + 1 end
end
return {text(slot - now), booked, text(rest), text(now), machines, rank, settling}
"""
#: KEYS: when the last request began. ARGV: microseconds between two beginnings.
BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local begun = tonumber(redis.call('GET', KEYS[1]) or 0)
if begun - now > 86400000000 then begun = 0 end
begun = math.max(now, begun + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', begun), 'PX', 60000)
return string.format('%.0f', begun - now)
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
                self._begin_sharing(state)
                state.returning, state.away_until = False, 0.0
            mine = self.book_here(most)
            if (known := self._known()) is not None:
                self._ask(known, most=NEVER)  # tells what it has just booked
            return mine
        with self.state() as state:
            state.tat = max(state.tat, then + answer.rest)
            state.machines, state.rank, state.away_until = answer.machines, answer.rank, 0.0
            state.offset, state.heard, state.sharing = answer.now - then, then, False
            slot = max(then + answer.wait, state.begun + self.distance)
            if answer.booked and slot <= self.clock():
                state.begun = slot
        return Slot(slot, booked=answer.booked)

    def begin(self) -> float:
        """Return when a request may begin that has waited: not too close to any machine's last one."""
        begun, asked = super().begin(), self.clock()
        with self.state() as state:
            away = self._is_away(state)
        wait = None if away else self._eval(BEGIN, ("begun",), f"{self.distance * 1e6:.0f}")
        if wait is None:
            return begun
        with self.state() as state:
            begun = state.begun = max(state.begun, asked + int(wait) / 1e6)
        return begun

    def postpone(self, seconds: float) -> None:
        """Let no request of the account be sent for some seconds, by any machine if Redis answers."""
        if (known := self._known()) is not None:
            self._ask(known, pause=seconds)
        super().postpone(seconds)

    def close(self) -> None:
        """Close the connection to Redis; the next booking opens a new one."""
        if self._client is not None:
            self._client.connection_pool.disconnect()
            self._client = None

    def _known(self) -> _Known | None:
        """Return what this machine knows of the account; None if Redis is not to be asked."""
        with self.state() as state:
            if self._is_away(state):
                return None
            now = self.clock()
            ahead = max(0.0, state.tat - now)
            if state.away_until:
                state.away_until = now + PROBE  # the others wait for what this process finds
            remembered = state.machines > 1 and now - state.heard < FORGET
            return _Known(ahead, state.machine, returning=state.returning, remembered=remembered)

    def _is_away(self, state: LimitState) -> bool:
        now = self.clock()
        return now < state.away_until <= now + max(AWAY, PROBE)

    def _begin_sharing(self, state: LimitState) -> None:
        """Skip what others have booked since this machine last heard: as much as before, if all are busy."""
        if not state.sharing and state.machines > 1:
            now = self.clock()
            missed = min(now - state.heard, max(0.0, state.tat - state.heard), MISSED)
            state.tat = max(state.tat, now) + missed + (state.machines - 1) * self.interval
        state.sharing = True

    def _of_share(self, slot: float, state: LimitState) -> float:
        if state.machines < 2:
            return slot
        every, first = state.machines * self.interval, state.rank * self.interval - state.offset
        return first + math.ceil((slot - first) / every) * every

    def _ask(self, known: _Known, *, most: float = 0.0, pause: float = 0.0) -> _Answer | None:
        times = (self.interval, self.distance, min(most, LONGEST), known.ahead, SLACK, pause)
        answer = self._eval(
            BOOK,
            ("next", "machines", "settling", "begun"),
            *(f"{seconds * 1e6:.0f}" for seconds in times),
            known.machine,
            FORGET,
            int(known.returning),
            int(known.remembered),
            int(SETTLE * 1e3),
            int(SETTLE_SLOTS * self.interval * 1e3),
        )
        if answer is None:
            return None
        wait, booked, rest, now, machines, rank, settling = map(int, answer)
        return _Answer(wait / 1e6, bool(booked), rest / 1e6, now / 1e6, machines, rank, settling / 1e3)

    def _eval(self, script: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """Run a script in Redis and return what it answers; None if Redis does not."""
        names = [f"workflows:{{{self.account}}}:{key}" for key in keys]
        try:
            client = self._client = self._client or _connect(self.url, self.password)
            return client.eval(script, len(names), *names, *arguments)
        except Exception as error:
            self._away(error)
            return None

    def _away(self, error: Exception) -> None:
        """Leave Redis alone for a while."""
        with self.state() as state:
            self._begin_sharing(state)
            machines = state.machines
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
    :param remembered: whether Redis knows what is booked, unless it was started anew
    """

    ahead: float
    machine: str
    returning: bool
    remembered: bool


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
    try:
        client.ping()  # so that the first slot is not late by the time of connecting
    except BaseException:
        pool.disconnect()
        raise
    return client
