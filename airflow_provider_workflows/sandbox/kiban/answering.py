"""The calls that answer a step."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.sandbox.kiban.declared import FormField, Node
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit
from airflow_provider_workflows.sandbox.kiban.refusal import Refusal, required, wrong_fields

#: The words for a decision are not documented; these are chosen.
APPROVED = "APPROVED"
REJECTED = "REJECTED"
#: What the phase is called once a NIP has been accepted is not documented either.
FINISHED = "FINISHED"


def answer_form(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Answer a FORM."""
    visit = _standing(execution, "FORM")
    check_form(visit.node, body)
    wrong = [name for name, known in visit.options.items() if name in body and body[name] not in known]
    if wrong:
        # Only a candidate that the validator named is taken (vendor's SDK).
        raise wrong_fields("FORMAT_ERROR", dict.fromkeys(wrong, "FORMAT_ERROR; must be one of the options"))
    visit.form = dict(body)
    engine.answered(execution)


def answer_document(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Answer a DOCUMENT."""
    visit = _standing(execution, "DOCUMENT")
    check_documents(visit.node, body)
    visit.documents = dict(body)
    engine.answered(execution)


def review(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Decide on a VALIDATION: let it go on, or ask for corrections."""
    visit = _standing(execution, "VALIDATION", state="REVIEW")
    decision = body.get("decision")
    reviews = body.get("reviews") or []
    if decision not in (APPROVED, REJECTED) or not _are_reviews(reviews):
        raise Refusal(400)
    visit.review = {"decision": decision, "reviewerNote": body.get("reviewerNote", ""), "reviews": reviews}
    if decision == APPROVED:
        engine.answered(execution)
    else:
        visit.state = "CORRECTION"
        engine.returned(execution)


def correct(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Resend what a reviewer rejected; it goes back to the reviewer."""
    visit = _standing(execution, "VALIDATION", state="CORRECTION")
    wanted = [str(one["fieldId"]) for one in (visit.review or {}).get("reviews", [])]
    if missing := [name for name in wanted if body.get(name) in (None, "")]:
        raise required(*missing)
    for earlier in execution.visits:
        if earlier.form is not None:
            earlier.form = {
                name: body.get(name, value) if name in wanted else value
                for name, value in earlier.form.items()
            }
    visit.state = "REVIEW"
    engine.returned(execution)


def validate_field(
    engine: Engine, execution: Execution, body: Mapping[str, Any], *, field_id: str
) -> dict[str, Any]:
    """
    Let the field's validator check it; the form is not answered, and wrong data is no refusal (vendor's SDK).

    What a field that the form does not have, or that has no validator, is answered with is chosen.
    """
    visit = _standing(execution, "FORM")
    values = body.get("values") or {}
    field = next((one for one in visit.node.fields if one.id == field_id), None)
    if field is None:
        raise Refusal(404)
    if field.validator is None or not isinstance(values, dict):
        raise Refusal(400)
    told: dict[str, Any] = dict.fromkeys(("errors", "filled", "missingInputs", "options"))
    inputs = (field_id, *field.validator.inputs)
    if missing := [name for name in inputs if values.get(name) in (None, "")]:
        return told | {"status": "PENDING_INPUTS", "missingInputs": missing}
    if _is_wrong(field, values):
        return told | {"status": "FORMAT_ERROR", "errors": {field_id: "FORMAT_ERROR"}}
    key = json.dumps([field_id, *(values[name] for name in inputs)])
    told["reused"] = key in visit.checks
    told["checkId"] = visit.checks.setdefault(key, secrets.token_hex(12))
    if field.validator.accepts is not None and values[field_id] not in field.validator.accepts:
        return told | {"status": "INVALID", "errors": {field_id: "the service does not know it"}}
    visit.options |= field.validator.options
    found = {"filled": dict(field.validator.fill), "options": dict(field.validator.options)}
    return told | {"status": "VALID", **{name: value or None for name, value in found.items()}}


def check_form(node: Node, body: Mapping[str, Any]) -> None:
    """
    Check values as a FORM wants them; fields that it does not have are ignored (chosen).

    :raises Refusal: naming each field; the text quotes the value, as validators do.
    """
    shown = [one for one in node.fields if _is_shown(one, body)]
    missing = [one.id for one in shown if one.required and body.get(one.id, one.default) in (None, "")]
    if missing:
        raise required(*missing)
    wrong = {one.id: f"FORMAT_ERROR; {body[one.id]} is not valid" for one in shown if _is_wrong(one, body)}
    if wrong:
        # No source names the type of this one; it is that of the listings.
        raise wrong_fields("FORMAT_ERROR", wrong)


def check_documents(node: Node, body: Mapping[str, Any]) -> None:
    """
    Check documents as a DOCUMENT wants them.

    :raises Refusal: naming each document.
    """
    wanted = [one for one in node.documents if one.required and not one.source_pdf]
    if missing := [one.id for one in wanted if not body.get(one.id)]:
        raise required(*missing)
    sets = {one.id: bool(one.set) for one in node.documents}
    wrong = [name for name, value in body.items() if not _is_document(value, is_set=sets.get(name, False))]
    if wrong:
        raise wrong_fields("FORMAT_ERROR", dict.fromkeys(wrong, "FORMAT_ERROR; the format is not valid"))


def _standing(execution: Execution, kind: str, *, state: str = "") -> Visit:
    """Return the current stay, if it is one of this kind; right after an answer it is no more."""
    visit = execution.standing
    if visit is None or visit.node.kind != kind or visit.state != state:
        raise Refusal(409)
    return visit


def _is_shown(one: FormField, body: Mapping[str, Any]) -> bool:
    return all(str(body.get(name)) in values for name, values in one.show_if.items())


def _is_wrong(one: FormField, body: Mapping[str, Any]) -> bool:
    value = body.get(one.id)
    if value is None or value == "":
        return False
    if one.type == "number":
        return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(value)) is None
    if not isinstance(value, str):
        return True
    return one.regex is not None and re.fullmatch(one.regex, value) is None


def _is_document(value: Any, *, is_set: bool) -> bool:
    if is_set:
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False


def _are_reviews(reviews: Any) -> bool:
    return isinstance(reviews, list) and all(isinstance(one, dict) and one.get("fieldId") for one in reviews)
