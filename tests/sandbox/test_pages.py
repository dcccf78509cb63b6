"""The desk's pages, as a browser without scripts sees them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.registry import process_of
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import TITLE, OMFlowClient, choices, chosen

VENDOR = "omflow-1.2"
ORDER = f"/records/{VENDOR}/purchase/1"
HOSTILE = "</textarea></title>\"'><script>alert(1)</script><b>Pens & paper</b>"
ESCAPED = "&lt;b&gt;Pens &amp; paper&lt;/b&gt;"


SIMPLE = f"/records/{VENDOR}/simple/1"


class Browser:
    """Gets and posts pages of one sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, status: int = 200, **headers: str) -> str:
        answer = self._session.get(self.url + path, headers=headers, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.text

    def head(self, path: str, **headers: str) -> requests.Response:
        return self._session.get(self.url + path, headers=headers, timeout=20)

    def post(self, path: str, form: dict[str, str], status: int = 200) -> str:
        answer = self._session.post(self.url + path, data=form, timeout=20)
        assert answer.status_code == status, answer.text
        self.at = answer.url.removeprefix(self.url)
        return answer.text

    def press(self, path: str, label: str, status: int = 200, **values: str) -> str:
        button = chosen(self.get(path), label)
        filled = {f"value.{name}": value for name, value in values.items()}
        return self.post(button.path, {**button.form, **filled}, status)

    def attach(self, path: str, files: dict[str, bytes], status: int = 200) -> str:
        """Send files as a browser does: one that has none to send sends one without a name."""
        form = chosen(self.get(path), "Add files").form
        parts = [("value.files", (name, content)) for name, content in files.items()]
        answer = self._session.post(self.url + path, data=form, files=parts, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.text

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    browser = Browser(server.url)
    yield browser
    browser.close()


def main(page: str) -> str:
    """What is below the navigation."""
    return page.partition("<main")[2]


PAGES = ("/", f"/records/{VENDOR}", ORDER, "/_desk/faults", "/_desk/connections")


class TestEveryPage:
    @pytest.fixture(autouse=True)
    def order(self, new: OMFlowClient, control: Control) -> None:
        new.open("purchase", {**TITLE, "value": HOSTILE})
        control.advance(60)
        control.fault(VENDOR, "push", "hang", containing=HOSTILE)

    @pytest.mark.parametrize("path", PAGES)
    def test_leads_to_every_vendor_and_needs_nothing_from_outside(self, browser: Browser, path: str) -> None:
        page = browser.get(path)
        for name in ("OMFlow 1.2", "OMFlow 1.1", "MyBPM", "BlizWork", "Robusta RPA", "Kiban Workfloo"):
            assert f">{name}</a>" in page
        assert re.search(r"@import|url\(|<style|style=|javascript:", page) is None
        links = re.findall(r'(?:src|href|action)="([^"]*)"', page)
        assert links
        assert [link for link in links if not re.match(r"/(?!/)|#|\?|data:,$", link)] == []

    @pytest.mark.parametrize("path", [*PAGES, f"/records/{VENDOR}?q={quote(HOSTILE)}&state={quote(HOSTILE)}"])
    def test_escapes_what_the_vendors_hold(self, browser: Browser, path: str) -> None:
        page = browser.get(path)
        assert "alert(1)</script>" not in page
        assert "<b>Pens" not in page
        if path != "/_desk/connections":
            assert ESCAPED in page or "&lt;script&gt;" in page

    @pytest.mark.parametrize("path", PAGES)
    def test_may_load_only_our_own_and_is_in_nobodys_frame(self, browser: Browser, path: str) -> None:
        policy = browser.head(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy

    @pytest.mark.parametrize("path", PAGES)
    def test_is_sent_again_only_if_something_has_changed(
        self, browser: Browser, control: Control, new: OMFlowClient, path: str
    ) -> None:
        tag = browser.head(path).headers["ETag"]
        same = browser.head(path, **{"If-None-Match": tag})
        assert (same.status_code, same.content) == (304, b"")
        for change in (
            lambda: new.query("purchase", 1),
            lambda: control.fault(VENDOR, "open", "hang"),
            lambda: control.command(VENDOR, "push", api_path="purchase", data_id=2),
            lambda: control.advance(60),
            control.reset,
        ):
            change()
            fresh = browser.head(path, **{"If-None-Match": tag})
            assert fresh.status_code != 304
            tag = fresh.headers["ETag"]

    def test_tells_the_clock(self, browser: Browser, control: Control) -> None:
        before = float(browser.head("/").headers["Sandbox-Clock"])
        control.advance(3600)
        assert float(browser.head("/").headers["Sandbox-Clock"]) >= before + 3600


def test_the_script_and_the_style_are_there(browser: Browser) -> None:
    assert "If-None-Match" in browser.get("/_desk/static/desk.js")
    assert "overflow-wrap" in browser.get("/_desk/static/desk.css")
    browser.get("/_desk/static/pages.py", status=404)
    browser.get("/_desk/static/..%2Fpages.py", status=404)


def test_the_overview_counts_and_shows_what_came_last(
    browser: Browser, new: OMFlowClient, control: Control
) -> None:
    assert "Nothing yet" in browser.get("/")
    for number in range(12):
        new.open("simple", {**TITLE, "value": f"Order {number:02}"})
    control.fault("mybpm", "upsert", "lost_answer")
    page = browser.get("/")
    assert "12 opened" in page
    assert "1 fault armed" in page
    assert set(re.findall(r">Order (\d+)<", page)) == {f"{number:02}" for number in range(2, 12)}


def test_pages_without_a_script_load_themselves_again_unless_somebody_types(
    browser: Browser, new: OMFlowClient
) -> None:
    new.open("purchase")
    for path in ("/", f"/records/{VENDOR}", "/_desk/faults"):
        assert '<noscript><meta http-equiv="refresh"' in browser.get(path)
    assert "refresh" not in browser.get(ORDER)


class TestList:
    @pytest.fixture(autouse=True)
    def orders(self, new: OMFlowClient, control: Control) -> None:
        for number in range(60):
            new.open("simple", {**TITLE, "value": f"Order {number:02}"})
        new.open("failing", {**TITLE, "value": "Grüße"})
        control.advance(60)

    def shown(self, page: str) -> list[str]:
        return re.findall(r'class="what"><a[^>]*>([^<]*)</a>', page)

    def test_has_pages_of_one_size_newest_first(self, browser: Browser) -> None:
        pages = [browser.get(f"/records/{VENDOR}?page={number}") for number in (1, 2, 3)]
        assert [len(self.shown(page)) for page in pages] == [25, 25, 11]
        assert self.shown(pages[0])[:2] == ["Grüße", "Order 59"]
        assert self.shown(pages[2])[-1] == "Order 00"
        assert "Page 1 of 3" in pages[0]
        assert 'rel="next"' in pages[1]
        assert 'rel="next"' not in pages[2]
        assert self.shown(browser.get(f"/records/{VENDOR}?page=9")) == []

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=order+07", ["Order 07"]),
            ("q=GRÜSSE", ["Grüße"]),
            ("q=failing%2F1", ["Grüße"]),
            ("state=failed", ["Grüße"]),
            ("q=approve+order&state=failed", []),
            ("q=nothing+like+it", []),
        ],
    )
    def test_is_searched(self, browser: Browser, query: str, found: list[str]) -> None:
        assert self.shown(browser.get(f"/records/{VENDOR}?{query}")) == found

    def test_has_pages_of_what_was_found(self, browser: Browser) -> None:
        page = browser.get(f"/records/{VENDOR}?q=Order&page=3")
        assert self.shown(page) == [f"Order {number:02}" for number in range(9, -1, -1)]
        assert 'rel="next"' not in page

    @pytest.mark.parametrize(
        "query", ["page=0", "page=-1", "page=x", "page=²", f"page={'9' * 30}", "older=x"]
    )
    def test_takes_no_harm_from_an_odd_query(self, browser: Browser, query: str) -> None:
        browser.get(f"/records/{VENDOR}?{query}")

    def test_quick_choices_lead_back_to_it(
        self, browser: Browser, new: OMFlowClient, control: Control
    ) -> None:
        new.open("purchase")
        control.advance(60)
        path = f"/records/{VENDOR}?q=a+title&state=waiting"
        browser.press(path, "Decision: approved")
        assert browser.at == "/records/omflow-1.2?q=a+title&state=waiting"
        control.advance(60)
        assert control.records(VENDOR)[-1]["fields"]["FORMITM_6"] == "approved"

    def test_leads_nowhere_else(self, browser: Browser, new: OMFlowClient, control: Control) -> None:
        new.open("purchase")
        control.advance(60)
        button = choices(browser.get(ORDER))[0]
        browser.post(ORDER, {**button.form, "back": "https://evil.example/records/"})
        assert browser.at == ORDER


class TestRecord:
    @pytest.fixture(autouse=True)
    def order(self, new: OMFlowClient, control: Control) -> None:
        new.open(
            "purchase", {**TITLE, "value": "Pens"}, {"id": "FORMITM_2", "type": "inputbox", "value": "4"}
        )
        control.advance(60)

    def test_has_a_page_with_all_that_is_known(self, browser: Browser) -> None:
        page = main(browser.get(ORDER))
        for text in ("order purchase/1", "waiting", "Review", "Amount", "FORMITM_2", "Opened", "airflow"):
            assert text in page

    def test_is_pushed_with_what_was_filled_in(self, browser: Browser, control: Control) -> None:
        browser.press(ORDER, "Push", FORMITM_1="Pens and ink", FORMITM_2="12")
        assert browser.at == ORDER
        (record,) = control.records(VENDOR)
        assert record["fields"] == {"FORMITM_1": "Pens and ink", "FORMITM_2": "12"}
        assert record["title"] == "Pens and ink"
        assert record["history"][-1]["what"] == "Pushed at Review"

    def test_quick_actions_preset_fields(self, browser: Browser, control: Control) -> None:
        browser.press(ORDER, "Decision: refused", FORMITM_2="12", FORMITM_6="typed")
        (record,) = control.records(VENDOR)
        assert (record["fields"]["FORMITM_6"], record["fields"]["FORMITM_2"]) == ("refused", "12")

    def test_rules_of_the_form_are_kept_and_what_was_typed_too(
        self, browser: Browser, control: Control
    ) -> None:
        page = browser.press(ORDER, "Push", status=400, FORMITM_1="", FORMITM_2="many", FORMITM_3="mine")
        assert "Title is required; Amount must match [0-9]+" in page
        assert 'value="many"' in page
        assert 'value="mine"' in page
        assert control.records(VENDOR)[0]["standing"] == ["Review"]

    def test_choices_of_a_checkbox_are_typed_with_commas(
        self, browser: Browser, new: OMFlowClient, control: Control
    ) -> None:
        new.open("simple", TITLE, {"id": "FORMITM_3", "type": "checkbox", "value": ["a", "b"]})
        control.advance(60)
        page = f"/records/{VENDOR}/simple/1"
        assert 'value="a, b"' in browser.get(page)
        browser.press(page, "Push", FORMITM_3="b, c ,")
        control.advance(60)
        assert json.loads(control.records(VENDOR)[-1]["fields"]["FORMITM_3"]) == ["b", "c"]

    def test_an_old_page_does_nothing_twice(self, browser: Browser, control: Control) -> None:
        button = chosen(browser.get(ORDER), "Push")
        browser.post(button.path, button.form)
        assert "not offered any more" in browser.post(button.path, button.form, status=400)
        assert control.effects(VENDOR)["pushed"] == 1

    @pytest.mark.parametrize(
        "action", ["", "[]", "{", json.dumps(["remove_user", {"name": "viewer"}]), json.dumps(["issued", {}])]
    )
    def test_only_what_is_offered_can_be_done(self, browser: Browser, control: Control, action: str) -> None:
        browser.post(ORDER, {"action": action}, status=400)
        control.remove_user(VENDOR, "viewer")

    def test_only_fields_of_the_form_are_written(self, browser: Browser, control: Control) -> None:
        browser.press(ORDER, "Push", stop_uuid="x", FORMITM_99="x")
        assert set(control.records(VENDOR)[0]["fields"]) == {"FORMITM_1", "FORMITM_2"}


class TestFiles:
    @pytest.fixture(autouse=True)
    def order(self, new: OMFlowClient, control: Control) -> None:
        new.open("simple")
        control.advance(60)

    def test_are_added_and_shown(self, browser: Browser, control: Control) -> None:
        browser.attach(SIMPLE, {"plan <1>.txt": b"a plan", "empty.txt": b""})
        (record,) = control.records(VENDOR)
        sizes = {one["name"]: one["size"] for one in record["files"]}
        assert sizes == {"plan <1>.txt": 6, "empty.txt": 0}
        assert record["files"][0]["sha256"] == hashlib.sha256(b"a plan").hexdigest()
        assert "plan &lt;1&gt;.txt" in browser.get(SIMPLE)
        assert control.effects(VENDOR)["uploaded"] == 2

    def test_none_is_a_mistake(self, browser: Browser, control: Control) -> None:
        assert "no file was chosen" in browser.attach(SIMPLE, {"": b""}, status=400)
        assert control.records(VENDOR)[0]["files"] == []

    def test_the_list_offers_no_button_for_them(self, browser: Browser) -> None:
        page = browser.get(f"/records/{VENDOR}")
        assert "Push" in [button.label for button in choices(page)]
        assert "Add files" not in page


@pytest.mark.parametrize(
    "path", [f"{VENDOR}/purchase/1", "nobody/", "nobody/purchase/1", "%3Cb%3E/x", "nobody"]
)
def test_what_there_is_not_has_no_page(browser: Browser, path: str) -> None:
    page = browser.get(f"/records/{path}", status=404)
    assert "There is no such record" in page
    assert "<b>" not in page
    if "/" in path:
        browser.post(f"/records/{path}", {"action": "x"}, status=404)


def test_what_is_no_text_is_shown_all_the_same(browser: Browser, new: OMFlowClient, control: Control) -> None:
    odd = "half a pair \ud83d, nothing \x00, right to left \u202e" + "x" * 5000
    new.open("purchase", {**TITLE, "value": odd})
    control.advance(60)
    for path in ("/", f"/records/{VENDOR}", f"/records/{VENDOR}?q=pair", ORDER):
        assert "half a pair ?" in browser.get(path)
    assert "more characters" in browser.get(ORDER)
    assert control.records(VENDOR)[0]["title"] == odd


def test_a_failed_order_offers_nothing_and_says_why(
    browser: Browser, new: OMFlowClient, control: Control
) -> None:
    new.open("failing")
    control.advance(60)
    page = browser.get(f"/records/{VENDOR}/failing/1")
    assert choices(page) == []
    assert "boom" in page


class TestFaults:
    def order(self, browser: Browser, trouble: str, vendor: str = VENDOR, endpoint: str = "any") -> str:
        return browser.post("/_desk/faults", {"vendor": vendor, "endpoint": endpoint, "trouble": trouble})

    def test_a_button_orders_one_and_the_list_tells_when_it_struck(
        self, browser: Browser, new: OMFlowClient
    ) -> None:
        assert "No faults" in browser.get("/_desk/faults")
        page = self.order(browser, "lose", endpoint="open")
        assert browser.at == "/_desk/faults"
        assert "not yet" in page
        assert ">armed<" in page
        with pytest.raises(requests.ConnectionError):
            new.open("simple")
        page = main(browser.get("/_desk/faults"))
        assert re.search(r"once, at \d\d:\d\d:\d\d", page)
        assert ">struck<" in page
        assert "armed" not in page.partition("Faults set")[2]

    def test_away_for_a_minute_by_the_vendors_clock(
        self, browser: Browser, old: OMFlowClient, control: Control
    ) -> None:
        self.order(browser, "away", "omflow-1.1")
        for _ in range(3):
            answer = requests.post(f"{old.url}/rest/x", timeout=20)
            assert answer.status_code == 503
        control.advance(61)
        assert old.open("simple")["status"] == 200
        (fault,) = control.faults()
        assert (fault["hits"], len(fault["struck"]), fault["struck"][0]["endpoint"]) == (3, 3, "other")
        assert "3 times, last at" in browser.get("/_desk/faults")

    def test_logins_expire_at_the_next_request(self, browser: Browser, new: OMFlowClient) -> None:
        self.order(browser, "expire")
        new.login()  # nobody was logged in: the fault waits
        assert "not yet" in browser.get("/_desk/faults")
        assert new.open("simple")["status"] == "403"
        assert "once, at" in browser.get("/_desk/faults")
        new.login()
        assert new.open("simple")["status"] == "200"

    def test_not_everybody_has_logins_that_expire(self, browser: Browser, control: Control) -> None:
        form = {"vendor": "kiban", "endpoint": "any", "trouble": "expire"}
        assert "kiban has no logins that expire" in browser.post("/_desk/faults", form, status=400)
        assert control.faults() == []

    @pytest.mark.parametrize(
        ("form", "told"),
        [
            ({"trouble": "explode"}, "there are lose, throttle, away, hang, expire"),
            ({"trouble": "hang", "vendor": "x"}, "there are omflow-1.2"),
            ({"trouble": "hang", "vendor": VENDOR, "endpoint": "x"}, "there are security, open"),
        ],
    )
    def test_what_cannot_be_ordered_names_what_can(
        self, browser: Browser, form: dict[str, str], told: str
    ) -> None:
        assert told in browser.post("/_desk/faults", form, status=400)

    def test_they_are_taken_back(self, browser: Browser, control: Control) -> None:
        for trouble in ("hang", "throttle", "lose"):
            self.order(browser, trouble)
        first = control.faults()[0]["id"]
        browser.post("/_desk/faults/remove", {"fault": first})
        assert [fault["kind"] for fault in control.faults()] == ["throttled", "lost_answer"]
        browser.post("/_desk/faults/clear", {})
        assert control.faults() == []


def test_the_clock_is_moved_and_leads_back(browser: Browser, control: Control) -> None:
    before = control.advance(0)
    browser.post("/_desk/clock", {"seconds": "3600", "back": f"/records/{VENDOR}?q=x"})
    assert browser.at == f"/records/{VENDOR}?q=x"
    assert control.advance(0) >= before + 3600
    for seconds in ("-1", "x", "", "1e9"):
        browser.post("/_desk/clock", {"seconds": seconds, "back": "//evil.example"})
        assert browser.at == "/"
    assert control.advance(0) < before + 3700


def test_everything_can_be_forgotten(browser: Browser, new: OMFlowClient, control: Control) -> None:
    new.open("simple")
    control.fault(VENDOR, "open", "hang")
    browser.post("/_desk/reset", {})
    assert (control.records(), control.faults()) == ([], [])


def test_connections_are_ready_to_copy(browser: Browser, control: Control) -> None:
    control.add_user(VENDOR, "planted", "planted-password")
    page = browser.get("/_desk/connections")
    shown = re.findall(r"<pre>(\{.*?\})</pre>", page, re.S)
    ready: list[dict[str, Any]] = [json.loads(text.replace("&#34;", '"')) for text in shown]
    assert [one["host"] for one in ready] == [
        f"{browser.url}/{name}"
        for name in ("omflow-1.2", "omflow-1.1", "mybpm", "blizwork", "robusta", "kiban")
    ]
    assert (ready[0]["login"], ready[0]["password"], ready[0]["conn_type"]) == ("airflow", "sesame", "omflow")
    assert ready[0]["extra"]["ui_url"] == f"{browser.url}/records/{VENDOR}/{{api_path}}/{{data_no}}"
    assert "export AIRFLOW_CONN_OMFLOW_DEFAULT=" in page
    assert "planted" not in page


def test_other_logins_are_told_with_what_is_special(browser: Browser) -> None:
    page = browser.get("/_desk/connections")
    for login, note in (
        ("viewer", "rights: view"),
        ("analyst@example.com", ""),
        ("former@example.com", "not active"),
        ("guest", "may not use the scheduler"),
        ("kiban-outsider-key", "workfloos: none"),
    ):
        assert re.search(rf"<code>{login}</code>.*{note}", page)


def test_a_vendors_own_word_for_its_processes(browser: Browser, new: OMFlowClient) -> None:
    new.open("simple")
    assert "<th>Process</th>" in browser.get(f"/records/{VENDOR}")
    words = [process_of(mount) for mount in ("omflow-1.1", "mybpm", "kiban", "nobody")]
    assert words == ["Process", "Business object", "Workfloo", "Process"]


def test_nothing_else_tells_a_secret(
    browser: Browser, new: OMFlowClient, control: Control, server: SandboxServer
) -> None:
    control.add_user(VENDOR, "planted", "planted-password")
    new.open("simple")
    control.advance(60)
    pages = [path for path in PAGES if path not in ("/_desk/connections", ORDER)]
    for path in (*pages, f"/records/{VENDOR}/simple/1"):
        page = browser.get(path)
        for secret in (new.code, "planted-password", "sesame", "sandbox-token", "kiban-sandbox-key"):
            assert secret not in page
