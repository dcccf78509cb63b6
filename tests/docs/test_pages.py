"""What the pages say of the record, the errors and the retry policy, held against the code."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.submission.record import Record, read_record
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.mybpm.sensors import MyBPMStateSensor
from airflow_provider_workflows.provider import get_provider_info
from airflow_provider_workflows.retry_policy import WorkflowRetryPolicy
from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.layout import ENVIRONMENTS
from dev.pythons import SUPPORTED_PYTHONS
from tests.core.harness import Runner
from tests.docs.pages import DOCS, Section, blocks_of, code, sections

EXACTLY_ONCE, WAITING = DOCS / "exactly-once.md", DOCS / "waiting.md"


def section(page: str, title: str) -> Section:
    (found,) = (one for one in sections(DOCS / page) if one.title == title)
    return found


def first_cells(found: Section) -> set[str]:
    return {code(row[0])[0] for row in found.rows if code(row[0])}


def test_the_record_is_one() -> None:
    found = section("exactly-once.md", "What a task stores")
    (shown,) = (json.loads(one.code) for one in blocks_of(EXACTLY_ONCE, found) if one.language == "json")
    assert Record.from_json(shown).to_json() == shown
    everything = Record(
        mark="m",
        generation=0,
        target="t",
        mark_place="p",
        lost_at=1.0,
        baseline=1,
        note=1,
        seal="s",
        answer=1,
        refused="r",
    )
    keys = {*everything.accept("i", at=1.0).to_json()}
    assert first_cells(found) == keys


def test_the_record_of_a_wait_is_told_whole(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"conn_type": "mybpm", "login": "airflow@example.com", "password": "sesame"}
    connection = {**account, "host": sandbox.vendor_url("mybpm")}
    monkeypatch.setenv("AIRFLOW_CONN_MYBPM_DEFAULT", json.dumps(connection))
    boi_id = MyBPMHook().upsert("NOTE", {"TEXT": "a"}).boi_id
    runner = Runner(lambda: MyBPMStateSensor(task_id="wait", bo_code="NOTE", boi_id=boi_id, states=["ALL"]))
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
    assert (record.id, record.id_from_person, record.target) == ("1042", True, "")


def test_every_error_is_told() -> None:
    kinds = {
        one.__name__
        for one in vars(exceptions).values()
        if inspect.isclass(one) and issubclass(one, exceptions.WorkflowError)
    }
    abstract = {"WorkflowError", "PermanentError", "TemporaryError"}
    assert first_cells(section("waiting.md", "Errors")) == kinds - abstract


def test_retried_errors_are_the_temporary_ones() -> None:
    rows = section("waiting.md", "Errors").rows
    retried = {code(row[0])[0] for row in rows if row[2].startswith("retried")}
    kinds = vars(exceptions).values()
    temporary = {
        one.__name__ for one in kinds if inspect.isclass(one) and issubclass(one, exceptions.TemporaryError)
    }
    assert retried == temporary - {"TemporaryError"}


def test_the_policys_parameters() -> None:
    found = section("waiting.md", "When a failed task comes back")
    assert first_cells(found) == {one.name for one in fields(WorkflowRetryPolicy)}


def test_the_page_on_versions_names_what_is_supported() -> None:
    text = (DOCS / "versions.md").read_text(encoding="utf-8")
    for one in ENVIRONMENTS.values():
        (pinned,) = re.findall("^apache-airflow==(.+)$", one.constraints.read_text("utf-8"), re.MULTILINE)
        assert f"on {pinned}" in text
    assert f"{', '.join(SUPPORTED_PYTHONS[:-1])} and {SUPPORTED_PYTHONS[-1]}." in text


def test_the_page_for_vendors_shows_their_whole_package() -> None:
    text = (DOCS / "your-own-vendor.md").read_text()
    folder = DOCS.parent / "tests" / "sixth_vendor"
    sources = [path.relative_to(folder) for path in folder.glob("pigeon_*/*") if path.is_file()]
    assert len(sources) > 10
    assert [str(path) for path in sources if f"../tests/sixth_vendor/{path}\n" not in text] == []
