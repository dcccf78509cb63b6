"""Checks an answer against the pending step of an execution, before anything is sent; pure functions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidInput, Rejected
from airflow_provider_workflows.kiban.api.status import Status, Step, describe

#: Kind of answer -> node type and validation state that it is for (vendor's SDK).
KINDS: Mapping[str, tuple[str, str]] = {
    "form": ("FORM", ""),
    "document": ("DOCUMENT", ""),
    "correction": ("VALIDATION", "CORRECTION"),
    "review": ("VALIDATION", "REVIEW"),
}
_REVIEW = frozenset({"decision", "reviewerNote", "reviews"})
_REVIEWED = frozenset({"fieldId", "message", "sourceNodeId"})
#: Names in a field's metadata (vendor's SDK). Assumption: the engine fills in such a field if the answer does
#: not. Wrong if Kiban refuses a form that lacks a required field with one of them.
_FILLED = ("defaultValue", "autofillNodeId", "autoFilledBy")


@dataclass(frozen=True)
class Answer:
    """
    The answer to a step.

    :param kind: one of :data:`KINDS`
    :param values: the body; contains personal data
    """

    kind: str
    values: Mapping[str, Any] = field(repr=False)


def read_answer(**given: Any) -> Answer:
    """
    Return the one answer that is given.

    :param given: the answer by kind: a mapping, or JSON text of one; None if not given
    :raises InvalidInput: no answer or several answers are given, or it cannot be sent
    """
    named = [kind for kind in KINDS if given.get(kind) is not None]
    if len(named) != 1:
        raise InvalidInput(
            f"Exactly one of {', '.join(KINDS)} is required, got {' and '.join(named) or 'none'}"
        )
    values = mapping(given[named[0]], named[0])
    if named[0] == "document":
        check_documents(values)
    if named[0] == "review":
        _check_review(values)
    return Answer(named[0], values)


def mapping(value: Any, name: str) -> dict[str, Any]:
    """
    Return an argument as a mapping by ids.

    :param value: a mapping, or JSON text of one
    :raises InvalidInput: it is neither, or a key is not text
    """
    value = from_text(value, name)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping, or JSON text of one, got {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise InvalidInput(f"{name}: {key!r} is not an id. Ids are text")
    return dict(value)


def check_documents(values: Mapping[str, Any]) -> None:
    """
    Check that documents are Base64 text, or a list of objects for a "set" (vendor's SDK).

    Assumption: a document with a ``max`` above 1 takes a list of Base64 texts. Wrong if Kiban refuses that.

    :raises InvalidInput: a document is invalid; the message names it
    """
    for name, value in values.items():
        pieces = value if isinstance(value, (list, tuple)) else [value]
        for piece in pieces:
            if not isinstance(piece, Mapping) and not _is_base64(piece):
                raise InvalidInput(f"document {name} must be the file's content in Base64, or a list of them")


def pending(status: Status, answer: Answer, *, execution_id: str, node: str | None) -> Step:
    """
    Return the step that an answer is for.

    :param node: name or id of the node to answer; None for any node of the right type
    :raises Rejected: the execution does not wait at such a step
    :raises InvalidInput: the values do not fit the step
    """
    node_type, state = KINDS[answer.kind]
    step = status.step
    fits = step is not None and step.node_type == node_type and step.state in (state, "")
    if node is not None and node not in (status.node_id, status.node_name):
        fits = False
    if step is None or not fits:
        wanted = f"{node_type}{f' in state {state}' if state else ''}{f' {node!r}' if node else ''}"
        raise Rejected(
            f"Kiban execution {execution_id} does not wait for a {answer.kind} now, so nothing was sent\n"
            f"Its status is {describe(status)}. Wait for {wanted} with a KibanStepSensor"
        )
    _check_against(status, answer)
    return step


def _check_against(status: Status, answer: Answer) -> None:
    match answer.kind:
        case "form":
            _check_names(answer, known=[str(one["id"]) for one in _fields(status)])
            _check_required(answer, (one for one in _fields(status) if _is_needed(one)))
        case "document":
            entries = list(_objects(status.need("document").get("documentField"), "id"))
            generated = [str(one["id"]) for one in entries if one.get("sourcePdfNodeId")]
            if given := [name for name in generated if name in answer.values]:
                raise InvalidInput(
                    f"document {', '.join(given)}: Kiban generates it. Remove it from the answer"
                )
            _check_names(answer, known=[str(one["id"]) for one in entries])
            _check_required(
                answer, (one for one in entries if one.get("required") and not one.get("sourcePdfNodeId"))
            )
        case "correction":
            fields = _objects(status.need("validation").get("fields"), "fieldId")
            _check_names(answer, known=[str(one["fieldId"]) for one in fields])


def _fields(status: Status) -> Iterator[Mapping[str, Any]]:
    for section in _objects(status.need("form").get("formFieldSection")):
        yield from _objects(section.get("fields"), "id")


def _is_needed(one: Mapping[str, Any]) -> bool:
    """Return whether a field is certainly required; with a display condition, the vendor decides."""
    metadata = one.get("fieldMetadata")
    filled = isinstance(metadata, Mapping) and any(metadata.get(name) for name in _FILLED)
    return bool(one.get("required")) and not one.get("showIf") and not filled


def _check_names(answer: Answer, *, known: Sequence[str]) -> None:
    unknown = sorted(set(answer.values) - set(known))
    # If the step does not list its fields, the vendor checks the names.
    if known and unknown:
        raise InvalidInput(
            f"{answer.kind}: the step has no {', '.join(unknown)}. Nothing was sent. The step has "
            f"{', '.join(known)}"
        )


def _check_required(answer: Answer, needed: Iterator[Mapping[str, Any]]) -> None:
    missing = [one for one in needed if answer.values.get(str(one["id"])) in (None, "", [])]
    if missing:
        named = ", ".join(f"{one['id']} ({one.get('name') or 'no label'})" for one in missing)
        raise InvalidInput(f"{answer.kind}: the step requires {named}. Nothing was sent")


def _objects(value: Any, key: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, which may be null; objects without the key are skipped."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, Mapping) and (key is None or one.get(key)):
            yield one


def _check_review(values: Mapping[str, Any]) -> None:
    if unknown := sorted(set(values) - _REVIEW):
        raise InvalidInput(
            f"review has unknown keys: {', '.join(unknown)}. Known keys: {', '.join(sorted(_REVIEW))}"
        )
    # The valid decisions are not documented, so the text is sent unchanged.
    if not isinstance(values.get("decision"), str) or not values["decision"].strip():
        raise InvalidInput("review decision must be a non-empty string, the decision in Kiban's terms")
    reviews = values.get("reviews", [])
    if not isinstance(reviews, (list, tuple)) or not all(
        isinstance(one, Mapping) and "fieldId" in one and set(one) <= _REVIEWED for one in reviews
    ):
        raise InvalidInput("review reviews must be a list of {fieldId, message, sourceNodeId}")


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False
