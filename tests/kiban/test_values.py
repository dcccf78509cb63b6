"""Ids, dates, callbacks and links."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.api.values import callback, date, identifier, next_page, of_execution

PAGE_2 = "<https://workfloo.kiban.com/api/v2/workfloo?page=2&itemsPerPage=100>"


@pytest.mark.parametrize(
    ("link", "page", "following"),
    [
        ("", 1, None),
        (f'{PAGE_2}; rel="next"', 1, 2),
        (f"{PAGE_2}; rel=next", 1, 2),
        (f'<https://x/?page=1>; rel="prev", {PAGE_2}; rel="next"', 1, 2),
        (f'{PAGE_2}; title="a"; rel="next last"', 1, 2),
        ('<https://x/?page=1>; rel="prev"', 2, None),
        ('<https://x/?cursor=abc>; rel="next"', 4, 5),
        ('<https://x/?page=soon>; rel="next"', 4, 5),
        ('<https://x/?page=9>; rel="nextish"', 4, None),
        ("nonsense", 1, None),
    ],
)
def test_link_header(link: str, page: int, following: int | None) -> None:
    assert next_page(link, page=page) == following


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        ("2026-01-02T03:04:00-06:00", "2026-01-02T03:04:00-06:00"),
        ("2026-01-02T03:04:00Z", "2026-01-02T03:04:00+00:00"),
    ],
    ids=str,
)
def test_date(value: Any, expected: str | None) -> None:
    assert date(value, "since") == expected


@pytest.mark.parametrize("wrong", [dt.datetime(2026, 1, 2), "2026-01-02", "soon", 7], ids=repr)
def test_a_date_that_names_no_instant(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="since"):
        date(wrong, "since")


@pytest.mark.parametrize("wrong", ["", " ", "None", None, 7, ["a"]], ids=repr)
def test_identifier(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="execution_id"):
        identifier(wrong, "execution_id")


def test_an_id_cannot_lead_elsewhere() -> None:
    assert of_execution("../pool?x=1", "/form") == "/api/v1/workfloo/..%2Fpool%3Fx%3D1/form"


@pytest.mark.parametrize("wrong", ["x.example/cb", "ftp://x.example", "", None, 7], ids=repr)
def test_callback(wrong: Any) -> None:
    assert callback("https://x.example/cb") == "https://x.example/cb"
    with pytest.raises(InvalidInput, match="callback_url"):
        callback(wrong)
