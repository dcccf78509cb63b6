"""What requests and replies show of themselves, and what they keep to themselves."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.protocol.errors import EXCERPT_LIMIT, Rejected
from airflow_provider_workflows.protocol.message import Part, Reply, scrub
from tests.protocol.samples import make_reply, make_request

# An asterisk would be found again in what takes a secret's place, and a lone surrogate is in no password.
_secrets = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=1, max_size=20)


def forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    written = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    shown = {html.escape(one) for one in (secret, *written)}
    twice = {json.dumps(one)[1:-1] for one in shown} | {quote(one) for one in quoted}
    return {secret, encoded, *quoted, *written, *shown, *twice}


@given(secrets=st.lists(_secrets, min_size=1, max_size=3), filling=st.lists(_secrets, max_size=3))
def test_no_form_of_a_secret_is_left(secrets: list[str], filling: list[str]) -> None:
    text = "".join(filling).join(sorted({form for secret in secrets for form in forms(secret)}))
    left = scrub(text, tuple(secrets))
    assert [form for secret in secrets for form in forms(secret) if form in left] == []


@pytest.mark.parametrize("secrets", [("abc", "abcdef"), ("abcdef", "abc")])
def test_nothing_is_left_of_a_secret_that_contains_another(secrets: tuple[str, ...]) -> None:
    assert scrub("abcdef abc", secrets) == "*** ***"


def test_what_is_no_secret_stays() -> None:
    assert scrub("a plain text", ("s3cret", "")) == "a plain text"


def test_a_request_is_shown_without_its_secrets() -> None:
    request = make_request(
        path="/exec/t%2Fk/run",
        secrets=("t/k",),
        headers={"X-Key": "t/k"},
        json={"password": "t/k"},
        parts=(Part(name="p", value="t/k"),),
    )
    assert request.shown == "/exec/***/run"
    assert repr(request) == "<Request Vendor do it: POST /exec/***/run>"
    assert "t/k" not in repr(request.parts)


def test_a_path_that_is_given_to_be_shown_is_shown() -> None:
    assert make_request(path="/a/b", shown_path="/…").shown == "/…"


def test_an_error_quotes_the_beginning_of_the_answer_scrubbed_before_it_is_cut() -> None:
    # Cut first, half of the secret would be left.
    body = b"x" * (EXCERPT_LIMIT - 3) + b"s3cret" + b"y" * 600
    error = make_request(secrets=("s3cret",)).failure(Rejected, "no s3cret", reply=make_reply(400, body))
    assert error.excerpt == "x" * (EXCERPT_LIMIT - 3) + "***"
    assert error.message == "no ***"


def test_nothing_is_quoted_of_an_answer_that_is_itself_a_secret() -> None:
    error = make_request(confidential=True).failure(Rejected, "no", reply=make_reply(400, b"code 1234"))
    assert error.excerpt is None
    assert "1234" not in str(error)


@pytest.mark.parametrize(
    ("body", "decodable"),
    [
        (b"{}", True),
        (b"null", True),
        (b"", False),
        (b"<html>", False),
        (b"\xff", False),
        (b"[" * 10**5, False),
    ],
)
def test_whether_a_body_is_json(body: bytes, decodable: bool) -> None:
    assert Reply(status=200, body=body).is_json() == decodable


def test_a_body_that_is_no_text_can_still_be_quoted() -> None:
    assert Reply(status=200, body=b"caf\xe9").text() == "caf\N{REPLACEMENT CHARACTER}"


def test_a_reply_shows_neither_headers_nor_body() -> None:
    assert repr(make_reply(200, b"code 1234", set_cookie="sid=1")) == "Reply(status=200)"
