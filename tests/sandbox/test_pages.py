"""The start page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import TITLE, OMFlowClient, buttons


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_it_shows_orders_effects_and_faults(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    new.open("purchase", {**TITLE, "value": "<b>Pens & paper</b>"})
    new.open("failing")
    control.advance(60)
    control.fault("omflow-1.1", "push", "lost_answer")
    page = browser.get(server.url, timeout=5).text
    for text in ("omflow-1.2", "omflow-1.1", "order purchase/1", "Review", "2 opened", "lost_answer", "boom"):
        assert text in page
    assert "&lt;b&gt;Pens &amp; paper&lt;/b&gt;" in page
    assert 'http-equiv="refresh"' in page


def test_it_holds_no_secret_and_needs_nothing_from_outside(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    control.add_user("omflow-1.2", "planted", "planted-password")
    new.open("simple")
    page = browser.get(server.url, timeout=5).text
    assert new.code not in page
    assert "planted-password" not in page
    assert not re.search(r"(src|href)=|https?://|@import|url\(", page)


def test_a_button_pushes_an_order(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    new.open("purchase")
    assert buttons(browser.get(server.url, timeout=5).text) == []
    control.advance(60)
    (pressed,) = buttons(browser.get(server.url, timeout=5).text)
    assert pressed == {"vendor": "omflow-1.2", "command": "push", "api_path": "purchase", "data_id": "2"}
    answer = browser.post(f"{server.url}/act", data=pressed, timeout=5)
    assert (answer.status_code, answer.url) == (200, f"{server.url}/")
    control.advance(60)
    assert set(new.stops("purchase", 1)) == {"Legal", "Finance"}


def test_each_record_has_a_page(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    new.open("purchase", {**TITLE, "value": "<b>Pens & paper</b>"})
    control.advance(60)
    page = browser.get(f"{server.url}/records/omflow-1.2/purchase/1", timeout=5)
    assert page.status_code == 200
    for text in ("order purchase/1", "Review", "&lt;b&gt;Pens &amp; paper&lt;/b&gt;"):
        assert text in page.text
    assert new.code not in page.text
    (pressed,) = buttons(page.text)
    assert pressed["command"] == "push"


@pytest.mark.parametrize("path", ["omflow-1.2/purchase/1", "omflow-1.2/", "nobody/purchase/1", "%3Cb%3E/x"])
def test_what_there_is_not_has_no_page(server: SandboxServer, browser: requests.Session, path: str) -> None:
    page = browser.get(f"{server.url}/records/{path}", timeout=5)
    assert (page.status_code, "There is no such record" in page.text) == (404, True)
    assert "<b>" not in page.text


def test_an_old_page_pushes_nothing(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    new.open("purchase")
    control.advance(60)
    (pressed,) = buttons(browser.get(server.url, timeout=5).text)
    for _ in range(2):
        assert browser.post(f"{server.url}/act", data=pressed, timeout=5).status_code == 200
    assert control.effects("omflow-1.2")["pushed"] == 1


def test_only_what_the_page_offers_can_be_done(
    server: SandboxServer, browser: requests.Session, control: Control
) -> None:
    forged = {"vendor": "omflow-1.2", "command": "remove_user", "name": "viewer"}
    browser.post(f"{server.url}/act", data=forged, timeout=5)
    control.remove_user("omflow-1.2", "viewer")


def test_a_failed_order_has_no_button(
    server: SandboxServer, browser: requests.Session, new: OMFlowClient, control: Control
) -> None:
    new.open("failing")
    control.advance(60)
    assert buttons(browser.get(server.url, timeout=5).text) == []
