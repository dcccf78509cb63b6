"""Rows that the recorded server listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_workflows.omflow.api.order import Order

FILE = Path(__file__).parents[1] / "data" / "omflow_recorded.jsonl"
_ANSWERS: dict[str, Any] = {
    pair["label"]: pair["response"]["body"] for pair in map(json.loads, FILE.read_text().splitlines())
}


def recorded_rows(label: str) -> tuple[Mapping[str, Any], ...]:
    """Return the rows of a recorded listing."""
    return tuple(_ANSWERS[label]["result"])


def recorded_order(label: str) -> Order:
    return Order(recorded_rows(label))
