"""Finding a Redis server, with made-up ones on the PATH. What it shares is tested with finding a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dev.machine import Machine

APT_GET = """#!/bin/sh
case "$*" in
    update*) exit 0 ;;
    "install "*" redis-server") [ "$RUNLEVEL" = 1 ] || exit 1 ;;
    *) exit 1 ;;
esac
echo '#!/bin/sh' >{folder}/redis-server
/bin/chmod +x {folder}/redis-server
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The machine of a user without rights."""
    machine = Machine(tmp_path, script="find-redis")
    machine.install("id", "#!/bin/sh\necho 1000\n")
    return machine


def test_redis_comes_before_its_fork(machine: Machine) -> None:
    machine.install("valkey-server")
    assert machine.find().stdout == f"{machine.folder / 'valkey-server'}\n"
    machine.install("redis-server")
    assert machine.find().stdout == f"{machine.folder / 'redis-server'}\n"


def test_none_is_one_line_that_says_what_to_install(machine: Machine) -> None:
    found = machine.find()
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.splitlines() == [
        "error: Redis is needed; install it (Debian: apt install redis-server), or name it: "
        "make cluster-test REDIS=/path/to/redis-server"
    ]


def test_the_named_one_is_the_only_candidate(machine: Machine) -> None:
    machine.install("redis-server")
    machine.install("mine")
    assert machine.find("mine").stdout == f"{machine.folder / 'mine'}\n"
    assert machine.find("other").stderr == "error: other is no Redis server that runs\n"


def test_root_on_debian_gets_the_package_and_no_server_of_the_system(machine: Machine) -> None:
    machine.install("id", "#!/bin/sh\necho 0\n")
    machine.install("grep")  # finds whatever it looks for: this is a Debian
    machine.install("apt-get", APT_GET.format(folder=machine.folder))
    found = machine.find()
    assert found.stdout == f"{machine.folder / 'redis-server'}\n"
    assert found.stderr == "installing the package redis-server for the cluster test\n"
