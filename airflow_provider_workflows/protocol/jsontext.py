"""Values that a template has turned to JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput


def from_text(value: Any, name: str, *, number: Callable[[str], Any] = float) -> Any:
    """
    Return a value that a template may have turned to JSON text; anything but text as it is.

    :param name: of the argument, for the error
    :param number: makes a number with a point or exponent from its text; ``Decimal`` keeps every digit
    :raises InvalidInput: it is text, but not JSON, or an object in it has a key twice
    """
    if not isinstance(value, str):
        return value

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        # The standard library would keep the last one and lose the others without a word.
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise InvalidInput(f"{name} names {', '.join(twice)} more than once")
        return dict(pairs)

    try:
        return json.loads(value, object_pairs_hook=once, parse_float=number)
    except InvalidInput:
        raise
    except (ValueError, RecursionError):
        raise InvalidInput(
            f"{name} is text, but not JSON; in a template, end it with the filter tojson"
        ) from None
