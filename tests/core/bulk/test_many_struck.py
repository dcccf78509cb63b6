"""Many records in one task, which is struck where it hurts: killed, overtaken, out of time, out of disk."""

from __future__ import annotations

from pathlib import Path

import pytest

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
