"""What the bare server answers to those who wait: our conditions must read it, and find nothing ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.peers.pending import pending


def asked(path: str, body: Any = None) -> Any:
    found = pending(f"/waits-3600{path}".encode(), json.dumps(body).encode())
    assert found is not None
    assert found[1] == b"200 OK"
    return json.loads(found[2])


@pytest.mark.parametrize(("value", "numbers"), [("7", ["7"]), (["7", 9], ["7", "9"])])
def test_orders_have_a_row_each(value: Any, numbers: list[str]) -> None:
    body = {"search_conditions": [{"column": "data_no", "condition": "in", "value": value}]}
    rows = asked("/omflow-1.2/rest/flowmanage/api/omdata/list/waited", body)["result"]
    assert [row["data_no"] for row in rows] == numbers
    assert not any(row["closed"] for row in rows)


def test_pages_of_executions_have_all_that_wait() -> None:
    pages = [
        asked(f"/kiban/api/v2/workfloo?page={page}&itemsPerPage=500&status=PROGRESS") for page in (1, 2, 3, 4)
    ]
    assert [len(page) for page in pages] == [500, 500, 200, 0]
    assert pages[1][0] == asked(f"/kiban/api/v1/workfloo/status/{500:024x}?sandbox=true")


def test_instances_come_alone_and_together() -> None:
    one = asked("/mybpm/api/v1/boi/load", {"boCode": "CUSTOMER", "boiId": "a"})
    assert asked("/mybpm/api/v1/boi/load-many", {"boCode": "CUSTOMER", "boiIds": ["a", "b"]})[0] == one


def test_the_http_providers_sensor_waits_for_what_is_not_found() -> None:
    assert pending(b"/waits-5/runs/3", b"") == ("http", b"404 Not Found", b"{}")


def test_other_requests_are_no_waits() -> None:
    assert pending(b"/mybpm/api/v1/boi/upsert", b"{}") is None
