"""Reading an execution's detail, of which only what was asked for may leave: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput


def labels(detail: Mapping[str, Any]) -> list[str]:
    """Return the execution's labels; none if the array is null (vendor's SDK)."""
    found = detail.get("labels")
    return [str(label) for label in found] if isinstance(found, list) else []


def check_fields(result_fields: Any) -> list[str]:
    """
    Return the paths of the fields that a result is to have.

    :raises InvalidInput: it is no list of paths
    """
    is_list = isinstance(result_fields, Sequence) and not isinstance(result_fields, (str, bytes))
    if not is_list or not all(isinstance(path, str) and path.strip(".") for path in result_fields):
        raise InvalidInput(
            "result_fields must be a list of paths into the execution's detail, such as "
            "nodes.Decision.ruleset.exit"
        )
    return list(result_fields)


def pick(detail: Mapping[str, Any], path: str) -> Any:
    """
    Return what a path leads to; None if it leads nowhere, since any array or map may be null (vendor's SDK).

    :param path: names with points between; of a list, the last element with that ``name`` or ``id``, or the
        one at that index. A node that runs twice is listed twice, and the last one counts
    """
    found: Any = detail
    for name in path.split("."):
        found = _child(found, name)
    return found


def forms(detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the values of each form that was answered; none before the first step has ended."""
    return [fields for node in _nodes(detail) if (fields := _fields(node)) is not None]


def count_stays(detail: Mapping[str, Any], node_id: str) -> int:
    """Return how often a node is shown as done; one that runs twice is listed twice."""
    return sum(node.get("id") == node_id for node in _nodes(detail))


def names_stays(detail: Mapping[str, Any]) -> bool:
    """Tell whether nodes are shown as done, each by its id, so that one more stay would be seen."""
    nodes = _nodes(detail)
    return bool(nodes) and all(node.get("id") for node in nodes)


def shows_form(
    detail: Mapping[str, Any], node_id: str, sent: Mapping[str, Any], *, after: int = 0
) -> bool | None:
    """
    Tell whether a form that was answered at a node holds the values that were sent.

    Upper case, blanks around a value and the form of a number make no difference; an engine may tidy what it
    is given.

    :param after: how many stays at the node are too early to count
    :returns: None if the detail does not show it, or not all of the values
    """
    stays = [node for node in _nodes(detail) if node.get("id") == node_id][after:]
    told = [_holds(_fields(node) or {}, sent) for node in stays]
    if True in told:
        return True
    return False if told and None not in told else None


def tidy(value: Any) -> str | Decimal:
    """Return a value in a form in which the same looks the same."""
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
