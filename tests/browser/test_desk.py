"""
The sandbox's desk, with a real browser: what a person does there beside a running Airflow.

It needs no Airflow and takes a few seconds. On the way the documentation's pictures are taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, Locator, Page, expect

from airflow_provider_workflows.sandbox.control import Control
from dev.sandbox_process import running_sandbox
from tests.browser.conftest import FOLDER, PAGE_SIZE, Tab
from tests.browser.page_recorder import PageRecorder
from tests.sandbox.client import OMFlowClient

pytestmark = pytest.mark.browser

VENDOR = "omflow-1.2"
ORDER = f"/records/{VENDOR}/purchase/1"
#: Milliseconds for what a page that is up to date every two seconds shows by itself.
PATIENCE = 30_000
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>" + "long" * 100
TITLES = ("Office chairs for Lisbon", "Laptops, batch 3", "Printer paper, 40 boxes", "Coffee machine")


@dataclass(frozen=True)
class Desk:
    """A tab of the browser at the sandbox, and a client that does what Airflow would."""

    page: Page
    url: str
    control: Control
    client: OMFlowClient

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)

    def order(self, title: str, amount: str = "480") -> None:
        fields = (("FORMITM_1", "h_title", title), ("FORMITM_2", "inputbox", amount))
        self.client.open(
            "purchase", *({"id": name, "type": kind, "value": value} for name, kind, value in fields)
        )

    def push(self, order: str) -> None:
        (record,) = (one for one in self.control.records(VENDOR) if one["id"] == order)
        self.control.command(VENDOR, "push", **record["actions"][0]["arguments"])

    def row(self, text: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox(FOLDER / "desk") as sandbox:
        yield sandbox.url


@pytest.fixture(scope="module")
def context(chromium: BrowserContext, sandbox_url: str) -> BrowserContext:
    chromium.grant_permissions(["clipboard-read", "clipboard-write"], origin=sandbox_url)
    return chromium


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Tab]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size(PAGE_SIZE)
    yield Tab(page, PageRecorder(page))
    page.close()


@pytest.fixture
def desk(tab: Tab, sandbox_url: str) -> Iterator[Desk]:
    expect.set_options(timeout=PATIENCE)
    control = Control(sandbox_url)
    control.reset()
    client = OMFlowClient(f"{sandbox_url}/{VENDOR}")
    yield Desk(tab.page, sandbox_url, control, client)
    client.close()
    # No script of a record's, nothing from elsewhere, no mistake of ours; a refused choice is none.
    told = [text for text in tab.recorder.console if not text.startswith("error: Failed to load resource")]
    assert told == []


def test_a_person_finds_an_order_and_approves_it(desk: Desk, tab: Tab) -> None:
    page = desk.page
    for title in TITLES:
        desk.order(title)
    desk.control.advance(5)
    desk.open()
    page.get_by_role("navigation", name="Vendors").get_by_role("link", name="OMFlow 1.2").click()
    expect(page.get_by_role("row")).to_have_count(1 + len(TITLES))
    page.get_by_role("searchbox").fill("chairs")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Office chairs for Lisbon").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("order purchase/1")
    assert page.url == desk.url + ORDER

    page.get_by_label("Amount").fill("many")
    page.get_by_role("button", name="Push", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Amount must match [0-9]+")
    expect(page.get_by_label("Amount")).to_have_value("many")
    page.get_by_label("Amount").fill("520")
    page.get_by_role("button", name="Decision: approved").click()
    # It goes on by itself, and so does the page.
    desk.control.advance(5)
    expect(page.get_by_role("heading", name="Legal")).to_be_visible()
    tab.picture("desk-order")
    page.get_by_role("button", name="Push", exact=True).first.click()
    expect(page.get_by_text("Pushed at Legal")).to_be_visible()
    (record,) = (one for one in desk.control.records(VENDOR) if one["id"] == "purchase/1")
    assert record["fields"] == {
        "FORMITM_1": "Office chairs for Lisbon",
        "FORMITM_2": "520",
        "FORMITM_6": "approved",
    }


def test_a_choice_is_made_in_the_list(desk: Desk) -> None:
    for title in TITLES:
        desk.order(title)
    desk.control.advance(5)
    desk.open(f"/records/{VENDOR}")
    desk.row("Laptops").get_by_role("button", name="Decision: refused").click()
    desk.control.advance(5)
    expect(desk.row("Laptops")).to_contain_text("Legal, Finance")
    assert desk.page.url == f"{desk.url}/records/{VENDOR}"


def test_a_fault_is_set_and_is_seen_to_strike(desk: Desk, tab: Tab) -> None:
    desk.page.set_viewport_size({"width": PAGE_SIZE["width"], "height": 850})
    desk.open("/_desk/faults")
    system = desk.row("OMFlow 1.2").first
    system.get_by_label("Requests of OMFlow 1.2").select_option("open")
    system.get_by_role("button", name="Lose the next answer").click()
    ordered = desk.page.get_by_role("table").last.get_by_role("row").filter(has_text="OMFlow 1.2")
    expect(ordered).to_contain_text("armed")
    with pytest.raises(requests.ConnectionError):
        desk.order("Pens")
    expect(ordered).to_contain_text(re.compile(r"once, at \d\d:\d\d:\d\d"))
    expect(ordered).to_contain_text("struck")
    desk.row("MyBPM").first.get_by_role("button", name="Be away for a minute").click()
    expect(desk.page.get_by_role("navigation", name="Tools")).to_contain_text("1")
    tab.picture("desk-faults")
    desk.page.get_by_role("button", name="Clear all").click()
    expect(desk.page.get_by_text("No faults")).to_be_visible()


def test_what_comes_is_shown_where_one_is(desk: Desk) -> None:
    page = desk.page
    for number in range(30):
        desk.order(f"Order {number:02}")
    desk.control.advance(5)
    desk.open(f"/records/{VENDOR}")
    place = page.evaluate("scrollTo(0, 400), scrollY")
    assert place == 400
    desk.order("The newest")
    expect(desk.row("The newest")).to_have_count(1)
    assert page.evaluate("scrollY") == place
    page.get_by_role("link", name="Older →").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(desk.row("Order 00")).to_be_visible()


def test_what_somebody_types_is_not_taken_away(desk: Desk) -> None:
    page = desk.page
    desk.order("Pens")
    desk.control.advance(5)
    page.clock.install()
    desk.open(ORDER)
    page.get_by_label("Amount").fill("7")
    page.get_by_role("heading", level=1).click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    desk.push("purchase/1")
    page.clock.run_for(20_000)
    assert asked == []
    expect(page.get_by_label("Amount")).to_have_value("7")
    # Nor what was refused.
    page.get_by_role("button", name="Push", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not offered any more")
    asked.clear()
    desk.order("Ink")
    page.clock.run_for(20_000)
    assert asked == []
    # Once it is as before, the page goes on.
    desk.control.advance(5)
    desk.open(f"/records/{VENDOR}/purchase/2")
    for amount in ("9", "480"):
        page.get_by_label("Amount").fill(amount)
    page.get_by_role("heading", level=1).click()
    desk.push("purchase/2")
    page.clock.run_for(5_000)
    expect(page.get_by_text("Pushed at Review")).to_be_visible()


def test_the_clock_is_moved_from_every_page(desk: Desk) -> None:
    desk.order("Pens")
    desk.open(ORDER)
    before = desk.control.advance(0)
    desk.page.get_by_text(re.compile(r"^Clock \d\d:")).click()
    desk.page.get_by_role("button", name="+ 1 h").click()
    expect(desk.page.get_by_role("heading", name="Review")).to_be_visible()
    assert desk.page.url == desk.url + ORDER
    assert 3600 <= desk.control.advance(0) - before < 3600 + PATIENCE / 1000


def test_a_connection_is_copied(desk: Desk) -> None:
    desk.open("/_desk/connections")
    card = desk.page.locator(f'[id="{VENDOR}"]')
    card.get_by_text("Connection JSON").click()
    card.get_by_role("button", name="Copy the JSON").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    copied: dict[str, Any] = json.loads(desk.page.evaluate("navigator.clipboard.readText()"))
    assert (copied["host"], copied["password"]) == (f"{desk.url}/{VENDOR}", "sesame")


@pytest.mark.parametrize("width", [800, 1280])
def test_no_page_is_wider_than_the_window(desk: Desk, width: int) -> None:
    desk.order(HOSTILE, "1" * 500)
    desk.control.advance(5)
    desk.control.fault(VENDOR, "push", "throttled", containing=HOSTILE)
    desk.page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", f"/records/{VENDOR}", ORDER, "/_desk/faults", "/_desk/connections"):
        desk.open(path)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
        expect(desk.page.get_by_role("main").locator("img, script")).to_have_count(0)


def test_it_says_when_the_sandbox_is_gone(desk: Desk) -> None:
    desk.open()
    gone = desk.page.get_by_text("The sandbox does not answer")
    expect(gone).to_be_hidden()
    desk.page.context.set_offline(True)
    expect(gone).to_be_visible()
    desk.page.context.set_offline(False)
    expect(gone).to_be_hidden()
