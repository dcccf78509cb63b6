"""What the clients do with a record: as a person would write it by hand, and as our operators do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: A workfloo and a scenario of the sandbox's Kiban.
WORKFLOO, SCENARIO = "64b5f0c2a1d3e4f5a6b7c801", "64b5f0c2a1d3e4f5a6b7a001"
#: Accounts that the sandbox accepts, too.
API_TOKEN, KIBAN_KEY, BLIZWORK_TOKEN = "sandbox-api-token", "kiban-sandbox-key", "bench-token"
SECURITY = "bench-code"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Work:
    """
    One kind of request, for many records.

    :param once: whether it may be sent only once, so that each request takes a new connection
    :param path: of the request
    :param headers: that authenticate the request written by hand
    :param body: the body of the request written by hand
    :param read_id: reads the id from its answer
    :param operator: dotted path of our operator
    :param arguments: of our operator, beside those that all have
    :param connection: the Airflow connection, without its host
    """

    once: bool
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Row], dict[str, Any]]
    read_id: Callable[[Any], Any]
    operator: str
    arguments: Mapping[str, Any]
    connection: Mapping[str, Any]


WORKS: dict[str, Work] = {
    "mybpm": Work(
        once=False,
        path="/api/v1/boi/upsert",
        headers={"API-TOKEN": API_TOKEN},
        body=lambda row: {
            "boCode": "CUSTOMER",
            "fieldValues": {"IIN": row["key"], "NAME": row["name"], "LIMIT": str(row["amount"])},
        },
        read_id=lambda answer: answer["boiId"],
        operator="mybpm.MyBPMUpsertManyOperator",
        arguments={
            "bo_code": "CUSTOMER",
            "unique_field": "IIN",
            "fields": {"IIN": "key", "NAME": "name", "LIMIT": {"column": "amount", "type": "int"}},
        },
        connection={"conn_type": "mybpm", "password": API_TOKEN},
    ),
    "omflow": Work(
        once=True,
        path="/rest/flowmanage/api/omdata/edit/purchase",
        body=lambda row: {
            "security": SECURITY,
            "omflow_restapi": 1,
            "action": "create",
            "formdata": [
                {"id": "FORMITM_1", "value": row["name"], "type": "h_title"},
                {"id": "FORMITM_3", "value": row["key"]},
            ],
        },
        read_id=lambda answer: answer["result"],
        operator="omflow.OMFlowOpenManyOperator",
        arguments={"api_path": "purchase", "run_key_field": "FORMITM_3", "fields": {"FORMITM_1": "name"}},
        connection={"conn_type": "omflow", "login": "airflow", "password": "sesame"},
    ),
    "kiban": Work(
        once=True,
        path="/api/v1/workfloo?sandbox=true",
        headers={"x-api-key": KIBAN_KEY},
        body=lambda row: {
            "idWorkflooDefinition": WORKFLOO,
            "scenarioId": SCENARIO,
            "form": {"first_name": row["name"], "last_name": row["key"], "amount": row["amount"]},
        },
        read_id=lambda answer: answer["id"],
        operator="kiban.KibanStartManyOperator",
        arguments={
            "workfloo_id": WORKFLOO,
            "scenario_id": SCENARIO,
            "run_key_field": "airflow_key",
            "fields": {"first_name": "name", "last_name": "key", "amount": "amount"},
        },
        connection={"conn_type": "kiban", "password": KIBAN_KEY, "extra": {"environment": "sandbox"}},
    ),
    "blizwork": Work(
        once=True,
        path=f"/init/{BLIZWORK_TOKEN}",
        body=lambda row: {"companyId": "bench", "userId": "bench@example.com", "processId": "credit"},
        read_id=lambda answer: answer["caseNumber"],
        operator="blizwork.BlizWorkInitManyOperator",
        arguments={"workflow_id": "credit"},
        connection={
            "conn_type": "blizwork",
            "login": "bench@example.com",
            "password": BLIZWORK_TOKEN,
            "extra": {"company_id": "bench"},
        },
    ),
}


def row(number: int) -> dict[str, Any]:
    """Return a record of the benchmark."""
    key = f"bench-{number:07d}"
    return {"key": key, "name": f"Customer {key}", "amount": 1000 + number % 9000}


def write_rows(path: Path, count: int) -> Path:
    """Write so many records as JSON Lines, unless they are there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w") as file:
            file.writelines(json.dumps(row(number)) + "\n" for number in range(1, count + 1))
        part.rename(path)
    return path


def read_rows(path: str) -> Iterator[Row]:
    """Read records as a person's script would."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
