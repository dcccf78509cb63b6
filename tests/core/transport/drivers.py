"""The driver with each of its adapters, so that each test is made for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Driver as OperationDriver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter


def send(request: Request) -> Operation[Reply]:
    """The smallest operation: one request."""
    reply: Reply = yield request
    return reply


@dataclass
class Driven:
    """What one adapter did: the results, and the seconds for which it would have slept."""

    results: list[Any] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)


class Driver(Protocol):
    """
    Runs operations one after the other on one adapter, without really sleeping.

    :param into: gets the results as they come, so that a test sees what went before an exception
    """

    def __call__(
        self,
        endpoint: Endpoint,
        *operations: Operation[Any],
        fetch: Callable[[], Operation[str]] | None = None,
        retry: Retry | None = None,
        permit: Permit = PERMITTED,
        into: Driven | None = None,
        deadline: float | None = None,
    ) -> Driven: ...


def blocking(
    endpoint: Endpoint,
    *operations: Operation[Any],
    fetch: Callable[[], Operation[str]] | None = None,
    retry: Retry | None = None,
    permit: Permit = PERMITTED,
    into: Driven | None = None,
    deadline: float | None = None,
) -> Driven:
    driven = into or Driven()
    driver = OperationDriver(endpoint=endpoint, fetch=fetch, retry=retry or Retry(), permit=permit)
    adapter = RequestsAdapter(endpoint, sleep=driven.slept.append)
    try:
        for operation in operations:
            driven.results.append(adapter.run(driver.drive(operation, deadline=deadline)))
    finally:
        adapter.close()
    return driven


def nonblocking(
    endpoint: Endpoint,
    *operations: Operation[Any],
    fetch: Callable[[], Operation[str]] | None = None,
    retry: Retry | None = None,
    permit: Permit = PERMITTED,
    into: Driven | None = None,
    deadline: float | None = None,
) -> Driven:
    driven = into or Driven()

    async def sleep(seconds: float) -> None:
        driven.slept.append(seconds)

    async def run() -> None:
        driver = OperationDriver(endpoint=endpoint, fetch=fetch, retry=retry or Retry(), permit=permit)
        adapter = AiohttpAdapter(endpoint, sleep=sleep)
        for operation in operations:
            driven.results.append(await adapter.run(driver.drive(operation, deadline=deadline)))

    asyncio.run(run())
    return driven
