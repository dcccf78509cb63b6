"""Airflow's web UI, as a person finds their way in it: by labels, headings and the names of buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from playwright.sync_api import Locator, Page, expect

from tests.browser.account import Choice

EXTRA_FIELDS = "Extra Fields"
JSON = "Extra Fields JSON"


@dataclass(frozen=True)
class Notice:
    """What Airflow says in the corner for a few seconds."""

    title: str
    text: str


class ConnectionList:
    """
    The page with all connections.

    :param page: a tab of the browser
    :param url: where Airflow is
    """

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url

    def open(self) -> ConnectionList:
        """Go there, which also clears away older notices, and wait for the list."""
        self._page.goto(f"{self._url}/connections")
        some = self._page.get_by_role("heading", name=re.compile(r"^\d+ Connections?$"))
        none = self._page.get_by_text("No connection found!")
        expect(some.or_(none).first).to_be_visible()
        return self

    def add(self, conn_id: str, type_name: str) -> ConnectionDialog:
        """Begin a connection: its name, and its type out of the list."""
        self._page.get_by_role("button", name="Add Connection").click()
        dialog = ConnectionDialog(self._page, "Add Connection")
        dialog.fill({"Connection ID": conn_id, "Connection Type": Choice(type_name)})
        return dialog

    def edit(self, conn_id: str) -> ConnectionDialog:
        """Open a connection that has been saved."""
        self._row(conn_id).get_by_role("button", name="Edit Connection").click()
        return ConnectionDialog(self._page, "Edit Connection")

    def test(self, conn_id: str) -> Notice:
        """Press the Test button of a saved connection, the only one that there is, and read the answer."""
        self._row(conn_id).get_by_role("button", name="Test Connection").click()
        return notice(self._page, re.compile("Test Connection (Successful|Failed)"))

    def has(self, conn_id: str) -> bool:
        """Whether a connection is in the list."""
        return self._row(conn_id).count() > 0

    def _row(self, conn_id: str) -> Locator:
        cell = self._page.get_by_role("cell", name=conn_id, exact=True)
        return self._page.get_by_role("row").filter(has=cell)


class ConnectionDialog:
    """
    The form of one connection.

    :param page: a tab with the list of connections
    :param heading: what is written above the form
    """

    def __init__(self, page: Page, heading: str) -> None:
        self._page = page
        self.locator = page.get_by_role("dialog").filter(has=page.get_by_role("heading", name=heading))
        expect(self.locator).to_be_visible()

    def unfold(self, section: str) -> None:
        """Open a section of the form, which folds the others up."""
        button = self.locator.get_by_role("button", name=section, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-expanded", "true")

    def unfold_json(self, *, holding: str) -> None:
        """Open the section in which the vendor's own fields are seen as what is saved of them."""
        self.unfold(JSON)
        editor = self.locator.get_by_role("region", name=JSON).get_by_role("code")
        expect(editor).to_contain_text(holding)

    def fill(self, values: Mapping[str, str]) -> None:
        """Fill fields in, by label."""
        for label, value in values.items():
            if isinstance(value, Choice):
                self._field(label).get_by_role("combobox").click()
                self._page.get_by_role("option", name=value, exact=True).click()
            else:
                self._input(label).fill(value)
            self.expect_value(label, value)

    def expect_value(self, label: str, value: str) -> None:
        """Wait until a field shows a value."""
        if isinstance(value, Choice):
            expect(self._field(label).get_by_text(value, exact=True)).to_be_visible()
        else:
            expect(self._input(label)).to_have_value(value)

    def show_value(self, label: str) -> None:
        """Press the eye beside a secret field."""
        self._field(label).get_by_role("button", name="Show value").click()
        expect(self._input(label)).to_have_attribute("type", "text")

    def save(self) -> Notice:
        """Save and read what Airflow says to it."""
        self.locator.get_by_role("button", name="Save").click()
        expect(self.locator).to_be_hidden()
        return notice(self._page, re.compile("Connection Request Submitted"))

    def _field(self, label: str) -> Locator:
        # Fields of the vendor's own have a label that is not tied to the input; a star marks what is needed.
        named = self._page.get_by_text(re.compile(rf"^{re.escape(label)}\s*\*?$"))
        return self.locator.get_by_role("group").filter(has=named)

    def _input(self, label: str) -> Locator:
        field = self._field(label)
        kinds = [field.get_by_role(role) for role in ("textbox", "spinbutton", "combobox")]
        return kinds[0].or_(kinds[1]).or_(kinds[2])


