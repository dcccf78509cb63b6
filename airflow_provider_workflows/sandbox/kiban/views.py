"""What the vendor tells of an execution: its status and its detail, in the shapes of the vendor's SDK."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_workflows.sandbox.kiban.declared import FileField, FormField, Node
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit


def moment(seconds: float) -> str:
    """Return a date; the vendor does not say in which zone, so UTC (chosen)."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_of(execution: Execution) -> dict[str, Any]:
    """Return the answer of the status call; what a step needs is left out while it is being processed."""
    visit = execution.visit
    shown: dict[str, Any] = {
        "id": execution.id,
        "name": execution.workfloo.name,
        "status": execution.status,
        "currentNodeType": execution.shown_type or _node_type(execution),
        "currentNodeName": visit.node.name if visit else "",
        "currentNodeId": visit.node.id if visit else "",
    }
    if execution.shown is not None:
        shown |= _needs(execution.shown, execution)
    return shown | _cancellation(execution)


def detail_of(execution: Execution) -> dict[str, Any]:
    """Return the whole execution; ``nodes`` is null before the first step has ended (vendor's SDK)."""
    ended = [_node(visit, execution) for visit in execution.visits if visit.ended is not None]
    return {
        "id": execution.id,
        "idUnykoo": execution.number,
        "name": execution.workfloo.name,
        "status": execution.status,
        "created": moment(execution.created),
        "modified": moment(execution.modified),
        "origin": "API",
        "ipOrigin": "127.0.0.1",
        "labels": execution.labels or None,
        "sceneryId": execution.scenario or "",
        "sceneryName": f"Scenario {execution.scenario}" if execution.scenario else "",
        "nodes": ended or None,
        **_cancellation(execution),
    }


def file_of(visit: Visit, name: str) -> str | None:
    """Return a file of a node in Base64; None if it has none of this name."""
    given = (visit.documents or {}).get(name)
    if isinstance(given, str):
        return given
    if visit.node.kind == "WORK" and visit.ended is not None and name == "report.pdf":
        return base64.b64encode(f"report of {visit.node.name}".encode()).decode()
    return None


def _node_type(execution: Execution) -> str:
    visit = execution.visit
    if visit is None:
        return ""
    if not execution.is_alive or execution.stage != "working":
        return visit.node.type
    # Both ends occur (vendor's SDK); which for what is chosen.
    return f"{visit.node.type}_{'PROCESSING' if visit.node.waits else 'PROGRESS'}"


def _cancellation(execution: Execution) -> dict[str, Any]:
    """Only what a person cancelled tells of it; what expired has the same status without (vendor's SDK)."""
    if execution.cancelled_at is None:
        return {}
    return {"cancelledAt": moment(execution.cancelled_at), "cancelledBy": "supervisor@sandbox.example"}


def _needs(visit: Visit, execution: Execution) -> dict[str, Any]:
    node = visit.node
    match node.kind:
        case "FORM":
            return {"form": {"formFieldSection": [{"section": node.name, "fields": _fields(node)}]}}
        case "DOCUMENT":
            made = {one.name: one.id for one in execution.workfloo.nodes}
            return {"document": {"documentField": [_document(one, made) for one in node.documents]}}
        case "NIP":
            return {"link": _nip(visit)}
        case "OTP":
            return {"link": {"key": "otp", "phase": visit.phase}, "verification": _verification(visit)}
        case "WIDGET":
            return {"link": {"key": "widget", "phase": "", "widget": {"token": "not-a-secret"}}}
        case "VALIDATION":
            return {"validation": _validation(visit, execution)}
        case "TIMER":
            return {"timer": {"endWaitDate": moment(visit.begun + node.seconds)}}
    return {}


def _fields(node: Node) -> list[dict[str, Any]]:
    return [_field(one) for one in node.fields]


