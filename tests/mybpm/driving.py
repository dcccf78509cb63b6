"""Drives MyBPM's operations by hand."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply
from tests.omflow.driving import Driven as Driven

BOI_ID = "aaaaBBBB~ccc0@01"


def answer(body: Any, *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(body).encode())


def boi(boi_id: str = BOI_ID, *, state: str = "ALL", **fields: Any) -> dict[str, Any]:
    """An instance as the vendor documentation shows it."""
    values = {
        code: value
        if isinstance(value, dict)
        else {"apiValue": value, "displayValue": value, "type": "INPUT_TEXT"}
        for code, value in fields.items()
    }
    return {"boiId": boi_id, "boCode": "ORD", "state": state, "isTouched": True, "fieldValues": values}


def structure(*codes: str, bo_type: str = "BO", **fields: Any) -> dict[str, Any]:
    """A field catalogue, with what fields tell beside their code."""
    told = {**{code: {} for code in codes}, **fields}
    return {
        "boId": "ordOrdOrdOrdOrd1",
        "boCode": "ORD",
        "name": "Order",
        "nameEng": "Order",
        "nameKaz": "Tapsyrys",
        "recordName": "Order no.",
        "actual": True,
        "boType": bo_type,
        "fields": {
            f"field~{code:0>10}": {"id": f"field~{code:0>10}", "code": code, "label": code.title(), **more}
            for code, more in told.items()
        },
    }
