"""A network namespace with an address for each service that a worker needs, and ways to cut it off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.layout import confined
from dev.process import KeptProcess, tail

#: What a worker talks to. The addresses are of the range for benchmarks, which is used nowhere else.
SERVICES = ("API server", "vendor", "Redis")
#: A link whose other end is down swallows what it is given. What comes from an address that is routed
#: there is not heard either, since the namespace checks that packets come the way on which it would answer.
NOWHERE = "nowhere"
START_SECONDS = 20.0


class NoNetwork(Exception):
    """There can be no namespace here; the message says why."""


@dataclass(frozen=True)
class Network:
    """
    A namespace, for as long as its process lives.

    :param pid: of that process
    :param own: its address
    :param addresses: of the services, on this machine's end of the link
    :param cut: the routes that lead nowhere, by service
    """

    pid: int
    own: str
    addresses: Mapping[str, str]
    cut: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """What a command begins with that is to run there."""
        return ["nsenter", "--target", str(self.pid), "--net"]

    def refuse(self, service: str) -> None:
        """Let the namespace have no way to a service: whoever connects or sends fails at once."""
        self._route(service, "blackhole", f"{self.addresses[service]}/32")

    def silence(self, service: str) -> None:
        """Let all that is sent to a service, or by it, vanish, as on a cable that is pulled."""
        self._route(service, f"{self.addresses[service]}/32", "dev", NOWHERE, "src", self.own)

    def heal(self, services: Iterable[str] = SERVICES) -> None:
        """Let everything through again, or what goes to some services."""
        for service in self.cut.keys() & set(services):
            self.inside("route", "del", *self.cut.pop(service))

    def _route(self, service: str, *route: str) -> None:
        self.inside("route", "add", *route)
        self.cut[service] = route

    def inside(self, *arguments: str) -> None:
        """Run ``ip`` there."""
        ip(*arguments, before=self.command)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """
    Make a namespace with a link to this machine. All of it goes with this process.

    :param folder: for its log
    :raises NoNetwork: if this machine or this user cannot
    """
    if sys.platform != "linux" or os.getuid() != 0:
        raise NoNetwork("only root on Linux can make a network namespace")
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            raise NoNetwork(f"there is no {program} here (Debian: apt install {package})")
    folder.mkdir(parents=True, exist_ok=True)
    number, ready, log = os.getpid() % 250, folder / "namespace.pid", folder / "namespace.log"
    ready.unlink(missing_ok=True)
    command = f'echo $$ > "{ready}.part" && mv "{ready}.part" "{ready}" && exec sleep infinity'
    holder = KeptProcess(["unshare", "--net", "sh", "-c", command], log=log, environment=confined())
    try:
        found = Network(
            _pid(ready, holder),
            f"198.18.{number}.100",
            {service: f"198.18.{number}.{last}" for last, service in enumerate(SERVICES, 1)},
        )
        _connect(found, f"cluster{number}")
        yield found
    finally:
        holder.stop()


def _connect(made: Network, name: str) -> None:
    """Make the link. It goes when the namespace does."""
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(made.pid))
        for address in made.addresses.values():
            ip("addr", "add", f"{address}/24", "dev", name)
        ip("link", "set", name, "up")
        made.inside("link", "set", "lo", "up")
        made.inside("addr", "add", f"{made.own}/24", "dev", "eth0")
        made.inside("link", "add", NOWHERE, "arp", "off", "type", "veth", "peer", "name", "down")
        for device in ("eth0", NOWHERE):
            made.inside("link", "set", device, "up")
        checks = "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter"
        subprocess.run([*made.command, "sh", "-c", checks], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise NoNetwork(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from None


def _pid(ready: Path, holder: KeptProcess) -> int:
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if holder.exit_code is not None or time.monotonic() > deadline:
            raise NoNetwork(f"unshare does not work here: {tail(holder.log)}")
        time.sleep(0.05)
    return int(ready.read_text())


def ip(*arguments: str, before: list[str] | None = None) -> None:
    subprocess.run([*(before or []), "ip", *arguments], check=True, capture_output=True, text=True)
