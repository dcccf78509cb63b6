"""A plain client of the sandbox's OMFlow, independent of the package's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import requests

TITLE = {"id": "FORMITM_1", "type": "h_title", "value": "a title"}


class OMFlowClient:
    """Speaks to one OMFlow mount as one user."""

    def __init__(
        self, url: str, *, user: str = "airflow", password: str = "sesame", timeout: float = 60
    ) -> None:
        self.url = url
        self._timeout = timeout
        self._login = (user, password)
        self._session = requests.Session()
        self._session.trust_env = False
        self.code = ""

    def close(self) -> None:
        self._session.close()

    def login(self) -> dict[str, Any]:
        answer = self._session.get(
            f"{self.url}/accounts/api/security/get/", auth=self._login, timeout=self._timeout
        )
        body: dict[str, Any] = answer.json()
        self.code = (body.get("result") or {}).get("security", "")
        return body

    def call(self, path: str, *, language: str | None = None, **body: Any) -> dict[str, Any]:
        """POST to a path below ``/rest/``; logs in first if need be."""
        if not self.code:
            self.login()
        headers = {} if language is None else {"Accept-Language": language}
        request = {"security": self.code, "omflow_restapi": 1, **body}
        answer = self._session.post(
            f"{self.url}/rest/{path}", json=request, headers=headers, timeout=self._timeout
        )
        decoded: dict[str, Any] = answer.json()
        return decoded

    def send_form(self, path: str, fields: Mapping[str, str], files: Any = None) -> dict[str, Any]:
        if not self.code:
            self.login()
        form = {"security": self.code, "omflow_restapi": "1", **fields}
        answer = self._session.post(f"{self.url}/rest/{path}", data=form, files=files, timeout=self._timeout)
        decoded: dict[str, Any] = answer.json()
        return decoded

    def edit(self, api_path: str, **body: Any) -> dict[str, Any]:
        return self.call(f"flowmanage/api/omdata/edit/{api_path}", **body)

    def open(self, api_path: str, *items: Mapping[str, Any], **body: Any) -> dict[str, Any]:
        return self.edit(api_path, action="create", formdata=list(items or [TITLE]), **body)

    def push(self, api_path: str, data_id: Any, *items: Mapping[str, Any], **body: Any) -> dict[str, Any]:
        return self.edit(api_path, action="update", data_id=data_id, formdata=list(items or [TITLE]), **body)

    def query(self, api_path: str, data_no: Any) -> list[dict[str, Any]]:
        answer = self.call(f"flowmanage/api/omdata-data-id/get/{api_path}", data_no=data_no)
        found: list[dict[str, Any]] = answer["result"]
        return found

    def stops(self, api_path: str, data_no: Any) -> dict[str, int]:
        return {row["stop_chart_text"]: row["data_id"] for row in self.query(api_path, data_no)}

    def list(self, api_path: str, **body: Any) -> dict[str, Any]:
        return self.call(f"flowmanage/api/omdata/list/{api_path}", **body)

    def rows(self, api_path: str, *columns: str, **body: Any) -> Any:
        return self.list(api_path, search_columns=list(columns), **body)["result"]


@dataclass(frozen=True)
class Button:
    """
    A button of a page of the sandbox.

    :param path: where its form goes.
    :param form: what it sends if nothing else is filled in.
    """

    label: str
    path: str
    form: dict[str, str]


class _Forms(HTMLParser):
    """Collects the buttons, with what the fields of their forms hold."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[Button] = []
        self._path = ""
        self._held: dict[str, str] = {}
        self._select = ""
        self._label: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._path, self._held = given.get("action", ""), {}
            case "input" if given.get("name"):
                self._held[given["name"]] = given.get("value", "")
            case "select":
                self._select = given["name"]
            case "option" if "selected" in given:
                self._held[self._select] = given["value"]
            case "button" if "name" in given:
                form = {given["name"]: given["value"]}
                self.buttons.append(Button("", self._path, form))
                self._label = []

    def handle_data(self, data: str) -> None:
        if self._label is not None:
            self._label.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._label is not None:
            last = self.buttons.pop()
            self.buttons.append(Button("".join(self._label), last.path, {**self._held, **last.form}))
            self._label = None


def buttons(page: str) -> list[Button]:
    """The buttons of a page that have a name."""
    forms = _Forms()
    forms.feed(page)
    return forms.buttons


def choices(page: str) -> list[Button]:
    """The buttons that do something to a record."""
    return [button for button in buttons(page) if "action" in button.form]


def chosen(page: str, label: str) -> Button:
    """The one button with a label that does something to a record."""
    (button,) = (one for one in choices(page) if one.label == label)
    return button


def until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Look again until something has come true; fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
