"""
A hook's methods, made from the operations of its vendor's API: each in one line.

An operation that returns a :class:`~airflow_provider_workflows.core.protocol.operation.Page` makes four of
them, in every vendor's hook by the same names::

    list_rows = blocking(VendorApi.list_rows)
    alist_rows = nonblocking(VendorApi.list_rows)
    iterate_rows = iterating(VendorApi.list_rows)
    aiterate_rows = aiterating(VendorApi.list_rows)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar, get_args

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.protocol.operation import Operation, Page

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

    return _described(call, method, "{}")


def nonblocking(
    method: Callable[Concatenate[ApiT, P], Operation[T]],
) -> Callable[Concatenate[WorkflowHook[ApiT], P], Coroutine[Any, Any, T]]:
    """Make a hook's method, for coroutines, from an operation of the vendor's API."""

    @functools.wraps(method)
    async def call(self: WorkflowHook[ApiT], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.arun(lambda api: method(api, *args, **kwargs))

    return _described(call, method, "{}")


def iterating(
    method: Callable[Concatenate[ApiT, P], Operation[Page[T]]],
) -> Callable[Concatenate[WorkflowHook[ApiT], P], Iterator[T]]:
    """
    Make a hook's method, for workers, that returns the items of all pages of a listing.

    :param method: takes as ``start`` what the page before has as ``next``, unless it never has any
    """

    @functools.wraps(method)
    def iterate(self: WorkflowHook[ApiT], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        while True:
            page = self.run(lambda api: method(api, *args, **kwargs))
            yield from page
            if page.next is None:
                return
            kwargs["start"] = page.next

    return _described(iterate, method, "Iterator[{}]")


def aiterating(
    method: Callable[Concatenate[ApiT, P], Operation[Page[T]]],
) -> Callable[Concatenate[WorkflowHook[ApiT], P], AsyncIterator[T]]:
    """Make a hook's method, for coroutines, that returns the items of all pages; as :func:`iterating`."""

    @functools.wraps(method)
    async def iterate(self: WorkflowHook[ApiT], /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        while True:
            page = await self.arun(lambda api: method(api, *args, **kwargs))
            for item in page:
                yield item
            if page.next is None:
                return
            kwargs["start"] = page.next

    return _described(iterate, method, "AsyncIterator[{}]")


_CallT = TypeVar("_CallT", bound=Callable[..., object])


def _described(call: _CallT, method: Callable[..., object], shape: str) -> _CallT:
    """
    Let a method's signature show what it returns, where the operation's shows an operation.

    :param shape: of the result, with braces for what the operation, or each of its pages, holds
    """
    signature = inspect.signature(method)
    result = _inside(signature.return_annotation, "Operation")
    if shape != "{}":
        result = shape.format(_inside(result, "Page"))
        call.__doc__ = (
            f"Return what all pages hold, each page fetched when it is needed.\n\n"
            f"The arguments are those of :meth:`{method.__name__}`, and ``start`` is the first page's."
        )
    call.__signature__ = signature.replace(return_annotation=result)  # type: ignore[attr-defined]
    call.__annotations__ = {**method.__annotations__, "return": result}
    return call


def _inside(annotation: object, generic: str) -> object:
    """Return the parameter of an annotation; as text, if the annotation is text."""
    if isinstance(annotation, str):
        return annotation.removeprefix(f"{generic}[").removesuffix("]")
    return get_args(annotation)[-1]
