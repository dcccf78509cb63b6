"""
Brackets: the conditions of a listing.

The vendor documentation shows the shape of a bracket but not of the filters inside, which are passed on as
they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text

_LISTS = ("parentTreeIds", "brackets", "dynamicFilters", "nativeFilters")
_KEYS = frozenset({"id", "parentId", "connectionType", *_LISTS})


def read_brackets(brackets: Any) -> list[dict[str, Any]]:
    """
    Return brackets, each with all its keys.

    :param brackets: a list of mappings, or JSON text of one. Of ``dynamicFilters`` (the object's fields),
        ``nativeFilters`` (system fields) and inner ``brackets``, each bracket has one at the most
        (vendor documentation).
    :raises InvalidInput: names the bracket
    """
    brackets = from_text(brackets or [], "brackets")
    if not isinstance(brackets, (list, tuple)):
        raise InvalidInput(f"brackets must be a list, got {type(brackets).__name__}")
    return [_bracket(one, f"brackets[{place}]") for place, one in enumerate(brackets)]


def _bracket(raw: Any, name: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        raise InvalidInput(f"{name} must be a mapping with an id")
    if unknown := sorted(set(raw) - _KEYS):
        raise InvalidInput(f"{name} has no {', '.join(map(str, unknown))}")
    if raw.get("connectionType", "AND") not in ("AND", "OR"):
        raise InvalidInput(f"{name}: connectionType must be AND or OR, got {raw['connectionType']!r}")
    lists = {key: raw.get(key) or [] for key in _LISTS}
    if sum(bool(lists[key]) for key in _LISTS[1:]) > 1:
        raise InvalidInput(f"{name} must have one of brackets, dynamicFilters and nativeFilters, not several")
    inner = [_bracket(one, f"{name}.brackets[{place}]") for place, one in enumerate(lists["brackets"])]
    head = {
        "id": raw["id"],
        "parentId": raw.get("parentId"),
        "connectionType": raw.get("connectionType", "AND"),
    }
    return {**head, **lists, "brackets": inner}
