"""Reads an execution's detail, of which only requested values may be returned; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict

from airflow_provider_workflows.exceptions import InvalidInput, one_line
from airflow_provider_workflows.kiban.api.status import LONGEST_NAME


class ExecutionStep(TypedDict):
    """
    One node of an execution that is done.

    - ``decision``, ``by``: what a reviewer decided, and who that was; None if the node was no VALIDATION, or
      Kiban does not say
    - ``at``: when it was reviewed, or else last modified, as Kiban writes it; None if Kiban does not say
    """

    node_id: str
    node_name: str
    node_type: str
    decision: str | None
    by: str | None
    at: str | None


def done_steps(detail: Mapping[str, Any]) -> list[ExecutionStep]:
    """
    Return the nodes that are done, in the order in which they are listed; nothing that was entered.

    Assumption: the detail lists a node only when it is done, since there are none before the first step has
    ended (vendor's SDK). Wrong if it lists a node that still has to be answered.
    """
    return [_step(node) for node in _nodes(detail)]


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


def _step(node: Mapping[str, Any]) -> ExecutionStep:
    review = node.get("validation")
    review = review if isinstance(review, Mapping) else {}
    return {
        "node_id": _text(node.get("id")) or "",
        "node_name": _text(node.get("name")) or "",
        "node_type": (_text(node.get("type")) or "").upper(),
        "decision": _text(review.get("decision")),
        "by": _text(review.get("reviewedBy")),
        "at": _text(review.get("reviewedAt")) or _text(node.get("modified")),
    }


def _text(value: Any) -> str | None:
    return one_line(value, LONGEST_NAME) if isinstance(value, str) and value else None


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