class DagRun:
    """
    The pages of one run of a DAG.

    :param page: a tab that shows the run
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._url = page.url

    @classmethod
    def trigger(cls, page: Page, url: str, dag_id: str) -> DagRun:
        """Look for a DAG in the list of all, open it, switch it on, and trigger it."""
        page.goto(f"{url}/dags")
        page.get_by_role("link", name=dag_id, exact=True).click()
        trigger = page.get_by_role("button", name="Trigger Dag")
        expect(trigger).to_have_count(1)  # the list has one for each DAG, and stays for a moment
        page.wait_for_url(f"**/dags/{dag_id}")
        # The dialog would do this, too, but Airflow 3.3.2's may stay open if that is done before the run is.
        switch = page.get_by_test_id("header-card").get_by_test_id("toggle-pause")
        switch.click()
        expect(switch.get_by_role("checkbox")).to_be_checked()
        trigger.click()
        page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
        notice(page, re.compile("Dag Run Triggered"))
        page.wait_for_url("**/runs/*")
        return cls(page)

    def wait_for_end(self, *, seconds: float) -> str:
        """Watch the run until it has ended, and return how it did."""
        head = self._page.get_by_test_id("header-card")
        ended = head.get_by_text(re.compile("^(Success|Failed)$"))
        expect(ended).to_be_visible(timeout=seconds * 1000)
        return ended.inner_text()

    def show_grid(self) -> None:
        """Show every task of the run."""
        self._page.goto(self._url)  # the bar above the grid has stopped short of the end
        expand = self._button("Expand all task groups", key="taskGroups.expandAll")
        expand.click()
        expect(expand).to_be_disabled()

    def show_graph(self) -> None:
        """Show the graph with its groups folded, alone and as large as it gets."""
        self._back()
        self._button("Show Graph", key="panel.buttons.showGraph").click()
        fit = self._page.get_by_role("button", name="Fit View")
        expect(fit).to_be_visible()
        self._button("Collapse all task groups", key="taskGroups.collapseAll").click()
        unfolded = self._page.get_by_role("button", name=re.compile(r"^- \d+ Tasks"))
        expect(unfolded).to_have_count(0)
        self._page.get_by_role("button", name="Collapse Details Panel").click()
        expect(self._page.get_by_role("button", name="Show Details Panel")).to_be_visible()
        fit.click()

    def open_task(self, task_id: str) -> None:
        """Go to the page of one of the run's tasks, and there to what Airflow knows of it."""
        self._back()
        self._page.get_by_role("table").get_by_role("link", name=task_id, exact=True).click()
        self._page.get_by_role("link", name="Details", exact=True).click()

    def _back(self) -> None:
        """Go from wherever in the run to the run."""
        crumbs = self._page.get_by_role("navigation", name="breadcrumb")
        crumbs.get_by_role("link", name=unquote(self._url.rpartition("/")[2]), exact=True).click()
        # The address changes before the page does.
        expect(self._page.get_by_role("link", name="Task Instances", exact=True)).to_be_visible()

    def _button(self, name: str, *, key: str) -> Locator:
        # Airflow 3.3.2 fetches the words of a DAG's pages late, and some buttons then keep the words' keys.
        return self._page.get_by_role("button", name=re.compile(f"^({re.escape(name)}|{re.escape(key)})"))

    def link(self, name: str) -> Locator:
        """A link that leads from a task away from Airflow, as soon as it is there."""
        found = self._page.get_by_role("link", name=name, exact=True)
        expect(found).to_be_visible()
        return found

    def follow(self, name: str) -> Page:
        """Press such a link; returns the tab that it opens."""
        with self._page.expect_popup() as opened:
            self.link(name).click()
        return opened.value


def notice(page: Page, title: re.Pattern[str]) -> Notice:
    """
    Wait for a notice.

    :param page: a tab of Airflow's UI
    :param title: its first line, or a part of it
    """
    shown = page.get_by_role("status").filter(has_text=title).first
    expect(shown).to_be_visible()
    first, _, rest = shown.inner_text().partition("\n")
    return Notice(first, rest)
