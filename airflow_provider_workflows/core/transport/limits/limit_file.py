"""
The file by which all processes of a machine share an account's limit.

Its folder can be written by every user of the machine, as tasks may run as several (``run_as_user``). So a
file counts only if it is a plain file with one name, and nothing in it is believed that cannot be so.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import math
import os
import stat
import time
import uuid
from dataclasses import asdict, dataclass, field, fields

#: Bytes of a file; it is always written whole.
SIZE = 512
#: Seconds until the next free slot at the most. What is further away was not booked.
MOST_AHEAD = 86_400.0
#: Seconds to wait for others that hold the lock. None holds it for a millisecond, unless it stands still.
PATIENCE = 2.0
#: How often a file is opened that was just being made or removed.
TRIES = 20
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

#: Files open now. A fork would keep their locks.
_open: set[int] = set()


def _let_go() -> None:
    """Close in a child what its parent has locked: a lock lasts until the last copy is closed."""
    for fd in _open:
        with contextlib.suppress(OSError):
            os.close(fd)
    _open.clear()


os.register_at_fork(after_in_child=_let_go)


@dataclass
class LimitState:
    """
    What a machine knows of an account's slots.

    :param tat: reading of :func:`time.monotonic` at which the next slot is free
    :param begun: reading of :func:`time.monotonic` at which the last request began, or will begin at once
    :param machines: how many machines shared the account when Redis last told; 0 if it never did
    :param rank: the place of this machine among them, from 0
    :param offset: seconds by which Redis's clock was ahead of :func:`time.monotonic`
    :param heard: reading of :func:`time.monotonic` when Redis last told
    :param away_until: reading of :func:`time.monotonic` until which Redis is not asked
    :param sharing: whether the machine keeps to its share, because Redis does not know what is booked
    :param returning: whether Redis did not answer when it was last asked
    :param machine: what tells this machine from others in Redis
    """

    tat: float = 0.0
    begun: float = 0.0
    machines: int = 0
    rank: int = 0
    offset: float = 0.0
    heard: float = 0.0
    away_until: float = 0.0
    sharing: bool = False
    returning: bool = False
    machine: str = field(default_factory=lambda: uuid.uuid4().hex)

    def encode(self) -> bytes:
        """Return the state as a file's contents."""
        return json.dumps({"boot": boot_id(), **asdict(self)}).encode().ljust(SIZE - 1) + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> LimitState:
        """Read a file's contents; what another machine, another boot or nobody has written is nothing."""
        try:
            read = json.loads(data)
            if read["boot"] != boot_id():
                return cls()
            known = {one.name: read[one.name] for one in fields(cls)}
            state = cls(
                tat=float(known["tat"]),
                begun=float(known["begun"]),
                machines=min(int(known["machines"]), 10_000),
                rank=int(known["rank"]),
                offset=float(known["offset"]),
                heard=float(known["heard"]),
                away_until=float(known["away_until"]),
                sharing=bool(known["sharing"]),
                returning=bool(known["returning"]),
                machine=str(known["machine"])[:64],
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return cls()
        times = (state.tat, state.begun, state.offset, state.heard, state.away_until)
        return state if all(map(math.isfinite, times)) else cls()


@functools.cache
def boot_id() -> str:
    """Return what changes when the machine is started anew, as its monotonic clock does."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""  # the temporary folder is then emptied at each start, as on macOS


class LimitFile:
    """
    One account's file, which is locked from :meth:`open` to :meth:`close`.

    :param folder: path of the folder
    :param name: name of the file
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self._fd = -1
        self._state = LimitState()
        self._before = b""

    def open(self) -> LimitState:
        """
        Lock the file and return what is in it, to be changed.

        :raises OSError: the file cannot be used
        """
        folder = self._open_folder()
        try:
            for _ in range(TRIES):
                self._fd = _open_or_make(self._name, folder)
                _open.add(self._fd)
                try:
                    _lock(self._fd)
                    if _is_current(self._fd):
                        self._before = os.pread(self._fd, SIZE, 0)
                        self._state = LimitState.decode(self._before)
                        return self._state
                except BaseException:
                    self._release()
                    raise
                self._release()
        finally:
            os.close(folder)
        raise OSError(0, "it is being removed again and again")

    def close(self) -> None:
        """
        Write the state, and unlock the file.

        :raises OSError: it cannot be written
        """
        try:
            data = self._state.encode()
            if data != self._before and os.pwrite(self._fd, data, 0) != len(data):
                raise OSError(0, "the disk is full")
        finally:
            self._release()

    def __del__(self) -> None:
        # A task's timeout may strike between any two lines of who has opened it.
        self._release()

    def _open_folder(self) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(self._folder, flags)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._folder, 0o777)
                os.chmod(self._folder, 0o1777)  # what mkdir is told is cut by the umask
            return os.open(self._folder, flags)

    def _release(self) -> None:
        fd, self._fd = self._fd, -1
        if fd in _open:
            _open.discard(fd)
            try:
                # Not by closing alone: a child may have a copy.
                fcntl.flock(fd, fcntl.LOCK_UN)
            finally:
                os.close(fd)


def _open_or_make(name: str, folder: int) -> int:
    """
    Open a file, or make one that every user can open.

    First without O_CREAT: in a folder that all can write, Linux refuses it for a file of another user
    (``fs.protected_regular``).
    """
    for last in (*[False] * (TRIES - 1), True):
        try:
            return os.open(name, _FLAGS, dir_fd=folder)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                fd = os.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
                os.fchmod(fd, 0o666)  # what open is told is cut by the umask
                return fd
        except PermissionError:
            if last:
                raise
            time.sleep(0.001)  # its maker is about to let others in
    raise OSError(0, "it is being removed again and again")


def _lock(fd: int) -> None:
    """
    Lock a file.

    :raises TimeoutError: a process that stands still holds it
    """
    end, pause = time.monotonic() + PATIENCE, 0.0002
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError("another process holds its lock") from None
        time.sleep(pause)
        pause = min(2 * pause, 0.005)


def _is_current(fd: int) -> bool:
    """
    Return whether a file still has its name.

    :raises OSError: it is no plain file, or has other names: it is not ours to write
    """
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise OSError(0, "it is not a file of its own")
    return found.st_nlink == 1
