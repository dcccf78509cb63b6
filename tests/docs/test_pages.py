"""What the pages say of the record, the errors and the retry policy, held against the code."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields

from airflow_provider_workflows.base.record import Record, read_record
from airflow_provider_workflows.protocol import errors
from airflow_provider_workflows.retry_policy import WorkflowRetryPolicy
from tests.docs.pages import DOCS, Section, blocks_of, code, sections

EXACTLY_ONCE, WAITING = DOCS / "exactly-once.md", DOCS / "waiting.md"


def section(page: str, title: str) -> Section:
    (found,) = (one for one in sections(DOCS / page) if one.title == title)
    return found


def first_cells(found: Section) -> set[str]:
    return {code(row[0])[0] for row in found.rows if code(row[0])}


def test_the_record_is_one() -> None:
    found = section("exactly-once.md", "What is written where")
    (shown,) = (json.loads(one.code) for one in blocks_of(EXACTLY_ONCE, found) if one.language == "json")
    assert Record.from_json(shown).to_json() == shown
    everything = Record(mark="m", generation=0, target="t", place="p", lost_at=1.0, baseline=1, seal="s")
    keys = {*everything.accept("i", at=1.0).to_json()}
    assert first_cells(found) == keys


def test_the_id_alone_is_enough() -> None:
    text = EXACTLY_ONCE.read_text()
    assert '-d \'{"value": {"id": "1042"}}\'' in text
    record = read_record({"id": "1042"})
    assert (record.id, record.handed_over, record.target) == ("1042", True, "")


def test_every_error_is_told() -> None:
    kinds = {
        one.__name__
        for one in vars(errors).values()
        if inspect.isclass(one) and issubclass(one, errors.WorkflowError)
    }
    abstract = {"WorkflowError", "PermanentError", "TemporaryError"}
    assert first_cells(section("waiting.md", "Errors")) == kinds - abstract


def test_retried_errors_are_the_temporary_ones() -> None:
    rows = section("waiting.md", "Errors").rows
    retried = {code(row[0])[0] for row in rows if row[2].startswith("retried")}
    kinds = vars(errors).values()
    temporary = {
        one.__name__ for one in kinds if inspect.isclass(one) and issubclass(one, errors.TemporaryError)
    }
    assert retried == temporary - {"TemporaryError"}


def test_the_policys_parameters() -> None:
    found = section("waiting.md", "When a failed task comes back")
    assert first_cells(found) == {one.name for one in fields(WorkflowRetryPolicy)}
