"""Reads the occurrences for which a DAG run was triggered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def occurrences(triggering_asset_events: Mapping[Any, Iterable[Any]]) -> list[dict[str, Any]]:
    """
    Return the occurrences that triggered a DAG run, oldest first, without duplicates.

    Airflow may start one run for several asset events, and an occurrence may arrive twice; within one run,
    this function handles both. To recognise an occurrence from an earlier run, compare ``occurrence_id``.

    :param triggering_asset_events: ``triggering_asset_events`` of the task's context
    :returns: for each occurrence ``occurrence_id``, ``conn_id`` and the feed's facts; other asset events,
        such as those created in the UI, are left out
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for event in _in_order(event for events in triggering_asset_events.values() for event in events):
        payload = (event.extra or {}).get("payload")
        if isinstance(payload, Mapping) and "occurrences" in payload:
            conn_id = str(payload["conn_id"])
            for occurrence in payload["occurrences"]:
                key = (conn_id, occurrence["occurrence_id"])
                found.setdefault(key, {**occurrence, "conn_id": conn_id})
    return list(found.values())


def _in_order(events: Iterable[Any]) -> list[Any]:
    """Return events sorted by time; Airflow groups them by asset, in no order within an asset."""
    listed = list(events)
    if any(getattr(event, "timestamp", None) is None for event in listed):  # created by a test
        return listed
    return sorted(listed, key=lambda event: event.timestamp)
