"""What a person is shown: by Airflow's REST API, which its pages ask, and by the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.registry import load_declaration
from dev.airflow_client import PAGE, AirflowClient
from tests.system.search import Place

#: All that a sandbox serves.
MOUNTS = tuple(registry.build(load_declaration(), Clock()))
ALL_TASKS = "/dags/~/dagRuns/~/taskInstances"
LISTS = (
    "/connections",
    "/eventLogs",
    "/importErrors",
    "/dags",
    "/assets/events",
    f"{ALL_TASKS}/~/xcomEntries",
)


def airflow_answers(airflow: AirflowClient) -> Iterator[Place]:
    """Yield what the REST API tells of connections, events, tasks, rendered fields, links and the like."""
    for path in LISTS:
        yield from _pages(airflow, path)
    for task in (item for _, page in _listed(airflow, ALL_TASKS) for item in page):
        yield ALL_TASKS, json.dumps(task).encode()
        where = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        which = {"map_index": task["map_index"]}
        for part in ("links", "state-store"):
            yield f"{task['dag_id']}.{task['task_id']}/{part}", _get(airflow, f"{where}/{part}", which)


def sandbox_answers(control: Control) -> Iterator[Place]:
    """Yield the desk's pages, and what the control API tells without being asked for a secret."""
    for path in ("", "/_desk/faults", *(f"/records/{mount}" for mount in MOUNTS)):
        page = requests.get(f"{control.url}{path}", timeout=60)
        page.raise_for_status()
        yield f"desk {path or '/'}", page.content
    yield "faults", json.dumps(control.faults()).encode()
    records = control.records()
    yield "records", json.dumps(records).encode()
    for vendor in MOUNTS:
        for ask in (control.effects, control.requests, control.sent):
            yield f"{vendor} {ask.__name__}", json.dumps(ask(vendor)).encode()


def _get(airflow: AirflowClient, path: str, params: dict[str, Any]) -> bytes:
    return json.dumps(airflow.call("GET", path, params=params)).encode()


def _pages(airflow: AirflowClient, path: str) -> Iterator[Place]:
    for place, page in _listed(airflow, path):
        yield place, json.dumps(page).encode()


def _listed(airflow: AirflowClient, path: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the pages of a list."""
    read = 0
    while True:
        answer = airflow.call("GET", path, params={"limit": PAGE, "offset": read})
        (page,) = (value for value in answer.values() if isinstance(value, list))
        read += len(page)
        yield path, page
        if not page or read >= answer["total_entries"]:
            return
