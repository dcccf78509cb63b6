"""No answer ends a call in a raw error, or in a certainty that it does not give."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest

from tests.hostile.shapes import exchanges, faults
from tests.hostile.vendors import CALLS
from tests.vendors import VENDORS

#: Far fewer spoilt answers of a vendor would mean that its calls get no answers to spoil.
MANY = 400


@pytest.mark.parametrize("vendor", CALLS)
def test_each_place_of_each_answer(vendor: str, request: pytest.FixtureRequest) -> None:
    hook, calls = CALLS[vendor](request.getfixturevalue(vendor))
    total, wrong = 0, []
    for call in calls:
        tried, found = faults(hook, call)
        total += tried
        wrong += found
    print(f"\n{vendor}: {total} spoilt answers")
    assert wrong == []
    assert total > MANY


def test_every_vendor_is_here() -> None:
    assert set(CALLS) == set(VENDORS)


@pytest.mark.parametrize("vendor", CALLS)
def test_every_operation_of_the_vendor_is_made(vendor: str, request: pytest.FixtureRequest) -> None:
    hook, calls = CALLS[vendor](request.getfixturevalue(vendor))
    made: set[CodeType] = set()

    def note(frame: Any, event: str, argument: Any) -> None:
        made.add(frame.f_code)

    sys.setprofile(note)
    try:
        for call in calls:
            exchanges(hook, call)
    finally:
        sys.setprofile(None)
    assert [name for name, code in _operations(vendor) if code not in made] == []


def _operations(vendor: str) -> Iterator[tuple[str, CodeType]]:
    """Yield every public function and method of the vendor's folder that returns an operation."""
    folder = importlib.import_module(f"airflow_provider_workflows.{vendor}")
    for found in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
        module = importlib.import_module(found.name)
        for function in _functions(module):
            public = not function.__name__.startswith("_")
            if public and str(function.__annotations__.get("return", "")).startswith("Operation["):
                yield f"{module.__name__}.{function.__qualname__}", function.__code__


def _functions(module: Any) -> Iterator[Callable[..., Any]]:
    classes = [one for one in vars(module).values() if inspect.isclass(one)]
    for place in (module, *classes):
        for one in vars(place).values():
            if inspect.isfunction(one) and one.__module__ == module.__name__:
                yield one
