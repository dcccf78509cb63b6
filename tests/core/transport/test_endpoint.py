"""Where a connection leads, and what tells two endpoints apart."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from airflow_provider_workflows.core.transport.endpoint import Endpoint, Proxy

ENDPOINT = Endpoint(
    base_url="https://vendor.example/omflow",
    conn_id="vendor",
    proxy=Proxy.parse("http://user:pr0xy-s3cret@proxy"),
    identity=("user", "p4ssw0rd"),
    headers={"A": "1", "B": "h3ader-s3cret"},
)

CHANGES: dict[str, Any] = {
    "conn_id": "another",
    "base_url": "https://vendor.example/other",
    "timeout": 31.0,
    "connect_timeout": 11.0,
    "largest_answer": 1,
    "ca": False,
    "client_cert": "cert.pem",
    "cert_password": "0ther-passphrase",
    "proxy": None,
    "headers": {"A": "1", "B": "3"},
    "identity": ("user", "other"),
}


def test_each_fact_has_its_change() -> None:
    assert set(CHANGES) == {field.name for field in fields(Endpoint)}


@pytest.mark.parametrize("fact", sorted(CHANGES))
def test_the_fingerprint_differs_whenever_a_fact_does(fact: str) -> None:
    assert replace(ENDPOINT, **{fact: CHANGES[fact]}).fingerprint != ENDPOINT.fingerprint


def test_the_fingerprint_does_not_depend_on_the_order_of_headers() -> None:
    assert replace(ENDPOINT, headers={"B": "h3ader-s3cret", "A": "1"}).fingerprint == ENDPOINT.fingerprint


def test_neither_fingerprint_nor_repr_gives_a_secret_away() -> None:
    shown = repr(ENDPOINT) + ENDPOINT.fingerprint
    assert [secret for secret in ("p4ssw0rd", "pr0xy-s3cret", "h3ader-s3cret") if secret in shown] == []


@pytest.mark.parametrize("path", ["/a/b", "a/b", "//a/b"])
def test_url(path: str) -> None:
    assert ENDPOINT.url(path) == "https://vendor.example/omflow/a/b"
