"""
Upload files in a process of its own, and print the bytes by which its memory peaked higher for the second.

Arguments: adapter, URL, a small file, a large file.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from airflow_provider_workflows.core.protocol.message import Part, Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Driver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter


def upload(file: Path) -> Operation[Reply]:
    part = Part(name="files", filename="a", open=lambda: file.open("rb"), size=file.stat().st_size)
    reply: Reply = yield Request(
        vendor="Vendor", operation="upload", method="POST", path="/", repeatable=False, parts=(part,)
    )
    return reply


def blocking(endpoint: Endpoint, file: Path) -> None:
    RequestsAdapter(endpoint).run(Driver(endpoint=endpoint).drive(upload(file)))


def nonblocking(endpoint: Endpoint, file: Path) -> None:
    asyncio.run(AiohttpAdapter(endpoint).run(Driver(endpoint=endpoint).drive(upload(file))))


def peak() -> int:
    """The highest resident memory so far, in bytes."""
    try:
        # Not getrusage: what it reports on Linux starts with the peak of the process that started this one.
        (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in one)
        return int(line.split()[1]) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    drive = {"blocking": blocking, "nonblocking": nonblocking}[sys.argv[1]]
    road = Endpoint(base_url=sys.argv[2])
    drive(road, Path(sys.argv[3]))
    before = peak()
    drive(road, Path(sys.argv[4]))
    print(peak() - before)
