"""Checks an answer against the step that an execution stands at, before anything is sent: pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.kiban.status import Status, Step, describe
from airflow_provider_workflows.protocol.body import encode_json
from airflow_provider_workflows.protocol.errors import InvalidInput, Rejected
from airflow_provider_workflows.protocol.jsontext import from_text

#: Kind of answer -> node type and validation state for which it is meant (vendor's SDK).
KINDS: Mapping[str, tuple[str, str]] = {
    "form": ("FORM", ""),
    "document": ("DOCUMENT", ""),
    "correction": ("VALIDATION", "CORRECTION"),
    "review": ("VALIDATION", "REVIEW"),
}
_REVIEW = frozenset({"decision", "reviewerNote", "reviews"})
_REVIEWED = frozenset({"fieldId", "message", "sourceNodeId"})
#: Metadata of a field that the engine fills itself if nobody does (vendor's SDK).
_FILLED = ("defaultValue", "autofillNodeId", "autoFilledBy")


@dataclass(frozen=True)
class Answer:
    """
    What a step is answered with.

    :param kind: one of :data:`KINDS`
    :param values: the body; holds personal data
    """

    kind: str
    values: Mapping[str, Any] = field(repr=False)


def read_answer(**given: Any) -> Answer:
    """
    Return the one answer that was given.

    :param given: by kind: a mapping, or JSON text of one; None if not given
    :raises InvalidInput: none or several are given, or it cannot be sent
    """
    named = [kind for kind in KINDS if given.get(kind) is not None]
    if len(named) != 1:
        raise InvalidInput(f"Give one of {', '.join(KINDS)}; got {' and '.join(named) or 'none'}")
    values = mapping(given[named[0]], named[0])
    if named[0] == "document":
        check_documents(values)
    if named[0] == "review":
        _check_review(values)
    return Answer(named[0], values)


def mapping(value: Any, name: str) -> dict[str, Any]:
    """
    Return an argument as a mapping that can be sent.

    :param value: a mapping, or JSON text of one
    :raises InvalidInput: it is neither, or not made of JSON values
    """
    value = from_text(value, name)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping, or JSON text of one; got {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise InvalidInput(f"{name}: {key!r} is no id, which is text")
        try:
            encode_json(value[key])
        except InvalidInput:
            raise InvalidInput(f"{name} {key}: the value cannot be written as JSON") from None
    return dict(value)


def check_documents(values: Mapping[str, Any]) -> None:
    """
    Check that documents are text in Base64, or a list of such, or of objects for a "set" (vendor's SDK).

    :raises InvalidInput: names the document
    """
    for name, value in values.items():
        pieces = value if isinstance(value, (list, tuple)) else [value]
        for piece in pieces:
            if not isinstance(piece, Mapping) and not _is_base64(piece):
                raise InvalidInput(f"document {name} must be the file's content in Base64, or a list of such")


def pending(status: Status, answer: Answer, *, execution_id: str, node: str | None) -> Step:
    """
    Return the step that an answer is for.

    :param node: name or id of the node that is to be answered; None for any of the right type
    :raises Rejected: the execution does not stand at such a step
    :raises InvalidInput: the step does not take these values
    """
    node_type, state = KINDS[answer.kind]
    step = status.step
    there = step is not None and step.node_type == node_type and step.state in (state, "")
    if node is not None and node not in (status.node_id, status.node_name):
        there = False
    if step is None or not there:
        wanted = f"{node_type}{f' in state {state}' if state else ''}{f' {node!r}' if node else ''}"
        raise Rejected(
            f"Kiban execution {execution_id} does not wait for a {answer.kind} now, nothing was sent: it is "
            f"{describe(status)}. Wait for {wanted} with a KibanStepSensor"
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
                raise InvalidInput(f"document {', '.join(given)}: Kiban makes it itself; leave it out")
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
    """Tell whether a field is surely needed; one that is shown on conditions is left to the vendor."""
    metadata = one.get("fieldMetadata")
    filled = isinstance(metadata, Mapping) and any(metadata.get(name) for name in _FILLED)
    return bool(one.get("required")) and not one.get("showIf") and not filled


def _check_names(answer: Answer, *, known: Sequence[str]) -> None:
    unknown = sorted(set(answer.values) - set(known))
    # A step that does not list its fields is left to the vendor.
    if known and unknown:
        raise InvalidInput(
            f"{answer.kind}: the step has no {', '.join(unknown)}, nothing was sent; it has "
            f"{', '.join(known)}"
        )


def _check_required(answer: Answer, needed: Iterator[Mapping[str, Any]]) -> None:
    missing = [one for one in needed if answer.values.get(str(one["id"])) in (None, "", [])]
    if missing:
        named = ", ".join(f"{one['id']} ({one.get('name') or 'no label'})" for one in missing)
        raise InvalidInput(f"{answer.kind}: the step needs {named}. Nothing was sent")


def _objects(value: Any, key: str | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list that may be null; those without the key are left out."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, Mapping) and (key is None or one.get(key)):
            yield one


def _check_review(values: Mapping[str, Any]) -> None:
    if unknown := sorted(set(values) - _REVIEW):
        raise InvalidInput(f"review has no {', '.join(unknown)}; it has {', '.join(sorted(_REVIEW))}")
    # Which words Kiban takes for a decision is not documented, so it goes out as it is.
    if not isinstance(values.get("decision"), str) or not values["decision"].strip():
        raise InvalidInput("review decision must be text, the word that Kiban knows for it")
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
