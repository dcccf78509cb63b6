"""For DAGs that are scheduled on what happens at a vendor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def occurrences(triggering_asset_events: Mapping[Any, Iterable[Any]]) -> list[dict[str, Any]]:
    """
    Return what a DAG run was started for, oldest first, each once.

    Airflow may start one run for several asset events, and an occurrence may come twice; within the run this
    takes care of both. That it came in an earlier run already, only ``occurrence_id`` tells.

    :param triggering_asset_events: of the task's context
    :returns: for each ``occurrence_id``, ``conn_id``, and the feed's facts; events of other making, such as
        those that a person creates in the UI, are left out
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for event in _in_order(event for events in triggering_asset_events.values() for event in events):
        payload = (event.extra or {}).get("payload")
        if isinstance(payload, Mapping) and "occurrences" in payload:
            conn_id = str(payload["conn_id"])
            for told in payload["occurrences"]:
                found.setdefault((conn_id, told["occurrence_id"]), {**told, "conn_id": conn_id})
    return list(found.values())


def _in_order(events: Iterable[Any]) -> list[Any]:
    """Return events by time: Airflow gives them asset by asset, and those of an asset in no order."""
    listed = list(events)
    if any(getattr(event, "timestamp", None) is None for event in listed):  # made up for a test
        return listed
    return sorted(listed, key=lambda event: event.timestamp)
