"""A process's form as its designer sees it: what ``omdata/load`` and the samples call tell (recorded)."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_workflows.sandbox.omflow.model import FormField, Process
from airflow_provider_workflows.sandbox.omflow.table import Row


def form_object(process: Process) -> dict[str, Any]:
    """Return the design of the form: a box with all fields."""
    fields = list(process.fields.values())
    box = {
        "id": "FORMBOX_1",
        "type": "box12",
        "parent": "public",
        "hidden": False,
        "config": {"idcounter": 1, "color": "box box-primary", "title": "Box"},
    }
    return {
        "form_item_counter": len(fields),
        "form_box_counter": 1,
        "user": [],
        "group": [],
        "level": [],
        "title": False,
        "status": [],
        "op1": [],
        "op2": [],
        "items": [box, *(_item(field) for field in fields)],
    }


def _item(field: FormField) -> dict[str, Any]:
    config: dict[str, Any] = {
        "idcounter": int(field.id.rpartition("_")[2]),
        "title": field.label,
        "require": field.required,
        "placeholder": "",
        "value": field.default or "",
        "regex": field.regex or "",
        "readonly": False,
        "type": "inputbox",
    }
    if field.type == "checkbox":
        config["lists"] = [{"value": choice, "text": choice} for choice in field.choices]
    return {"id": field.id, "type": field.type, "parent": "FORMBOX_1", "hidden": False, "config": config}


def loaded(field: FormField, value: Any) -> dict[str, Any]:
    """Return a field with its value, as a push takes it."""
    listed = field.type in ("checkbox", "h_group") and value
    return {"id": field.id, "value": json.loads(value) if listed else value, "type": field.type}


def quick_actions(process: Process, row: Row) -> str:
    """Return the names of the two quick actions at a row's stop; the sandbox numbers them."""
    quick = next((item.quick for item in process.flow.values() if item.uuid == row.stop_uuid), {})
    return ",".join(f"act{number}" if f"action{number}" in quick else "" for number in (1, 2))


def sample(process: Process, action: str) -> dict[str, Any]:
    """Return a sample of a request and its answers; of a query, no sample was recorded."""
    body: dict[str, Any] = {"security": "<security>", "api_path": process.api_path}
    if action == "query":
        return {"input": body | {"omflow_restapi": 1, "data_no": "<data_no>"}, "output": {}}
    body |= {"action": action, "omflow_restapi": 1}
    body |= {"data_id": "<data_id>"} if action == "update" else {}
    return {
        "input": body | {"formdata": [_sampled(field) for field in process.fields.values()]},
        "output": _OPENED if action == "create" else _PUSHED,
    }


_OPENED = {
    "success1": {"status": "200", "message": "開單成功", "result": "<data_no>"},
    "success2": {"status": "200", "message": "開單成功", "result": ""},
    "error": {"status": "404", "message": "開單失敗"},
}
_PUSHED = {
    "success": {"status": "200", "message": "推單成功", "result": ""},
    "error": {"status": "404", "message": "推單失敗"},
}


def _sampled(field: FormField) -> dict[str, Any]:
    value = f"[<{field.label}>,...]" if field.type == "checkbox" else f"<{field.label}>"
    return {"id": field.id, "value": value, "type": field.type}
