"""A hook's methods, made from the operations of its vendor's API: each in one line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.protocol.operation import Operation

ApiT = TypeVar("ApiT")
T = TypeVar("T")
P = ParamSpec("P")


def blocking(
    method: Callable[Concatenate[ApiT, P], Operation[T]],
) -> Callable[Concatenate[WorkflowHook[ApiT], P], T]:
    """Make a hook's method, for workers, from an operation of the vendor's API."""

    @functools.wraps(method)
    def call(self: WorkflowHook[ApiT], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(lambda api: method(api, *args, **kwargs))

    return call


def nonblocking(
    method: Callable[Concatenate[ApiT, P], Operation[T]],
) -> Callable[Concatenate[WorkflowHook[ApiT], P], Coroutine[Any, Any, T]]:
    """Make a hook's method, for coroutines, from an operation of the vendor's API."""

    @functools.wraps(method)
    async def call(self: WorkflowHook[ApiT], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.arun(lambda api: method(api, *args, **kwargs))

    return call
