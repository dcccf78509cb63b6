"""The calls about codes: the NIP of a credit bureau, the OTP of an external provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.sandbox.kiban.answering import FINISHED
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit
from airflow_provider_workflows.sandbox.kiban.refusal import Refusal, required


def send_nip(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Send a NIP; one that reaches nobody is told in the status (vendor's SDK)."""
    visit = _at_nip(execution, "CREATE_ACCOUNT")
    phone = _phone(body)
    if visit.node.undeliverable and phone is None:
        visit.send_error = {"code": "INVALID_PHONE", "recoverable": True}
        return
    visit.send_error = None
    visit.phase = "VALIDATE"
    engine.code_sent(visit)


def resend_nip(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send a NIP again."""
    visit = _at_nip(execution, "VALIDATE", "VALIDATE_2")
    phone = _phone(body) or {"countryCode": "52", "phoneNumber": "5500000000"}
    engine.code_sent(visit)
    return {"phase": visit.phase, "nipType": "SMS", "email": "", **phone}


def validate_nip(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a NIP: 400 if it is wrong, 403 once the tries are used up (chosen)."""
    nip = body.get("nip")
    if not isinstance(nip, str) or not nip:
        raise required("nip")
    visit = _at_nip(execution, "VALIDATE", "VALIDATE_2")
    if visit.wrong >= visit.node.tries:
        raise Refusal(403)
    if nip != (visit.node.second_code if visit.phase == "VALIDATE_2" else visit.node.code):
        visit.wrong += 1
        raise Refusal(400, {"error": "the NIP is not correct"})
    if visit.phase == "VALIDATE" and visit.node.second_code is not None:
        visit.phase = "VALIDATE_2"
    else:
        visit.phase = FINISHED
        engine.answered(execution)
    return {"phase": visit.phase}


def validate_otp(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """
    Take an OTP: 400 with the tries left, then 403 (vendor's SDK), and the execution fails (chosen).

    A node with an error branch goes on there instead, and the answer is 200 (vendor's SDK).
    """
    token = body.get("token")
    if not isinstance(token, str) or not token:
        raise required("token")
    visit = _at_otp(execution)
    if token == visit.node.code:
        engine.answered(execution)
        return
    visit.wrong += 1
    left = visit.node.tries - visit.wrong
    if left > 0:
        raise Refusal(400, {"error": f"the code {token} is not correct", "remainingRetries": left})
    if visit.node.on_error is not None:
        visit.failed = True
        engine.answered(execution)
        return
    engine.fail(execution)
    raise Refusal(403, {"error": "no tries are left"})


def fallback_otp(engine: Engine, execution: Execution, body: Mapping[str, Any]) -> None:
    """Send another OTP; the node limits how many (vendor's SDK)."""
    visit = _at_otp(execution)
    if visit.sent > visit.node.resends:
        raise Refusal(403, {"error": "no resends are left"})
    engine.code_sent(visit)


def _at_nip(execution: Execution, *phases: str) -> Visit:
    visit = execution.standing
    if visit is None or visit.node.kind != "NIP" or visit.phase not in phases:
        # The SDK names no 409 for these calls, but a "business error".
        raise Refusal(400, {"error": "no NIP is expected now"})
    return visit


def _at_otp(execution: Execution) -> Visit:
    """Return the step that waits for an OTP; none, and being busy, are refused alike (vendor's SDK)."""
    visit = execution.standing
    if visit is None or visit.node.kind != "OTP":
        raise Refusal(403, {"error": "no code is pending"})
    return visit


def _phone(body: Mapping[str, Any]) -> dict[str, str] | None:
    given = {name: body[name] for name in ("countryCode", "phoneNumber") if body.get(name)}
    if len(given) == 1 or not all(isinstance(value, str) and value.isdigit() for value in given.values()):
        raise Refusal(400, {"error": "countryCode and phoneNumber are not valid"})
    return given or None
