"""Reads an execution's detail, of which only requested values may be returned; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_workflows.exceptions import InvalidInput


def labels(detail: Mapping[str, Any]) -> list[str]:
    """Return the execution's labels; none if the array is null (vendor's SDK)."""
    found = detail.get("labels")
    return [str(label) for label in found] if isinstance(found, list) else []


def check_fields(result_fields: Any) -> list[str]:
    """
    Return the paths of the fields to add to a result, checked.

    :raises InvalidInput: it is not a list of paths
    """
    is_list = isinstance(result_fields, Sequence) and not isinstance(result_fields, (str, bytes))
    if not is_list or not all(isinstance(path, str) and path.strip(".") for path in result_fields):
        raise InvalidInput(
            "result_fields must be a list of paths in the execution's detail, such as "
            "nodes.Decision.ruleset.exit"
        )
    return list(result_fields)


def pick(detail: Mapping[str, Any], path: str) -> Any:
    """
    Return the value at a path; None if there is none, because any array or map may be null (vendor's SDK).

    :param path: names separated by points; in a list, a name selects the last element with that ``name`` or
        ``id``, or the element at that index. Assumption: a node that runs twice is listed twice, the last run
        last. Wrong if the detail of an execution that went round a loop lists a node once
    """
    found: Any = detail
    for name in path.split("."):
        found = _child(found, name)
    return found


def forms(detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the values of each answered form; empty before the first step has ended."""
    return [fields for node in _nodes(detail) if (fields := _fields(node)) is not None]


def count_stays(detail: Mapping[str, Any], node_id: str) -> int:
    """Return how often a node is listed as done; as in :func:`pick`, one that runs twice is listed twice."""
    return sum(node.get("id") == node_id for node in _nodes(detail))


def names_stays(detail: Mapping[str, Any]) -> bool:
    """Return whether the detail lists done nodes with their ids, so that one more would be visible."""
    nodes = _nodes(detail)
    return bool(nodes) and all(node.get("id") for node in nodes)


def shows_form(
    detail: Mapping[str, Any], node_id: str, sent: Mapping[str, Any], *, after: int = 0
) -> bool | None:
    """
    Return whether a form that was answered at a node has the values that were sent.

    Case, surrounding spaces and the notation of numbers are ignored, because the engine may normalise values.

    :param after: number of earlier answers at the node to skip
    :returns: None if the detail does not show the form, or not all of the values
    """
    stays = [node for node in _nodes(detail) if node.get("id") == node_id][after:]
    matches = [_holds(_fields(node) or {}, sent) for node in stays]
    if True in matches:
        return True
    return False if matches and None not in matches else None


def tidy(value: Any) -> str | Decimal:
    """Return a value normalised for comparison."""
    text = str(value).strip().casefold()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _holds(fields: Mapping[str, Any], sent: Mapping[str, Any]) -> bool | None:
    given = {name: value for name, value in sent.items() if value not in (None, "")}
    if any(name in fields and tidy(fields[name]) != tidy(value) for name, value in given.items()):
        return False
    return True if given and set(given) <= set(fields) else None


def _nodes(detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nodes = detail.get("nodes")
    return [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []


def _fields(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    fields = _child(node.get("form"), "fields")
    return fields if isinstance(fields, Mapping) else None


def _child(parent: Any, name: str) -> Any:
    if isinstance(parent, Mapping):
        return parent.get(name)
    if not isinstance(parent, list):
        return None
    for element in reversed(parent):
        if isinstance(element, Mapping) and name in (element.get("name"), element.get("id")):
            return element
    return parent[int(name)] if name.isdecimal() and int(name) < len(parent) else None
