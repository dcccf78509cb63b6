"""
Runs one command so that nothing of it can outlive whoever asked for it.

usage: python keeper.py GRACE COMMAND [ARGUMENT...]

The keeper holds the command until one of these happens, then ends the command and all that it started:

* standard input reaches its end, which it also does when the asking process dies in whatever way
* SIGTERM, SIGINT or SIGHUP arrives
* SIGUSR1 arrives: as above, but at once, as if the machine had lost power
* the command ends by itself

GRACE is how many seconds the command gets, after a SIGTERM, to end by itself before the rest is killed.

It runs before any environment exists and in several copies at once: it is small, and needs the standard
library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

LINUX = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER = 36
TICK = 0.05


class Keeper:
    """The state of one kept command."""

    def __init__(self, *, command: list[str], grace: float) -> None:
        self.grace = grace
        self.stopping = False
        self.exit_code: int | None = None
        self._command = command

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        if number == signal.SIGUSR1:
            self.grace = 0.0

    def run(self) -> int:
        """Keep the command until it ends or is to end; returns its exit code, or 0 if it was stopped."""
        self.child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        while self.exit_code is None and not self.stopping:
            self._listen()
            self._reap()
        ended_by_itself = self.exit_code
        if self.exit_code is None and self.grace:
            self._ask_to_end()
        self._kill_the_rest()
        return conventional(ended_by_itself)

    def _listen(self) -> None:
        """Wait a moment, and notice the end of standard input."""
        if select.select([sys.stdin], [], [], TICK * 2)[0] and not os.read(sys.stdin.fileno(), 512):
            self.stopping = True

    def _reap(self) -> None:
        """Collect every process that has ended; orphans of the command are ours to collect, too."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.child.pid:
                    self.exit_code = self.child.returncode = os.waitstatus_to_exitcode(ended[1])

    def _ask_to_end(self) -> None:
        deadline = time.monotonic() + self.grace
        self.child.terminate()
        while self.exit_code is None and time.monotonic() < deadline and self.grace:
            time.sleep(TICK)
            self._reap()

    def _kill_the_rest(self) -> None:
        if not LINUX:
            os.killpg(0, signal.SIGKILL)
        while survivors := descendants(os.getpid()):
            for pid in survivors:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(TICK / 5)
            self._reap()
        self._reap()


def conventional(exit_code: int | None) -> int:
    """
    Exit code as shells give it: 128 and the signal's number if a signal ended the program.

    :param exit_code: negative for a signal, None if the program was stopped as it should be
    """
    if exit_code is None:
        return 0
    return exit_code if exit_code >= 0 else 128 - exit_code


def descendants(ancestor: int) -> list[int]:
    """Process ids below a process, from Linux's /proc; none on other systems."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The second field is the command's name in parentheses and may contain anything.
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found = list(children.get(ancestor, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def main() -> int:
    if LINUX:
        # Orphans of the command become children of the keeper instead of escaping to init.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    keeper = Keeper(grace=float(sys.argv[1]), command=sys.argv[2:])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, keeper.on_signal)
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
