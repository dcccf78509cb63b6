"""The calls that start an execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.sandbox.kiban.answering import check_documents, check_form
from airflow_provider_workflows.sandbox.kiban.declared import Declared, Key, Workfloo
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution
from airflow_provider_workflows.sandbox.kiban.refusal import Refusal, not_existing, required

_TEXTS = ("idWorkflooDefinition", "scenarioId", "callbackUrl", "callbackXApiKey")
_OBJECTS = ("form", "document")


def start(
    engine: Engine, declared: Declared, key: Key, body: Mapping[str, Any], *, is_sandbox: bool
) -> dict[str, Any]:
    """Start an execution."""
    definition = body.get("idWorkflooDefinition")
    if definition in (None, ""):
        raise required("idWorkflooDefinition")
    # What the vendor says to a value of a wrong type is not documented.
    if any(not isinstance(body.get(name, ""), str) for name in _TEXTS):
        raise Refusal(400)
    # Null is nothing (vendor's SDK).
    initial = {name: body[name] for name in _OBJECTS if body.get(name) is not None}
    if any(not isinstance(value, dict) for value in initial.values()):
        raise Refusal(400)
    workfloo = declared.workfloos.get(str(definition))
    if workfloo is None or not workfloo.published:
        raise not_existing(404, "idWorkflooDefinition not found")
    if not key.may(workfloo):
        raise Refusal(403)
    always = declared.choices.always_scenario
    scenario = _scenario(workfloo, body.get("scenarioId"), is_sandbox=is_sandbox, always=always)
    _check_first(workfloo, initial)
    execution = engine.start(workfloo, is_sandbox=is_sandbox, scenario=scenario, initial=initial)
    execution.callback_url = body.get("callbackUrl")
    return {"id": execution.id, **({"idUnykoo": execution.number} if workfloo.legacy_id else {})}


def start_pool(
    engine: Engine, declared: Declared, key: Key, body: Mapping[str, Any], *, is_sandbox: bool
) -> dict[str, Any]:
    """Start the workfloo of a pool."""
    pool = body.get("idPoolDefinition")
    if pool in (None, ""):
        raise required("idPoolDefinition")
    workfloo = next(
        (one for one in declared.workfloos.values() if one.key == declared.pools.get(str(pool))), None
    )
    if workfloo is None:
        raise not_existing(404, "idPoolDefinition not found")
    if not key.may(workfloo):
        raise Refusal(403)
    scenarios = body.get("sceneries") or {}
    execution: Execution = engine.start(
        workfloo, is_sandbox=is_sandbox, scenario=scenarios.get(workfloo.id), initial={}
    )
    return {"idWorkfloo": execution.id, "idWorkflooDefinition": workfloo.id}


def _scenario(workfloo: Workfloo, scenario: str | None, *, is_sandbox: bool, always: bool) -> str | None:
    if not is_sandbox:
        return None  # what production makes of one is not documented
    if not scenario:
        if always or workfloo.has_connectors:
            # The same body for 400 and 404 (vendor documentation).
            raise not_existing(400, "scenarioId not found")
        return None
    if scenario not in workfloo.scenarios:
        raise not_existing(404, "scenarioId not found")
    return scenario


def _check_first(workfloo: Workfloo, initial: Mapping[str, Any]) -> None:
    """Let the first node refuse the data (vendor's SDK); then nothing is started (chosen)."""
    first = workfloo.nodes[0]
    if first.kind == "FORM" and "form" in initial:
        check_form(first, initial["form"])
    if first.kind == "DOCUMENT" and "document" in initial:
        check_documents(first, initial["document"])
