"""What requests and replies show of themselves, and what they keep to themselves."""

from __future__ import annotations

import base64
import gc
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.message import Part, Reply
from airflow_provider_workflows.core.protocol.scrubbing import scrub
from airflow_provider_workflows.exceptions import EXCERPT_LIMIT, Rejected
from tests.core.protocol.samples import make_reply, make_request

# An asterisk would be found again in what takes a secret's place, and a lone surrogate is in no password.
_secrets = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=1, max_size=20)


def is_json(reply: Reply) -> bool:
    try:
        reply.json  # noqa: B018
    except ValueError:
        return False
    return True


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
    error = make_request(secrets=("s3cret",)).failure(
        Rejected, "no", reply=make_reply(400, body), code="s3cret"
    )
    assert error.excerpt == "x" * (EXCERPT_LIMIT - 3) + "***"
    assert error.code == "***"


def test_a_secret_that_is_a_common_word_is_not_starred_out_of_our_own_sentences() -> None:
    request = make_request(secrets=("user", "a"))
    error = request.failure(Rejected, f"The user has no access. It says: {request.quote('bad user')}")
    assert error.message == "The user has no access. It says: b***d ***"


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
    assert is_json(Reply(status=200, body=body)) == decodable


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("application/json;charset=ISO-8859-1", '{"a": "é"}'.encode("latin-1"), "é"),
        ("application/json; Charset=iso-8859-9", '{"a": "şĞ"}'.encode("iso-8859-9"), "şĞ"),
        ('application/json; charset="windows-1254"', '{"a": "ş"}'.encode("windows-1254"), "ş"),
        ("application/json; x=y ;charset=windows-1252; q=1", '{"a": "€"}'.encode("cp1252"), "€"),
        ("text/plain; charset=Big5", '{"a": "退件"}'.encode("big5"), "退件"),
        ("application/json; charset=utf-16", '{"a": "é"}'.encode("utf-16"), "é"),
        ("application/json; charset=UTF-16LE", '{"a": "é"}'.encode("utf-16-le"), "é"),
        ("application/json; charset=utf-8", '{"a": "é"}'.encode(), "é"),
        ("application/json; charset=utf8", b'\xef\xbb\xbf{"a": "e"}', "e"),
        ("application/json", '{"a": "é"}'.encode(), "é"),
        ("", '{"a": "é"}'.encode("utf-16"), "é"),
        # Declared, but not as said.
        ("application/json; charset=utf-16", '{"a": "é"}'.encode(), None),
        ("application/json; charset=Big5", b'{"a": "\xff"}', None),
        *(
            (f"application/json; charset={name}", '{"a": "é"}'.encode(), "é")
            for name in (
                *("zlib", "zlib_codec", "base64", "hex", "bz2", "rot13", "uu", "quopri"),
                *("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "utf-7"),
                *("none", "", "x" * 70_000, "a\0b", "../../x", "é", '"', "*", "iso-8859-99", "windows-1259"),
            )
        ),
    ],
)
def test_a_declared_charset_is_honoured(content_type: str, body: bytes, said: str | None) -> None:
    reply = Reply(status=200, headers={"content-type": content_type}, body=body)
    assert is_json(reply) == (said is not None)
    if said is not None:
        assert reply.json == {"a": said}
    assert reply.text()


@given(name=st.text(max_size=30), body=st.binary(max_size=30))
def test_no_charset_raises_an_error_of_python_s(name: str, body: bytes) -> None:
    reply = Reply(status=200, headers={"content-type": f"text/x;charset={name}"}, body=body)
    is_json(reply)
    assert len(reply.text()) <= len(body)


@pytest.mark.parametrize("good", [True, False])
def test_no_garbage_is_looked_for_while_a_large_body_is_decoded(good: bool) -> None:
    body = b"[" + b"[]," * 200_000 + (b"[]]" if good else b"")
    looked: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        looked.append(phase)

    gc.callbacks.append(note)
    try:
        assert is_json(Reply(status=200, body=body)) == good
    finally:
        gc.callbacks.remove(note)
    assert gc.isenabled()
    # Afterwards once, or twice; else it is more than three hundred times.
    assert len(looked) < 20


def test_a_body_nested_too_deeply_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        _ = Reply(status=400, body=b"[" * 10**5).json


def test_a_body_that_is_no_text_can_still_be_quoted() -> None:
    assert Reply(status=200, body=b"caf\xe9").text() == "caf\N{REPLACEMENT CHARACTER}"


def test_a_reply_shows_neither_headers_nor_body() -> None:
    assert repr(make_reply(200, b"code 1234", set_cookie="sid=1")) == "Reply(status=200)"


@given(st.text(st.characters()))
def test_what_a_vendor_said_is_one_printable_line(said: str) -> None:
    quoted = make_request().quote(f"{said}\nforged\u2028line\r\x1b[2J\ud83d\0\u202e")
    assert len(quoted.splitlines()) == 1
    assert set("\n\r\x1b\0\ud83d\u2028\u202e").isdisjoint(quoted)
    error = make_request().failure(
        Rejected, "no", reply=make_reply(body=f"a\n{said}".encode(errors="replace"))
    )
    assert len((error.excerpt or "").splitlines()) == 1
