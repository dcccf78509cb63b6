"""Finding a browser, with made-up ones on the PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.dev.machine import Machine

#: What `id -u` says of a user, and of root.
USER, ROOT_USER = ("#!/bin/sh\necho 1000\n", "#!/bin/sh\necho 0\n")
#: Only an installation without progress bars, questions and recommendations makes a browser appear.
APT_GET = """#!/bin/sh
case "$*" in
    update*) exit 0 ;;
    "install -qq -y --no-install-recommends "*" chromium") ;;
    *) exit 1 ;;
esac
echo '#!/bin/sh' >{folder}/chromium
/bin/chmod +x {folder}/chromium
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The machine of a user without rights."""
    machine = Machine(tmp_path, script="find-chromium")
    machine.install("id", USER)
    return machine


def test_first_that_runs_is_taken(machine: Machine) -> None:
    machine.install("chromium-browser", "#!/bin/sh\nexit 1\n")
    machine.install("google-chrome")
    machine.install("google-chrome-stable")
    assert machine.find().stdout == f"{machine.folder / 'google-chrome'}\n"


def test_chromium_comes_first(machine: Machine) -> None:
    machine.install("google-chrome")
    machine.install("chromium")
    assert machine.find().stdout == f"{machine.folder / 'chromium'}\n"


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac's own browsers are not on the PATH")
def test_none_is_one_line_that_says_what_to_install(machine: Machine) -> None:
    found = machine.find()
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines() == [
        "error: Chromium or Chrome is needed; install one (Debian: apt install chromium), or name it: "
        "make browser CHROMIUM=/path/to/it"
    ]


def test_the_named_one_is_the_only_candidate(machine: Machine) -> None:
    machine.install("chromium")
    machine.install("mine")
    assert machine.find("mine").stdout == f"{machine.folder / 'mine'}\n"
    assert machine.find("other").stderr == "error: other is no browser that runs\n"
    assert machine.find("other").returncode == 1


def test_root_on_debian_gets_the_package(machine: Machine) -> None:
    machine.install("id", ROOT_USER)
    machine.install("grep")  # finds whatever it looks for: this is a Debian
    machine.install("apt-get", APT_GET.format(folder=machine.folder))
    found = machine.find()
    assert found.stdout == f"{machine.folder / 'chromium'}\n"
    assert found.stderr == "installing the package chromium for the browser test\n"


def test_a_user_on_debian_gets_nothing_installed(machine: Machine) -> None:
    machine.install("grep")
    machine.install("apt-get", APT_GET.format(folder=machine.folder))
    assert machine.find().returncode == 1
    assert not (machine.folder / "chromium").exists()
