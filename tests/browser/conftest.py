"""One browser for all tests; an Airflow without any connection and a sandbox for the journey."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_instance import AirflowInstance
from dev.chromium import running_chromium
from dev.layout import AIRFLOW_HOMES, EXAMPLE_DAGS
from dev.sandbox_process import running_sandbox
from tests.browser.account import Account
from tests.browser.accounts import accounts, open_at_the_vendors
from tests.browser.page_recorder import PageRecorder

FOLDER = AIRFLOW_HOMES / "browser"
PICTURES = FOLDER / "screenshots"
FAILURES = FOLDER / "failures"
PATIENCE = 120_000
"""Milliseconds for what Airflow answers at once when it is not busy."""
#: So high that a form has no need to be scrolled, and room below it for what Test says.
FORM_SIZE: ViewportSize = {"width": 1100, "height": 1140}
PAGE_SIZE: ViewportSize = {"width": 1280, "height": 800}
GRAPH_SIZE: ViewportSize = {"width": 1280, "height": 620}


@dataclass(frozen=True)
class Environment:
    """Airflow and the browser, and what a person has been given for the vendors."""

    airflow: AirflowInstance
    sandbox: str
    browser: BrowserContext
    accounts: tuple[Account, ...]


@dataclass(frozen=True)
class Tab:
    """A tab of the browser, and what was seen in it."""

    page: Page
    recorder: PageRecorder

    def picture(self, name: str, of: Locator | None = None) -> None:
        """Take a picture for the documentation, of the page or a part of it."""
        (of or self.page).screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="hide")


@pytest.fixture(scope="session")
def empty_folders() -> None:
    """Forget what an earlier run has left behind."""
    for folder in (PICTURES, FAILURES):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium(empty_folders: None) -> Iterator[BrowserContext]:
    """The browser of all tests: Playwright runs one at a time in a thread."""
    with running_chromium(FOLDER / "chromium") as browser:
        yield browser


@pytest.fixture(scope="module")
def environment(chromium: BrowserContext) -> Iterator[Environment]:
    expect.set_options(timeout=PATIENCE)
    with (
        running_sandbox(FOLDER / "sandbox") as sandbox,
        AirflowInstance(FOLDER / "airflow", dags_folder=EXAMPLE_DAGS) as airflow,
    ):
        known = accounts(sandbox.url)
        open_at_the_vendors(Control(sandbox.url), known)
        airflow.wait_healthy()
        yield Environment(airflow, sandbox.url, chromium, known)


@pytest.fixture
def tab(environment: Environment) -> Iterator[Tab]:
    page = environment.browser.new_page()
    page.set_default_timeout(PATIENCE)
    yield Tab(page, PageRecorder(page))
    page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave behind what a failed test saw, and say where."""
    report = yield
    tab = item.funcargs.get("tab")
    if report.when != "teardown" and report.failed and isinstance(tab, Tab):
        left = tab.recorder.leave(FAILURES, re.sub(r"\W+", "-", item.name).strip("-"))
        places = [*left, FOLDER / "airflow", FOLDER / "sandbox"]
        report.sections.append(("where to look", "\n".join(map(str, places))))
    return report
