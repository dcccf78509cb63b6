"""What the results of a table are checked for, and that every operator for many records has its cells."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_workflows
from airflow_provider_workflows.provider import FORMS
from tests.system.chaos.tables.records import (
    TableRecord,
    faults_of,
    make_records,
    outcomes,
    read_results,
    write_table,
)
from tests.system.chaos.tally import Effect, tally
from tests.system.chaos.variants import TABLES
from tests.system.chaos.vendor import Table

RECORDS = make_records("run", size=10, targets=())
PACKAGE = Path(airflow_provider_workflows.__file__).parent


def result(record: TableRecord, **known: Any) -> dict[str, Any]:
    outcome = "rejected" if record.bad else "done"
    return {"line": record.line, "key": record.tag, "outcome": outcome, "id": record.line, **known}


RESULTS = [result(record) for record in RECORDS]
SUMMARY = {"records": 10, "done": 9, "rejected": 1, "unknown": 0, "skipped": 0, "results": "folder"}


def test_nothing_is_wrong_with_whole_results() -> None:
    assert faults_of(RECORDS, RESULTS, SUMMARY, unknown=(0,)) == []


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (RESULTS[:8] + RESULTS[9:], "1 records have no result, e.g. 9"),
        ([*RESULTS, RESULTS[0]], "1 records have two results, e.g. 1"),
        ([result(RECORDS[0], outcome="rejected", message="no"), *RESULTS[1:]], "1 records were rejected: no"),
        ([*RESULTS[:9], result(RECORDS[9], outcome="done")], "1 records that the vendor refuses are done"),
        ([result(RECORDS[0], outcome="unknown", message="who knows"), *RESULTS[1:]], "1 records are unknown"),
    ],
    ids=["missing", "twice", "rejected", "done though bad", "unknown"],
)
def test_what_is_wrong_is_said(results: list[dict[str, Any]], said: str) -> None:
    found = faults_of(RECORDS, results, SUMMARY, unknown=(0,))
    assert any(one.startswith(said) for one in found)
    assert any(one.startswith("XCom says") for one in found), "the counts are no longer those of the results"


def test_records_are_counted_as_tasks_are() -> None:
    ended = outcomes(RECORDS, [*RESULTS[:8], result(RECORDS[8], outcome="unknown", message="who knows")])
    effects = [Effect(record.tag, str(record.line)) for record in (*RECORDS, RECORDS[0])]
    counted = tally(ended, effects, [], settle=None)
    # Of the last, whose result is missing, an effect is there that nobody names.
    assert (counted.succeeded, counted.doubting, counted.duplicates, counted.lost) == (8, 1, 1, 1)


def test_a_record_that_was_rejected_with_an_effect_is_lost() -> None:
    effects = [Effect(record.tag, str(record.line)) for record in RECORDS]
    assert tally(outcomes(RECORDS, RESULTS), effects, [], settle=None).lost == 1


def test_what_a_move_moves_is_what_its_record_names() -> None:
    moved = replace(RECORDS[0], target="signing/7")
    (ended,) = outcomes([moved], [result(moved, id=12)])
    assert ended.named == {"7"}


def test_a_table_names_its_records_and_its_results_are_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    write_table(path, Table(path="", fixed={}, bad={"tag": ""}, row={"worker": "3"}), RECORDS)
    first, *_, last = path.read_text().splitlines()
    assert first == '{"tag": "run.1", "target": "", "worker": "3", "key": "run.1"}'
    assert last == '{"tag": "", "target": "", "worker": "3", "key": "run.10"}'
    folder = tmp_path / "table.results" / "dag"
    folder.mkdir(parents=True)
    (folder / "part-00001-a.jsonl").write_text('{"line": 3}\n')
    (folder / "part-00001-b.jsonl").write_text('{"line": 1}\n')
    (folder / "intents-00001-a.jsonl").write_text('{"line": 2}\n')
    assert read_results(path) == [{"line": 1}]


def test_every_operator_for_many_records_has_its_cells() -> None:
    declared = {
        f"{form.conn_type}.many.{node.name}"
        for form in FORMS
        if (module := PACKAGE / form.conn_type / "many.py").is_file()
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("ManyOperator")
    }
    assert {variant.table.path for variant in TABLES if variant.table is not None} == declared
