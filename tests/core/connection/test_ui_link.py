"""The vendor's page of a record: what a template may be, and what it is filled with."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.connection.ui_link import UiLink
from airflow_provider_workflows.provider import FORMS

PAGE = UiLink(record="an order", parts=("path", "number"), example="https://x.example/{path}/{number}")


@pytest.mark.parametrize(
    "template",
    [
        PAGE.example,
        "http://x.example:8080/a?path={path}&number={number}#{number}",
        "https://x.example/orders",
        "https://[::1]/{number}",
        "https://x.example/{{literally}}/{number}",
    ],
)
def test_good_templates(template: str) -> None:
    assert PAGE.problem(template) is None


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("https://x.example/{order}", r"unknown placeholder; known: \{path\}, \{number\}"),
        ("https://x.example/{}", "has an unknown placeholder"),
        ("https://x.example/{0}", "has an unknown placeholder"),
        ("https://x.example/{path.__class__}", "has an unknown placeholder"),
        ("https://x.example/{path!r}", "has an unknown placeholder"),
        ("https://x.example/{number:>10}", "has an unknown placeholder"),
        ("https://x.example/{path", "uses braces only for"),
        ("https://x.example/path}", "uses braces only for"),
        ("https://x.example:port/{path}", "uses braces only for"),
        ("ftp://x.example/{path}", "starts with http"),
        ("javascript:alert({number})", "starts with http"),
        ("x.example/{path}", "starts with http"),
        ("https:///{path}", "starts with http"),
        ("https://robot:hunter2@x.example/{path}", "login"),
        ("https://{path}.example/{number}", "placeholder in the host"),
        ("https://x.example/a b", "spaces"),
        ("https://x.example/a\x0bb", "spaces"),
    ],
)
def test_bad_templates(template: str, told: str) -> None:
    import re

    problem = PAGE.problem(template)
    assert problem is not None
    assert re.search(told, problem)
    assert "hunter2" not in problem


@given(path=st.text(min_size=1), number=st.text(min_size=1).filter(lambda text: "/" not in text))
def test_what_is_filled_in_stays_in_its_place(path: str, number: str) -> None:
    # Lone surrogates are in no id: they could not have come over the wire.
    try:
        f"{path}{number}".encode()
    except UnicodeEncodeError:
        return
    url = PAGE.url("https://x.example/o/{path}/{number}?q=1", f"{path}/{number}")
    if {".", ".."} & {path, number}:
        assert url is None  # it would name another page
        return
    assert url is not None
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "x.example", "q=1", "")
    assert [unquote(one) for one in parts.path.split("/")] == ["", "o", path, number]


@pytest.mark.parametrize(
    ("template", "above"),
    [
        ("https://x.example/orders/{path}/{number}", "https://x.example/orders/"),
        ("https://x.example/orders/no-{number}", "https://x.example/orders/"),
        ("https://x.example/app/order?number={number}", "https://x.example/app/"),
        ("https://x.example/#/orders/{number}", "https://x.example/"),
        ("https://x.example?number={number}", "https://x.example/"),
        ("https://x.example/orders", "https://x.example/orders"),
    ],
)
def test_without_an_id_it_is_the_page_above(template: str, above: str) -> None:
    assert PAGE.url(template, "") == above


@pytest.mark.parametrize("remote_id", ["7", "/7", "purchase/"])
def test_an_id_of_other_parts_has_no_page(remote_id: str) -> None:
    assert PAGE.url(PAGE.example, remote_id) is None


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_each_vendors_example_is_one(form: object) -> None:
    page = form.ui_link  # type: ignore[attr-defined]
    assert page.problem(page.example) is None
    assert all(f"{{{part}}}" in page.example for part in page.parts)
