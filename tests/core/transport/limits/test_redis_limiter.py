"""One limit for several machines, by a real Redis that comes and goes."""

from __future__ import annotations

import itertools
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.transport.limits import limiter, redis_limiter
from airflow_provider_workflows.core.transport.limits.redis_limiter import RedisLimiter
from dev.ports import HeldPort

SERVER = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
PASSWORD = "opensesame"
#: Those that the test has made.
MACHINES: list[RedisLimiter] = []


@dataclass
class RedisServer:
    """A Redis that keeps nothing when it ends."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    arguments: tuple[str, ...] = ()

    def start(self) -> None:
        assert SERVER is not None
        command = [SERVER, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", *self.arguments]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        while not self.answers():
            assert self.process.poll() is None

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100)[:1] in (b"+", b"-")
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def redis_server(folder: Path, *arguments: str) -> Iterator[RedisServer]:
    with HeldPort() as port:
        server = RedisServer(folder, port.number, arguments=arguments)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    limiter.forget()
    yield
    limiter.forget()
    while MACHINES:
        MACHINES.pop().close()


class Time:
    """The machine's clock, and how far ahead a test has set it."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def machine(folder: Path, name: str, port: int, **how: Any) -> RedisLimiter:
    """One of several machines, each with a folder of its own."""
    facts = {"rate": 0.05, "account": "abc", "server": "vendor:443", **how}
    facts.setdefault("url", f"redis://127.0.0.1:{port}/0")
    MACHINES.append(RedisLimiter(folder=str(folder / name), **facts))
    return MACHINES[-1]


@needs_redis
class TestTogether:
    def test_machines_share_the_slots(self, redis: RedisServer, tmp_path: Path) -> None:
        machines = [machine(tmp_path, name, redis.port) for name in "ab"]
        slots = [machines[i % 2].book(float("inf")).at for i in range(6)]
        steps = [later - earlier for earlier, later in itertools.pairwise(slots)]
        assert steps == pytest.approx([machines[0].interval] * 5, abs=0.5)

    def test_what_is_too_far_away_is_not_booked(self, redis: RedisServer, tmp_path: Path) -> None:
        one, other = (machine(tmp_path, name, redis.port) for name in "ab")
        assert one.book(0).booked
        refused = [other.book(0.5) for _ in range(3)]
        assert {slot.booked for slot in refused} == {False}
        assert refused[0].at == pytest.approx(refused[-1].at, abs=0.5)

    def test_a_refusal_holds_all_machines_up(self, redis: RedisServer, tmp_path: Path) -> None:
        one, other = (machine(tmp_path, name, redis.port) for name in "ab")
        one.postpone(60)
        slot = other.book(1)
        assert not slot.booked
        assert slot.at - time.monotonic() > 50

    def test_an_empty_redis_learns_from_a_machine(self, redis: RedisServer, tmp_path: Path) -> None:
        """It is restarted and has forgotten all; what was booked stays booked."""
        one, other = (machine(tmp_path, name, redis.port) for name in "ab")
        last = [one.book(float("inf")) for _ in range(10)][-1]
        redis.kill()
        redis.start()
        assert one.book(float("inf")).at > last.at
        assert other.book(float("inf")).at > last.at


