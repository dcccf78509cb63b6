"""Programs and all that they start end when they are told to, and when whoever started them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.layout import ROOT
from dev.process import INTERRUPTED, KeptProcess, tail

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the guarantee rests on Linux's child subreaper"
)

# A family that resists: the parent and its child, which has left for a session of its own, ignore SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
SECONDS = 20.0


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def family_of(pids: Path) -> list[int]:
    wait_for(pids.exists)
    return [int(pid) for pid in pids.read_text().split()]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., KeptProcess]]:
    started: list[KeptProcess] = []

    def start_python(program: str, *arguments: str, grace: float = 0.3) -> KeptProcess:
        started.append(
            KeptProcess(
                [sys.executable, "-c", program, *arguments],
                log=tmp_path / "log",
                environment=dict(os.environ),
                grace=grace,
            )
        )
        return started[-1]

    yield start_python
    for process in started:
        process.stop()


def test_stop_ends_all_even_those_that_resist(start: Callable[..., KeptProcess], tmp_path: Path) -> None:
    process = start(FAMILY, str(tmp_path / "pids"))
    family = family_of(tmp_path / "pids")
    assert all(map(is_running, family))
    process.stop()
    assert not any(map(is_running, family))


def test_kill_does_not_wait_for_grace(start: Callable[..., KeptProcess], tmp_path: Path) -> None:
    process = start(FAMILY, str(tmp_path / "pids"), grace=60.0)
    family = family_of(tmp_path / "pids")
    began = time.monotonic()
    process.kill()
    assert not any(map(is_running, family))
    assert time.monotonic() - began < SECONDS


def test_death_of_the_starter_ends_all(tmp_path: Path) -> None:
    starter = textwrap.dedent(
        f"""
        import os, sys, time
        from pathlib import Path
        from dev.process import KeptProcess
        KeptProcess([sys.executable, "-c", {FAMILY!r}, sys.argv[1]],
                    log=Path(sys.argv[1] + ".log"), environment=dict(os.environ), grace=0.3)
        time.sleep(600)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", starter, str(tmp_path / "pids")], cwd=ROOT)
    try:
        family = family_of(tmp_path / "pids")
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not any(map(is_running, family)))


def test_orphans_end_with_the_program_that_left_them(
    start: Callable[..., KeptProcess], tmp_path: Path
) -> None:
    process = start(FAMILY.replace("time.sleep(600)\n", ""), str(tmp_path / "pids"))
    family = family_of(tmp_path / "pids")
    wait_for(lambda: process.exit_code is not None)
    assert not any(map(is_running, family))


def test_exit_code_and_output_are_passed_on(start: Callable[..., KeptProcess]) -> None:
    process = start("import sys; print('one'); print('two', file=sys.stderr); sys.exit(7)")
    wait_for(lambda: process.exit_code is not None)
    assert process.exit_code == 7
    assert sorted(tail(process.log).splitlines()) == ["one", "two"]


def test_grace_lets_a_program_end_in_order(start: Callable[..., KeptProcess], tmp_path: Path) -> None:
    farewell = tmp_path / "farewell"
    process = start(
        "import pathlib, signal, sys, time\n"
        "def end(*_): pathlib.Path(sys.argv[1]).write_text('bye'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(600)",
        str(farewell),
        grace=SECONDS,
    )
    wait_for(lambda: "ready" in tail(process.log))
    process.stop()
    assert farewell.read_text() == "bye"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_unwinds_once_and_exits_with_130(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from dev.process import interruptible\n"
        "with interruptible():\n"
        "    try:\n"
        "        print('ready', flush=True); time.sleep(600)\n"
        "    finally:\n"
        "        print('unwinding', flush=True); time.sleep(0.3); print('unwound', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout as output:
        for line in ("ready\n", "unwinding\n"):
            assert output.readline() == line
            process.send_signal(number)  # the second one comes while it unwinds, and must not cut that short
        assert output.readline() == "unwound\n"
    assert process.wait(SECONDS) == INTERRUPTED
