"""Template rendering that keeps text as text, and tells nothing from a value."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg
    from jinja2 import Environment
    from jinja2.nativetypes import NativeEnvironment

T = TypeVar("T")


def is_native(environment: object) -> TypeGuard[NativeEnvironment]:
    """Return whether a Jinja environment belongs to a DAG with ``render_template_as_native_obj``."""
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(environment, NativeEnvironment)


def render_typed(content: str, context: Mapping[str, object], environment: Environment) -> object:
    """
    Render one template to the value of its expression.

    Jinja's native rendering turns any text that looks like a Python literal into that literal, so the order
    number ``"1e5"`` would be sent as ``100000.0``. Here, the value of an expression keeps its type: a number
    stays a number, a list a list, and text stays text. A template with several parts renders to text.
    """
    template = environment.from_string(content)
    nodes = list(template.root_render_func(template.new_context(dict(context))))
    return nodes[0] if len(nodes) == 1 else "".join(str(node) for node in nodes)


def is_nothing(value: object) -> bool:
    """Return whether a value is None, or text without a visible character."""
    return value is None or (isinstance(value, str) and not value.strip())


def refusing_nothing(environment: Environment, field: str) -> Environment:
    """
    Return a copy of a Jinja environment that refuses an expression without a value.

    Jinja would write ``None`` or nothing at its place: an id that is left out, or the name of another record.

    :param field: the template field, for the error
    """
    from jinja2 import Undefined

    own = environment.finalize

    def finalize(*args: object) -> object:
        value = args[-1] if own is None else own(*args)
        if isinstance(value, Undefined):
            raise came_to_nothing(field, f"an expression in its template is undefined: {_hint(value)}")
        if value is None:
            raise came_to_nothing(field, "an expression in its template is None")
        return value

    # Jinja reads from the function's attributes whether it wants the context.
    return environment.overlay(finalize=finalize if own is None else functools.wraps(own)(finalize))


@contextlib.contextmanager
def told_of(field: str) -> Iterator[None]:
    """
    Name the template field in Jinja's error about a variable that is not defined.

    :raises InvalidInput: instead of that error
    """
    from jinja2 import UndefinedError

    try:
        yield
    except UndefinedError as error:
        raise came_to_nothing(field, f"an expression in its template is undefined: {error}") from None


def is_template(value: object) -> bool:
    """Return whether a value is rendered to another: a template, or another task's output."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


def came_to_nothing(field: str, reason: str) -> InvalidInput:
    """Return the error for an argument that was given, but has no value when the task runs."""
    return InvalidInput(
        f"{field} was given, but came to nothing: {reason}\n"
        "The vendor was not called with it, because without it the call would mean something else\n"
        "Check the upstream task's output, the params and the conf that it comes from; a skipped task has no "
        "output\n"
        f"If nothing is meant: leave {field} out; for empty text inside a value write {{{{ x or '' }}}}"
    )


def given_by_mapping(task_id: str, context: Context, given: Collection[str]) -> set[str]:
    """Return which of the arguments given to a mapped task do not stand as None in its ``partial``."""
    dag = context.get("dag")
    mapped = None if dag is None else dag.task_dict.get(task_id)
    partial = getattr(mapped, "partial_kwargs", None)
    return set() if partial is None else {name for name in given if partial.get(name, name) is not None}


def _hint(value: object) -> str:
    """Return what is missing, in Jinja's words."""
    return str(getattr(value, "_undefined_message", "")) or "no such variable"


def rendered(value: T | XComArg) -> T:
    """Return the argument for a template field, typed as what it is once Airflow has rendered it."""
    return value  # type: ignore[return-value]