@needs_redis
class TestAway:
    def test_a_machine_keeps_to_its_share(
        self, redis: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        machines = [machine(tmp_path, name, redis.port, rate=5) for name in "ab"]
        for one in machines * 2:
            one.book(float("inf"))
        redis.kill()
        slots = [machines[i % 2].book(float("inf")).at for i in range(20)]
        interval = machines[0].interval
        for own in (slots[::2], slots[1::2]):
            steps = [later - earlier for earlier, later in itertools.pairwise(own)]
            assert steps == pytest.approx([2 * interval] * 9), "half of the rate"
        together = sorted(slots)
        # By the same clock, so that they do not come two at a time.
        assert min(b - a for a, b in itertools.pairwise(together)) == pytest.approx(
            interval, abs=interval / 2
        )
        said = [one for one in caplog.records if one.levelno == logging.WARNING]
        assert len(said) == 1, "by both, which are one process here"
        assert "1/2 of the limit" in said[0].getMessage()

    def test_never_seen_it_keeps_to_the_whole_rate(self, tmp_path: Path) -> None:
        one = machine(tmp_path, "a", 1, rate=5)
        slots = [one.book(float("inf")).at for _ in range(5)]
        assert slots[-1] - slots[0] == pytest.approx(4 * one.interval)

    def test_only_one_process_at_a_time_asks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each would pay for it; a short task's process could pay only that."""
        asked, clock = [], Time()

        def connect(*_: object) -> None:
            asked.append(1)
            raise OSError

        monkeypatch.setattr(redis_limiter, "_connect", connect)
        for _ in range(20):
            machine(tmp_path, "a", 1, clock=clock).book(0)
        assert len(asked) == 1
        clock.ahead += redis_limiter.AWAY + 1
        for _ in range(20):
            machine(tmp_path, "a", 1, clock=clock).book(0)
        assert len(asked) == 2

    def test_all_come_back_together(
        self, redis: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = Time()
        machines = [machine(tmp_path, name, redis.port, rate=5, clock=clock) for name in "ab"]
        for one in machines * 2:
            one.book(float("inf"))
        redis.kill()
        last = max(one.book(float("inf")).at for one in machines)
        redis.start()
        clock.ahead += redis_limiter.AWAY + 0.1
        machines[0].book(float("inf"))
        shares = [machines[0].book(float("inf")).at for _ in range(2)]
        assert shares[1] - shares[0] == pytest.approx(2 * machines[0].interval), "until the other is back"
        assert machines[1].book(float("inf")).at > last
        while not all(is_back(one) for one in machines):
            time.sleep(0.05)  # for Redis's own clock
            for one in machines:
                one.book(float("inf"))
        slots = sorted(machines[i % 2].book(float("inf")).at for i in range(6))
        steps = [later - earlier for earlier, later in itertools.pairwise(slots)]
        assert steps == pytest.approx([machines[0].interval] * 5, abs=machines[0].interval / 2)

    def test_one_that_was_started_anew_between_two_bookings_is_noticed(
        self, redis: RedisServer, tmp_path: Path
    ) -> None:
        clock = Time()
        one, other = (machine(tmp_path, name, redis.port, rate=5, clock=clock) for name in "ab")
        for _ in range(3):
            one.book(float("inf"))
            other.book(float("inf"))
        with one.state() as state:
            known = state.tat
        redis.kill()
        redis.start()
        # Neither has met a Redis that does not answer.
        shares = [one.book(float("inf")).at for _ in range(2)]
        assert shares[0] >= known
        assert shares[1] - shares[0] == pytest.approx(2 * one.interval), "the other's slots are left alone"
        assert not is_back(one)

    def test_two_machines_do_not_begin_at_once(self, redis: RedisServer, tmp_path: Path) -> None:
        clock = Time()
        one, other = (machine(tmp_path, name, redis.port, clock=clock) for name in "ab")
        # Both have waited, and both are late.
        began = one.begin()
        assert other.begin() - began == pytest.approx(one.distance, abs=1)


def is_back(one: RedisLimiter) -> bool:
    """Whether a machine books in Redis."""
    with one.state() as state:
        return not state.sharing


@needs_redis
class TestSecret:
    def test_a_password(self, tmp_path: Path) -> None:
        with redis_server(tmp_path, "--requirepass", PASSWORD) as server:
            in_url = machine(tmp_path, "a", 0, url=f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0")
            apart = machine(tmp_path, "b", server.port, password=PASSWORD)
            assert in_url.book(0).booked
            assert not apart.book(0).booked

    def test_a_wrong_one_is_not_shown(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with redis_server(tmp_path, "--requirepass", PASSWORD) as server:
            url = f"redis://user:{PASSWORD}-not@127.0.0.1:{server.port}/0"
            one = machine(tmp_path, "a", 0, url=url)
            assert one.book(0).booked, "work goes on"
            assert f"127.0.0.1:{server.port}" in caplog.text
            assert PASSWORD not in caplog.text + repr(one)


@pytest.mark.parametrize("url", ["redis://[", "http://x", "", "redis://127.0.0.1:99999"])
def test_an_address_that_is_none_stops_no_work(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert machine(tmp_path, "a", 0, url=url).book(0).booked
    assert "cannot be used" in caplog.text
