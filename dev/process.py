"""Starting other programs so that they end when we do, however we do."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from dev import keeper
from dev.layout import ROOT

INTERRUPTED = 130


class KeptProcess:
    """
    A program and all it starts, which end with :meth:`stop` or with this process, even if that is killed.

    :param command: program and arguments
    :param log: file that receives its output; appended to
    :param environment: all environment variables of the program
    :param grace: seconds it gets to end in order before it is killed
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], grace: float = 10.0
    ) -> None:
        self.log = log
        self._grace = grace
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            # Its own session: a Ctrl-C in the terminal reaches us alone, and we stop things in order.
            self._keeper = subprocess.Popen(
                [sys.executable, "-S", keeper.__file__, str(grace), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=ROOT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of what keeps the program, which is above all that it starts."""
        return self._keeper.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of the program, or None while it runs."""
        return self._keeper.poll()

    def begin_stop(self) -> None:
        """Ask the program to end, without waiting; for stopping several at once."""
        if self._keeper.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.close()

    def stop(self) -> None:
        """End the program in order and return when nothing of it is left."""
        self.begin_stop()
        self._keeper.wait(timeout=self._grace + 60)

    def kill(self) -> None:
        """End the program and all it started without warning, as a loss of power would."""
        self._keeper.send_signal(signal.SIGUSR1)
        self.stop()


def tail(log: Path, *, lines: int = 15) -> str:
    """Last lines of a log file, for an error message."""
    return "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-lines:])


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and a closed terminal unwind like Ctrl-C does, and exit with 130 after any of them."""
    requests = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for request in requests:
            signal.signal(
                request, signal.SIG_IGN
            )  # an impatient second Ctrl-C must not cut the unwinding short
        raise KeyboardInterrupt

    for request in requests:
        signal.signal(request, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
