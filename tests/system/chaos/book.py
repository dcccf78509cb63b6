"""What an Airflow has written down about its tasks, read from its database and its log files."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.system.chaos.tally import TaskOutcome, bare

TASK = "submit"
#: Keys of the task state store under which a remote id may be kept.
RECORDS = ("workflow_submission", "workflow_step")


class Book:
    """
    Reads past the API server, which dozens of cells that ask each second would keep from its work.

    :param home: of the Airflow
    :param database: its SQLite file
    """

    def __init__(self, home: Path, database: Path) -> None:
        self._home = home
        self._database = database

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """State of a run; None if there is none."""
        rows = self._rows("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag_id, run_id)
        return rows[0][0] if rows else None

    def run_states(self, dag_id: str) -> dict[str, str]:
        """States of all runs of a DAG, by run id."""
        return dict(self._rows("SELECT run_id, state FROM dag_run WHERE dag_id = ?", dag_id))

    def states(self, dag_id: str, run_id: str) -> Counter[str]:
        """How many tasks of a run are in which state."""
        query = "SELECT coalesce(state, 'none'), count(*) FROM task_instance WHERE dag_id = ? AND run_id = ?"
        return Counter(dict(self._rows(f"{query} GROUP BY 1", dag_id, run_id)))

    def outcomes(
        self, dag_id: str, run_id: str, *, task_id: str = TASK, tag: str | None = None
    ) -> list[TaskOutcome]:
        """
        How the tasks of one id ended, in the order of their map indexes.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the mapped task
        :param tag: what the tags of their submissions begin with; by default the run's id
        """
        query = "SELECT map_index, state, try_number FROM task_instance"
        rows = self._rows(
            f"{query} WHERE dag_id = ? AND run_id = ? AND task_id = ? ORDER BY 1", dag_id, run_id, task_id
        )
        named = self._named(dag_id, run_id, task_id)
        found = []
        for index, state, try_number in rows:
            folder = self._logs(dag_id, run_id, task_id, index)
            errors = list(_errors(folder)) if state != "success" else []
            doubts = [text for kind, text in errors if kind == "OutcomeUnknown"]
            found.append(
                TaskOutcome(
                    tag=f"{tag or run_id}.{index}",
                    state=state,
                    named=frozenset(named.get(index, ())),
                    doubt=doubts[-1] if doubts and errors[-1][0] == "OutcomeUnknown" else "",
                    error=": ".join(errors[-1]) if errors else "",
                    try_number=try_number,
                )
            )
        return found

    def _named(self, dag_id: str, run_id: str, task_id: str) -> dict[int, set[str]]:
        where = "WHERE dag_id = ? AND run_id = ? AND task_id = ?"
        xcoms = self._rows(
            f"SELECT map_index, value FROM xcom {where} AND key = 'remote'", dag_id, run_id, task_id
        )
        records = self._rows(
            f"SELECT map_index, value FROM task_state_store {where} AND key IN (?, ?)",
            *(dag_id, run_id, task_id, *RECORDS),
        )
        named: dict[int, set[str]] = {}
        for index, text in [*xcoms, *records]:
            value = _decoded(text)
            if isinstance(value, dict) and value.get("id") is not None:
                named.setdefault(index, set()).add(bare(str(value["id"])))
        return named

    def _logs(self, dag_id: str, run_id: str, task_id: str, index: int) -> Path:
        folder = self._home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return folder / f"map_index={index}" if index >= 0 else folder

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        address = f"file:{self._database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()


def _decoded(text: Any) -> Any:
    while isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError:
            return text
    return text


def _errors(folder: Path) -> Iterator[tuple[str, str]]:
    """Class and text of every exception that ended an attempt, oldest first."""
    for log in sorted(folder.glob("attempt=*.log"), key=_attempt):
        for line in log.read_text(errors="replace").splitlines():
            event = _decoded(line)
            details = event.get("error_detail") if isinstance(event, dict) else None
            if details:
                yield str(details[0].get("exc_type")), str(details[0].get("exc_value"))


def _attempt(log: Path) -> int:
    return int(log.stem.partition("=")[2].partition(".")[0] or 0)
