"""Both drivers behind one face, so that each test is made for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.protocol.retry import Retry
from airflow_provider_workflows.transport.blocking import BlockingTransport
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.nonblocking import NonblockingTransport


def send(request: Request) -> Operation[Reply]:
    """The smallest operation: one request."""
    reply: Reply = yield request
    return reply


@dataclass
class Driven:
    """What one transport did: the results, and the seconds for which it would have slept."""

    results: list[Any] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)


class Driver(Protocol):
    """
    Runs operations one after the other on one transport, without really sleeping.

    :param into: gets the results as they come, so that a test sees what went before an exception
    """

    def __call__(
        self,
        endpoint: Endpoint,
        *operations: Operation[Any],
        fetch: Callable[[], Operation[str]] | None = None,
        retry: Retry | None = None,
        into: Driven | None = None,
        deadline: float | None = None,
    ) -> Driven: ...


def blocking(
    endpoint: Endpoint,
    *operations: Operation[Any],
    fetch: Callable[[], Operation[str]] | None = None,
    retry: Retry | None = None,
    into: Driven | None = None,
    deadline: float | None = None,
) -> Driven:
    driven = into or Driven()
    transport = BlockingTransport(endpoint, fetch=fetch, retry=retry, sleep=driven.slept.append)
    try:
        for operation in operations:
            driven.results.append(transport.run(operation, deadline=deadline))
    finally:
        transport.close()
    return driven


def nonblocking(
    endpoint: Endpoint,
    *operations: Operation[Any],
    fetch: Callable[[], Operation[str]] | None = None,
    retry: Retry | None = None,
    into: Driven | None = None,
    deadline: float | None = None,
) -> Driven:
    driven = into or Driven()

    async def sleep(seconds: float) -> None:
        driven.slept.append(seconds)

    async def run() -> None:
        transport = NonblockingTransport(endpoint, key="test", fetch=fetch, retry=retry, sleep=sleep)
        for operation in operations:
            driven.results.append(await transport.run(operation, deadline=deadline))

    asyncio.run(run())
    return driven