def _field(one: FormField) -> dict[str, Any]:
    metadata = {"type": one.type, "regex": one.regex, "defaultValue": one.default}
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "required": one.required,
        "section": "",
        "fieldMetadata": {name: value for name, value in metadata.items() if value is not None},
    }
    if one.show_if:
        shown["showIf"] = [{"field": name, "values": values} for name, values in one.show_if.items()]
    if one.validator is not None:
        fills = [*one.validator.fill, *one.validator.options]
        shown["fieldMetadata"]["validator"] = {"nodeKey": one.id, "fill": fills}
    return shown


def _document(one: FileField, node_ids: Mapping[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "required": one.required,
        "fileMetadata": {"formats": list(one.formats), "maxSize": 10, "min": 1, "max": 1},
    }
    if one.set:
        shown["set"] = {"files": [{"id": name, "required": True} for name in one.set]}
    if one.source_pdf:
        shown["sourcePdfNodeId"] = node_ids[one.source_pdf]
    return shown


def _nip(visit: Visit) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": "bureau",
        "keyTypeNode": "NIP",
        "nipType": "SMS",
        "phase": visit.phase,
        "countryCode": "52",
        "phoneNumber": "5500000000",
    }
    return shown | ({"sendError": visit.send_error} if visit.send_error else {})


def _verification(visit: Visit) -> dict[str, Any]:
    return {
        "channel": "SMS",
        "maskedDestination": "*** *** 0000",
        "remainingRetries": visit.node.tries - visit.wrong,
        "validationId": visit.node.id,
        "validationType": "OTP",
    }


def _validation(visit: Visit, execution: Execution) -> dict[str, Any]:
    shown: dict[str, Any] = {"state": visit.state, "instruction": "Check the values"}
    if visit.state == "CORRECTION" and visit.review:
        shown["reviewerNote"] = visit.review.get("reviewerNote", "")
        shown["fields"] = [_rejected(one, execution) for one in visit.review.get("reviews", [])]
    return shown


def _rejected(review: Mapping[str, Any], execution: Execution) -> dict[str, Any]:
    given = {name: value for visit in execution.visits for name, value in (visit.form or {}).items()}
    name = str(review["fieldId"])
    message = review.get("message", "")
    return {"fieldId": name, "name": name, "type": "text", "message": message, "value": given.get(name)}


def _kept(node: Node, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the detail tells of an answered form: nothing that the form has no field for (chosen)."""
    return {one.id: form[one.id] for one in node.fields if one.id in form}


def _node(visit: Visit, execution: Execution) -> dict[str, Any]:
    """Return an ended stay: lists, maps and free values may be null, other members are left out (SDK)."""
    node = visit.node
    shown: dict[str, Any] = {
        "id": node.id,
        "type": node.type,
        "name": node.name,
        "created": moment(visit.begun),
        "modified": moment(visit.ended or visit.begun),
        "documents": None,
        "files": None,
        "request": None,
        "response": None,
        "decisionTree": None,
        "variables": [{"name": name, "value": value} for name, value in node.variables.items()] or None,
        "detail": {"httpCode": 200, "errorMessage": "", "status": "SUCCESS", "idWorkfloo": execution.id},
    }
    if visit.form is not None:
        shown["form"] = {"fields": _kept(visit.node, visit.form)}
    if node.type == "LINK":
        shown["link"] = {"key": node.kind.lower(), "phase": visit.phase, "events": None}
    if node.labels:
        shown["label"] = {"labels": list(node.labels)}
    if visit.documents is not None:
        shown["documents"] = {
            name: {"name": name, "size": str(len(str(value))), "value": None}
            for name, value in visit.documents.items()
        }
    if node.exit is not None:
        shown["ruleset"] = {"exit": node.exit, "labels": list(node.labels), "decision": None}
    if node.decision is not None:
        shown["decisionTree"] = [{"nameNode": node.name, "result": node.decision, "message": ""}]
    if visit.review is not None:
        shown["validation"] = {**visit.review, "reviewedBy": "API", "reviewedAt": moment(visit.begun)}
    return shown
