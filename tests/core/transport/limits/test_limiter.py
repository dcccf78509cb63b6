"""Slots of one account: never too many, whoever asks when; and never a reason not to work."""

from __future__ import annotations

import itertools
import json
import logging
import multiprocessing
import os
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.transport.limits import limit_file, limiter
from airflow_provider_workflows.core.transport.limits.limit_file import LimitFile, LimitState, boot_id
from airflow_provider_workflows.core.transport.limits.limiter import Limiter

NAME = "0123456789abcdef"
#: Not by "fork": the tests' process has threads.
PROCESSES = multiprocessing.get_context("spawn")


class Time:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    limiter.forget()
    yield
    limiter.forget()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "limits"


def limit(folder: Path, *, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> Limiter:
    """Return a limiter; by the machine's own clock, one whose slots a busy machine cannot overtake."""
    rate = rate or (0.01 if clock is time.monotonic else 5.0)
    return Limiter(rate=rate, account=NAME, server="vendor:443", folder=str(folder), clock=clock)


class TestRate:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(
        rate=st.sampled_from([0.5, 1.0, 5.0, 50.0]),
        asked=st.lists(
            st.tuples(
                st.floats(0, 3),  # seconds since the one before
                st.sampled_from([0.0, 0.5, 4.0, float("inf")]),  # the most that it waits
                st.floats(0, 0.4),  # how late it begins
            ),
            min_size=2,
            max_size=40,
        ),
    )
    def test_no_second_has_more_than_the_plan_allows(
        self, tmp_path: Path, rate: float, asked: list[tuple[float, float, float]]
    ) -> None:
        """Whoever asks when, for how long, and however late it then begins."""
        clock = Time()
        one, other = (limit(tmp_path, rate=rate, clock=clock) for _ in range(2))
        (tmp_path / NAME).unlink(missing_ok=True)
        at_once, waiting = [], []
        for index, (pause, most, late) in enumerate(asked):
            clock.now += pause
            slot = (one, other)[index % 2].book(most)
            assert slot.at >= clock.now
            assert slot.booked == (slot.at - clock.now <= most)
            if slot.booked and slot.at > clock.now:
                waiting.append(slot.at + late)
            elif slot.booked:
                at_once.append(clock.now)
        for wakes in sorted(waiting):
            clock.now = max(clock.now, wakes)
            at_once.append(max(clock.now, one.begin()))
        begun = sorted(at_once)
        assert all(later - earlier >= one.distance - 1e-6 for earlier, later in itertools.pairwise(begun))
        allowed = max(1, int(rate))
        assert all(begun[i + allowed] - begun[i] >= allowed / rate for i in range(len(begun) - allowed))

    def test_the_rate_is_used(self, folder: Path) -> None:
        clock = Time()
        slots = [limit(folder, clock=clock).book(float("inf")) for _ in range(300)]
        assert 0.95 * 60 * 5 <= sum(slot.at < clock.now + 60 for slot in slots) <= 300

    def test_an_idle_account_saves_nothing_up(self, folder: Path) -> None:
        clock = Time()
        booking = limit(folder, clock=clock)
        booking.book(0)
        clock.now += 3600
        assert booking.book(0).booked
        assert not booking.book(0.1).booked

    def test_what_is_too_far_away_is_not_booked(self, folder: Path) -> None:
        clock = Time()
        booking = limit(folder, clock=clock)
        booking.book(0)
        refused = [booking.book(0.1) for _ in range(5)]
        assert {slot.booked for slot in refused} == {False}
        assert booking.book(1).at == refused[0].at == pytest.approx(1000 + booking.interval)

    def test_a_refusal_holds_all_up(self, folder: Path) -> None:
        clock = Time()
        limit(folder, clock=clock).postpone(30)
        assert limit(folder, clock=clock).book(float("inf")).at == 1030

    def test_a_refusal_frees_no_slot(self, folder: Path) -> None:
        clock = Time()
        booking = limit(folder, clock=clock)
        for _ in range(300):
            booking.book(float("inf"))
        booking.postpone(1)
        assert booking.book(float("inf")).at > 1059


def take(folder: str, seconds: float, told: Connection) -> None:
    """Be one of many processes that send as often as they may."""
    booking, end, begun = limit(Path(folder), rate=5), time.monotonic() + seconds, []
    while (slot := booking.book(float("inf"))).at < end:
        time.sleep(max(0.0, slot.at - time.monotonic()))
        begun.append(booking.begin())
    told.send(begun)


def hold(folder: str, told: Connection) -> None:
    """Take the lock and stay."""
    file = LimitFile(folder, NAME)
    file.open()
    told.send("locked")
    time.sleep(600)


def holding(folder: Path) -> Any:
    """Start a process that holds the lock."""
    mine, its = PROCESSES.Pipe()
    process = PROCESSES.Process(target=hold, args=(str(folder), its))
    process.start()
    assert mine.recv() == "locked"
    return process


class TestProcesses:
    def test_several_keep_to_one_rate_and_none_starves(self, folder: Path) -> None:
        pipes = [PROCESSES.Pipe() for _ in range(4)]
        many = [PROCESSES.Process(target=take, args=(str(folder), 5.0, its)) for _, its in pipes]
        for process in many:
            process.start()
        begun = [mine.recv() for mine, _ in pipes]
        for process in many:
            process.join()
        together = sorted(itertools.chain.from_iterable(begun))
        distance = limit(folder, rate=5).distance
        assert all(later - earlier >= distance - 1e-6 for earlier, later in itertools.pairwise(together))
        assert all(begun), "each has had some"

    def test_one_that_is_killed_with_the_lock_stops_nobody(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        process = holding(folder)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert limit(folder).book(0).booked
        assert not limit(folder).book(0).booked, "by the file"
        assert caplog.records == []

    def test_one_that_stands_still_with_the_lock_stops_nobody(
        self, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limit_file, "PATIENCE", 0.05)
        process = holding(folder)
        try:
            booking = limit(folder)
            assert booking.book(0).booked
            assert not booking.book(0).booked, "it counts its own"
            assert "another process holds its lock" in caplog.text
        finally:
            process.kill()
            process.join()

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_child_lets_go_of_what_its_parent_has_locked(self, folder: Path) -> None:
        file = LimitFile(str(folder), NAME)
        file.open()
        released, release = os.pipe()
        if not (child := os.fork()):
            os.close(release)
            os.read(released, 1)  # stays until its parent is done
            os._exit(0)
        try:
            file._release()
            assert limit(folder).book(0).booked
        finally:
            os.close(release)
            os.waitpid(child, 0)
            os.close(released)


class TestFile:
    @pytest.mark.parametrize(
        "garbage",
        [
            b"",
            b"\0" * 512,
            b"not json",
            b'{"boot": 1}',
            b"[]",
            b'{"tat": 1e999}',
            b"[" * 100_000,
            b"\xff\xfe" * 5000,
        ],
        ids=["empty", "zeros", "text", "another", "list", "part", "nested", "bytes"],
    )
    def test_garbage_is_nothing(self, folder: Path, garbage: bytes) -> None:
        folder.mkdir()
        (folder / NAME).write_bytes(garbage)
        assert limit(folder).book(0).booked
        assert not limit(folder).book(0).booked

    @given(st.binary(max_size=600))
    def test_whatever_is_there_can_be_read(self, data: bytes) -> None:
        state = LimitState.decode(data)
        assert LimitState.decode(state.encode()) == state

    @pytest.mark.parametrize("field", ["tat", "begun"])
    @pytest.mark.parametrize("value", [1e12, float("nan"), float("inf"), "soon", None, [1]])
    def test_a_time_that_cannot_be_is_none(self, folder: Path, field: str, value: Any) -> None:
        folder.mkdir()
        state = json.loads(LimitState().encode()) | {field: value}
        (folder / NAME).write_text(json.dumps(state))
        assert limit(folder).book(0).booked

    def test_another_boots_time_is_none(self, folder: Path) -> None:
        booking = limit(folder)
        booking.postpone(600)
        assert not booking.book(0).booked
        state = json.loads((folder / NAME).read_bytes())
        assert state["boot"] == boot_id()
        (folder / NAME).write_text(json.dumps({**state, "boot": "another"}))
        assert booking.book(0).booked

    def test_it_has_nothing_to_hide_and_everyone_may_write(self, folder: Path) -> None:
        before = os.umask(0o077)
        try:
            limit(folder).book(0)
        finally:
            os.umask(before)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o666
        assert b"vendor" not in (folder / NAME).read_bytes()

    def test_a_task_that_is_struck_lets_go_of_it(self, folder: Path) -> None:
        """As by its timeout, right after it has locked the file."""
        LimitFile(str(folder), NAME).open()
        assert limit(folder).book(0).booked
        assert not limit(folder).book(0).booked

    def test_a_file_that_is_removed_meanwhile_is_made_anew(self, folder: Path) -> None:
        booking = limit(folder)
        booking.book(0)
        (folder / NAME).unlink()
        assert booking.book(0).booked
        assert not booking.book(0).booked

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_several_users_share_it(self) -> None:
        """Each with a umask that lets nobody in."""
        with tempfile.TemporaryDirectory() as above:
            os.chmod(above, 0o1777)
            if not as_user(1001, lambda: os.access(above, os.W_OK)):
                pytest.skip("another user does not get to the temporary folder")
            folder = Path(above) / "limits"
            booked = [as_user(uid, lambda: limit(folder).book(0).booked) for uid in (1001, 1002, 0)]
            assert booked == [True, False, False]
            assert (folder / NAME).stat().st_uid == 1001


def as_user(uid: int, work: Callable[[], bool]) -> bool:
    """Return what a process of another user finds."""
    if not (child := os.fork()):
        os.umask(0o077)
        os.setuid(uid)
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TestWithoutAFile:
    """Where no file can be used, each process keeps to the rate for itself, and says so once."""

    @pytest.fixture(
        params=["no folder", "a file", "a link", "link to a file", "hard link", "pipe", "folder in its place"]
    )
    def unfit(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        folder, precious = tmp_path / "limits", tmp_path / "precious"
        precious.write_text("precious")
        if request.param == "no folder":
            return tmp_path / "nowhere" / "limits"
        if request.param == "a file":
            folder.touch()
        elif request.param == "a link":
            (tmp_path / "elsewhere").mkdir()
            folder.symlink_to(tmp_path / "elsewhere")
        else:
            folder.mkdir()
            make: dict[str, Callable[[], None]] = {
                "link to a file": lambda: (folder / NAME).symlink_to(precious),
                "hard link": lambda: (folder / NAME).hardlink_to(precious),
                "pipe": lambda: os.mkfifo(folder / NAME),
                "folder in its place": (folder / NAME).mkdir,
            }
            make[request.param]()
        return folder

    def test_it_works_and_says_so_once(
        self, unfit: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        booking = limit(unfit)
        assert booking.book(0).booked
        assert not booking.book(0).booked
        assert not limit(unfit).book(0).booked, "of the same process"
        assert [(one.levelno, one.name) for one in caplog.records] == [(logging.WARNING, limiter.__name__)]
        assert "limits_folder" in caplog.text
        assert (tmp_path / "precious").read_text() == "precious"

    def test_a_full_disk(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A file that can be opened but not be written."""
        folder.mkdir()
        (folder / NAME).touch()
        booking = limit(folder)
        resource = pytest.importorskip("resource")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            booked = [booking.book(0).booked for _ in range(3)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert booked[0]
        assert booked[-1] is False
        assert len(caplog.records) == 1

    def test_the_file_is_tried_again(self, tmp_path: Path) -> None:
        clock, folder = Time(), tmp_path / "above" / "limits"
        booking = limit(folder, clock=clock)
        booking.book(0)
        folder.parent.mkdir()
        clock.now += limiter.TRY_AGAIN_AFTER
        booking.book(0)
        assert (folder / NAME).exists()
