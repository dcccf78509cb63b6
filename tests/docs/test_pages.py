"""What the pages say of the record, the errors and the retry policy, held against the code."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields

import pytest

from airflow_provider_workflows.base.record import Record, read_record
from airflow_provider_workflows.mybpm.hook import MyBPMHook
from airflow_provider_workflows.mybpm.sensors import MyBPMStateSensor
from airflow_provider_workflows.protocol import errors
from airflow_provider_workflows.provider import get_provider_info
from airflow_provider_workflows.retry_policy import WorkflowRetryPolicy
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.base.harness import Runner
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


def test_the_record_of_a_wait_is_told_whole(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"conn_type": "mybpm", "login": "airflow@example.com", "password": "sesame"}
    connection = {**account, "host": sandbox.vendor_url("mybpm")}
    monkeypatch.setenv("AIRFLOW_CONN_MYBPM_DEFAULT", json.dumps(connection))
    boi_id = MyBPMHook().upsert("NOTE", {"TEXT": "a"}).boi_id
    sensor = {"task_id": "wait", "bo_code": "NOTE", "boi_id": boi_id, "states": ["ALL"]}
    runner = Runner(lambda: MyBPMStateSensor(**sensor))
    runner.run()
    assert runner.store is not None
    record = runner.store.get("workflow_wait")
    _, _, told = EXACTLY_ONCE.read_text().partition("a second record, `workflow_wait`")
    told, _, _ = told.partition("\n## ")
    assert [name for name in (*record, *record["state"]) if f"`{name}`" not in told] == []


def test_the_changelog_names_what_there_is_beside_the_rooms() -> None:
    text = (DOCS.parent / "CHANGELOG.md").read_text()
    notifiers = [path.rpartition(".")[2] for path in get_provider_info()["notifications"]]
    assert len(notifiers) == 3
    assert [name for name in (*notifiers, "workflow_sandbox", "Feeds") if name not in text] == []


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
