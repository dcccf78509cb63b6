"""Rendering that keeps text text."""

from __future__ import annotations

from typing import Any


def is_native(environment: Any) -> bool:
    """Tell whether a Jinja environment belongs to a DAG with ``render_template_as_native_obj``."""
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(environment, NativeEnvironment)


def render_typed(content: str, context: Any, environment: Any) -> Any:
    """
    Render one template to the value of its expression.

    Native rendering reads every text that looks like a Python literal as one, so that an order number
    ``"1e5"`` would be sent as ``100000.0``. Here an expression keeps the type it has: numbers stay
    numbers, lists lists, and text text; a template of several pieces is text.
    """
    template = environment.from_string(content)
    nodes = list(template.root_render_func(template.new_context(dict(context))))
    return nodes[0] if len(nodes) == 1 else "".join(str(node) for node in nodes)
