"""A lost answer is settled in Airflow's web UI: the question is read and answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_instance import AirflowInstance
from dev.sandbox_process import running_sandbox
from dev.vendors import CONNECTIONS
from tests.browser.conftest import FOLDER, PATIENCE, PICTURES

pytestmark = pytest.mark.browser

DAG_ID, TASK_ID, RUN_ID = "invoices", "start_robot", "december"
#: Shorter than usual: the question comes once a lost request has settled.
TIMEOUT = 5
#: Seconds: Airflow may fail a task that is answered right after it began to wait.
CALM = 5.0
SIZE: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture
def sandbox() -> Iterator[str]:
    with running_sandbox(FOLDER / "question-sandbox") as running:
        yield running.url


@pytest.fixture
def airflow(sandbox: str) -> Iterator[AirflowInstance]:
    known = next(connection for connection in CONNECTIONS if connection.mount == "robusta")
    fields = known.fields(sandbox)
    fields["extra"] = {**fields["extra"], "timeout": TIMEOUT}
    with AirflowInstance(
        FOLDER / "question-airflow",
        dags_folder=Path(__file__).parent / "dags",
        connections={known.conn_id: fields},
    ) as instance:
        instance.wait_healthy()
        yield instance


@pytest.fixture
def page(chromium: BrowserContext) -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE)
    # A cookie is for all ports of a host: that of another Airflow is not ours.
    chromium.clear_cookies()
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size(SIZE)
    yield page
    page.close()


def state(airflow: AirflowInstance) -> str | None:
    (task,) = airflow.task_instances(DAG_ID, RUN_ID)
    return task.state


def until(airflow: AirflowInstance, wanted: str) -> None:
    airflow.wait_until(
        lambda: state(airflow) == wanted or None, timeout=180, what=f"{TASK_ID} to be {wanted}"
    )


def answer(page: Page, option: str, *, id: str = "") -> None:
    """Fill the field of the question that the page shows, and press an answer."""
    if id:
        page.get_by_role("textbox").last.fill(id)
    page.get_by_role("button", name=option, exact=True).click()


def test_a_doubt_is_settled(page: Page, airflow: AirflowInstance, sandbox: str) -> None:
    control = Control(sandbox)
    control.fault("robusta", "start", "lost_answer")
    airflow.wait_for_dag(DAG_ID)
    airflow.unpause(DAG_ID)
    airflow.trigger(DAG_ID, run_id=RUN_ID)
    until(airflow, "awaiting_input")
    page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{RUN_ID}/tasks/{TASK_ID}/details")
    link = page.get_by_role("link", name="Open in Robusta RPA")
    expect(link).to_have_attribute("href", f"{sandbox}/records/robusta/")
    page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{RUN_ID}/tasks/{TASK_ID}/required_actions")
    expect(page.get_by_role("button", name="It is there", exact=True)).to_be_enabled()
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "question.png", animations="disabled", caret="hide")
    (record,) = control.records("robusta")
    time.sleep(CALM)
    answer(page, "It is there", id=record["id"])
    until(airflow, "success")
    page.reload()
    page.screenshot(path=PICTURES / "question-answered.png", animations="disabled", caret="hide")
    kept = airflow.state(DAG_ID, RUN_ID, TASK_ID)["workflow_submission"]
    assert kept["id"] == record["id"]
    assert kept["answer"]["verdict"] == "there"
    assert control.effects("robusta")["saved"] == 1
