"""Many records in one task, which is struck where it hurts: killed, overtaken, out of time, out of disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_workflows.core.bulk import record_store
from airflow_provider_workflows.exceptions import TemporaryError
from tests.core.bulk.crowd import Crowd, Table, rows

KINDS = ["marked", "blind", "upsert"]
NAMES = [f"r{number}" for number in range(40)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["r3", "r30"])
def test_a_killed_task_does_not_end_as_if_all_were_done(tmp_path: Path, kind: str, at: str) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind=kind, concurrency=2)
    crowd.at[at] = lambda: table.task.on_kill()
    with pytest.raises(TemporaryError, match="killed before"):
        table.run(rows(*NAMES))
    assert len(crowd.sent) < 40
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}
    assert len(crowd.sent) == 40


def test_a_lead_of_records_that_ended_before_a_kill_does_not_stop_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_store, "LEAD", 4)
    monkeypatch.setattr(record_store, "HEARTBEAT", 0.1)
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked")
    at_first: dict[str, str] = {}
    crowd.at["r0"] = lambda: at_first.update(table.store.values)
    table.run(rows(*NAMES[:4]))
    table.store.values |= at_first  # as if killed after the part was written and before that was noted
    assert table.run(rows(*NAMES[:6]))["done"] == 6
    assert len(crowd.sent) == 6
