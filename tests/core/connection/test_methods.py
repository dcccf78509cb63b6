"""A hook's methods: their signatures, and listings that all vendors' hooks offer alike."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.protocol.operation import Page
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.mybpm import MyBPMHook
from airflow_provider_workflows.omflow import OMFlowHook
from airflow_provider_workflows.provider import FORMS

HOOKS: list[type[WorkflowHook[Any]]] = [import_string(form.hook_class) for form in FORMS]


def methods(hook: type[WorkflowHook[Any]]) -> dict[str, Any]:
    """Return the methods that were made from operations."""
    made = {name: one for name, one in vars(hook).items() if inspect.isfunction(one)}
    return {name: one for name, one in made.items() if hasattr(one, "__wrapped__")}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
class TestEveryHook:
    def test_no_signature_shows_an_operation(self, hook: type[WorkflowHook[Any]]) -> None:
        found = {name: str(inspect.signature(method)) for name, method in methods(hook).items()}
        assert found
        assert [name for name, signature in found.items() if "Operation" in signature] == []
        assert [name for name, method in methods(hook).items() if not method.__doc__] == []

    def test_each_call_is_a_method_and_a_coroutine(self, hook: type[WorkflowHook[Any]]) -> None:
        found = methods(hook)
        sync = {name for name in found if f"a{name}" in found}
        assert sync | {f"a{name}" for name in sync} == set(found)
        for name in sync:
            made = found[f"a{name}"]
            assert inspect.iscoroutinefunction(made) or inspect.isasyncgenfunction(made)
            assert not inspect.iscoroutinefunction(found[name])

    def test_each_listing_returns_a_page_and_has_an_iterator(self, hook: type[WorkflowHook[Any]]) -> None:
        found = methods(hook)
        listings = {name.removeprefix("list_") for name in found if name.startswith("list_")}
        assert {name.removeprefix("iterate_") for name in found if name.startswith("iterate_")} == listings
        for name in listings:
            item = str(inspect.signature(found[f"list_{name}"]).return_annotation)
            assert item.startswith("Page[")
            item = item.removeprefix("Page[").removesuffix("]")
            assert inspect.signature(found[f"iterate_{name}"]).return_annotation == f"Iterator[{item}]"
            assert inspect.signature(found[f"aiterate_{name}"]).return_annotation == f"AsyncIterator[{item}]"

    def test_nothing_else_returns_a_page(self, hook: type[WorkflowHook[Any]]) -> None:
        paged = [name for name, one in methods(hook).items() if "Page" in str(inspect.signature(one))]
        assert [name for name in paged if not name.startswith(("list_", "alist_"))] == []


def test_a_signature_has_the_operations_parameters_and_its_result() -> None:
    assert str(inspect.signature(OMFlowHook.open_order)).endswith("-> 'DataNo | None'")
    assert list(inspect.signature(OMFlowHook().query).parameters) == ["api_path", "data_no"]
    assert inspect.signature(OMFlowHook.aquery).return_annotation == "list[Stop]"


def test_a_listing_documents_its_iterator() -> None:
    assert ":meth:`list_bois`" in str(MyBPMHook.iterate_bois.__doc__)


def test_a_page_is_iterated_over_like_its_items() -> None:
    assert list(Page(("a", "b"), next=2)) == ["a", "b"]
