"""The command line: serve until told to stop."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.server import PortTakenError, SandboxServer

CANNOT_START = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Serve a sandbox until SIGINT or SIGTERM.

    :returns: the exit code: 0 after a stop, 2 if it could not start.
    """
    options = _parser().parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        return _refuse(
            f"{options.host} can be reached from other machines; add --allow-remote if that is meant"
        )
    try:
        server = SandboxServer(
            options.processes, options.port, host=options.host, allowed_hosts=options.allow_host
        )
    except (DeclarationError, PortTakenError) as error:
        return _refuse(str(error))
    return _serve(server, ready_file=options.ready_file, quiet=options.quiet)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_workflows.sandbox",
        description="A local double of the workflow systems, in memory, for tests and exploring.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8099, help="0 for a free one (%(default)s)")
    parser.add_argument(
        "--processes", type=Path, metavar="FILE.toml", help="declarations instead of the shipped"
    )
    parser.add_argument(
        "--ready-file", type=Path, metavar="PATH", help="written with url and pid when listening"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name by which control API and pages may be called, as by a forwarded port; repeatable",
    )
    parser.add_argument("--allow-remote", action="store_true", help="allow a --host that is not loopback")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port number")
    return port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse(reason: str) -> int:
    print(f"sandbox: {reason}", file=sys.stderr)
    return CANNOT_START


def _serve(server: SandboxServer, *, ready_file: Path | None, quiet: bool) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    spare_collector()
    with server:
        if not quiet:
            print(f"Sandbox listening on {server.url}", flush=True)
        if ready_file is not None:
            try:
                _announce(ready_file, server.url)
            except OSError as error:
                return _refuse(f"cannot write {ready_file}: {error.strerror}")
        stop.wait()
    return 0


def spare_collector() -> None:
    """
    Have this process seldom search what has lived long for garbage: that is what the vendors hold.

    There is next to no garbage in it, and the more it is, the longer a search stops the server.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1000)


def _announce(path: Path, url: str) -> None:
    """Write the ready file whole or not at all: who finds it may read it at once."""
    text = json.dumps({"url": url, "pid": os.getpid()})
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)
