"""What a task is taken to have named, read from tables like Airflow's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy

from tests.system.chaos.airflow_reader import AirflowReader

COLUMNS = "dag_id, run_id, task_id, map_index"
RECORD, XCOM = {"id": 14, "baseline": {"data_id": 14}}, {"id": "signing/1"}


@pytest.fixture
def database(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'airflow.db'}"
    with sqlalchemy.create_engine(address).begin() as connection:
        for table, more in (
            ("task_instance", "state, try_number"),
            ("xcom", "key, value"),
            ("task_state_store", "key, value"),
        ):
            connection.execute(sqlalchemy.text(f"CREATE TABLE {table} ({COLUMNS}, {more})"))
    return address


def put(address: str, table: str, *values: object) -> None:
    row = ("dag", "run", "submit", 0, *values)
    names = [f"v{at}" for at in range(len(row))]
    statement = f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in names)})"
    with sqlalchemy.create_engine(address).begin() as connection:
        connection.execute(sqlalchemy.text(statement), dict(zip(names, row, strict=True)))


def named(tmp_path: Path, address: str) -> frozenset[str]:
    put(address, "task_instance", "success", 1)
    with AirflowReader(tmp_path, address) as reader:
        (outcome,) = reader.outcomes("dag", "run")
        assert reader.ended() == 1
    return outcome.named


def test_a_move_names_what_it_moved_and_not_the_row_that_its_record_holds(
    tmp_path: Path, database: str
) -> None:
    put(database, "task_state_store", "workflow_submission", json.dumps(RECORD))
    put(database, "xcom", "remote", json.dumps(XCOM))
    assert named(tmp_path, database) == {"1"}


def test_who_has_not_come_to_its_xcom_names_what_its_record_holds(tmp_path: Path, database: str) -> None:
    put(database, "task_state_store", "workflow_submission", json.dumps({"id": "purchase/7"}))
    assert named(tmp_path, database) == {"7"}


def test_who_has_neither_names_nothing(tmp_path: Path, database: str) -> None:
    assert named(tmp_path, database) == frozenset()
