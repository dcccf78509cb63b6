"""What an Airflow has written down about its tasks, read from its database and its log files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy

from tests.system.chaos.tally import TaskOutcome, bare

TASK = "submit"
#: Keys of the task state store under which a remote id may be kept.
RECORDS = ("workflow_submission", "workflow_step")
#: Mapped tasks of a run.
WHERE = "WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id"


class AirflowReader:
    """
    Reads past the API server, which dozens of cells that ask each second would keep from its work.

    A context manager; threads may share it.

    :param home: of the Airflow
    :param database: its address, in SQLAlchemy's form
    """

    def __init__(self, home: Path, database: str) -> None:
        self._home = home
        self._engine = sqlalchemy.create_engine(
            database,
            isolation_level="AUTOCOMMIT",
            pool_pre_ping=True,  # a cell may restart the database
        )

    def __enter__(self) -> AirflowReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """State of a run; None if there is none."""
        query = "SELECT state FROM dag_run WHERE dag_id = :dag_id AND run_id = :run_id"
        rows = self.rows(query, dag_id=dag_id, run_id=run_id)
        return rows[0][0] if rows else None

    def run_states(self, dag_id: str) -> dict[str, str]:
        """States of all runs of a DAG, by run id."""
        rows = self.rows("SELECT run_id, state FROM dag_run WHERE dag_id = :dag_id", dag_id=dag_id)
        return dict(rows)

    def states(self, dag_id: str, run_id: str) -> Counter[str]:
        """How many tasks of a run are in which state."""
        where = "WHERE dag_id = :dag_id AND run_id = :run_id"
        query = f"SELECT coalesce(state, 'none'), count(*) FROM task_instance {where} GROUP BY 1"
        return Counter(dict(self.rows(query, dag_id=dag_id, run_id=run_id)))

    def ended(self) -> int:
        """How many tasks of all DAGs have ended."""
        found = self.rows(
            "SELECT count(*) FROM task_instance WHERE state IN ('success', 'failed', 'skipped')"
        )
        return int(found[0][0])

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
        key = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
        query = f"SELECT map_index, state, try_number FROM task_instance {WHERE} ORDER BY 1"
        rows = self.rows(query, **key)
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
                    named=frozenset({named[index]} if index in named else ()),
                    doubt=doubts[-1] if doubts and errors[-1][0] == "OutcomeUnknown" else "",
                    error=": ".join(errors[-1]) if errors else "",
                    try_number=try_number,
                )
            )
        return found

    def _named(self, dag_id: str, run_id: str, task_id: str) -> dict[int, str]:
        """
        The bare id that each task names: as its XCom says, or its record if it has not come to that.

        The record of a move may hold another thing's number: that of an OMFlow push the row, not the order.
        """
        key = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
        xcoms = self.rows(f"SELECT map_index, value FROM xcom {WHERE} AND key = 'remote'", **key)
        submission, step = RECORDS
        query = f"SELECT map_index, value FROM task_state_store {WHERE} AND key IN (:submission, :step)"
        records = self.rows(query, **key, submission=submission, step=step)
        named: dict[int, str] = {}
        for index, text in [*records, *xcoms]:
            value = decoded(text)
            if isinstance(value, dict) and value.get("id") is not None:
                named[index] = bare(str(value["id"]))
        return named

    def _logs(self, dag_id: str, run_id: str, task_id: str, index: int) -> Path:
        folder = self._home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return folder / f"map_index={index}" if index >= 0 else folder

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """
        Answer of the database to a query.

        :param query: in SQL, with ``:names``
        :param values: of the names
        """
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.text(query), values)]


def decoded(text: Any) -> Any:
    """Value that JSON stands for, however often it was encoded; what is not JSON, as it is."""
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
            event = decoded(line)
            details = event.get("error_detail") if isinstance(event, dict) else None
            if details:
                yield str(details[0].get("exc_type")), str(details[0].get("exc_value"))


def _attempt(log: Path) -> int:
    return int(log.stem.partition("=")[2].partition(".")[0] or 0)
