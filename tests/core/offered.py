"""What all vendors offer, found by their forms, so that a new vendor is in the tests by itself."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from airflow.sdk import BaseOperator

from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier
from airflow_provider_workflows.provider import FORMS


def tasks() -> list[type[BaseOperator]]:
    """Return every operator and sensor of every vendor."""
    return [one for one in _classes() if issubclass(one, BaseOperator)]


def notifiers() -> list[type[WorkflowNotifier]]:
    """Return every notifier of every vendor."""
    return [one for one in _classes() if issubclass(one, WorkflowNotifier)]


def make(kind: type[Any], **given: Any) -> Any:
    """
    Return a task or notifier with some arguments.

    Other required arguments get a value that only Airflow and the package's constructors have seen.
    """
    if issubclass(kind, BaseOperator):
        given.setdefault("task_id", "task")
    return kind(**{**dict.fromkeys(required(kind), "something"), **given})


def required(kind: type[Any]) -> set[str]:
    """Return the names of the arguments that the package's constructors need."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("airflow_provider_workflows.")]
    constructors = [inspect.unwrap(vars(base)["__init__"]) for base in ours if "__init__" in vars(base)]
    parameters = [one for each in constructors for one in inspect.signature(each).parameters.values()]
    return {one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty}


def _classes() -> list[type[Any]]:
    faces = [import_module(form.package) for form in FORMS]
    offered = [getattr(face, name) for face in faces for name in face.__all__]
    return [one for one in offered if inspect.isclass(one)]
