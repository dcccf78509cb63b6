"""How a secret is found in a text, whoever has escaped it."""

from __future__ import annotations

import html
import json
from html.entities import html5
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.scrubbing import LONGEST_SPELLING, scrub, spellings

SECRET = 'a/b&cé d"\n𐍈'


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        r"a\/b\u0026c\u00E9 d\"\n\ud800\udf48",  # PHP escapes the slash, Go what HTML would
        r"a/b&c\xe9 d\\\"\\n𐍈",
        "a&sol;b&amp;c&eacute; d&quot;&NewLine;&#66376;",
        "a&#x2F;b&#x00026;c&#233; d&#34;&#10;&#x10348;",
        "a/b&amp;amp;cé d&amp;quot;\n𐍈",
        "a%2fb%26c%c3%a9+d%22%0A%F0%90%8D%88",
        "a/b%2526c%25C3%25A9%20d%2522%250A%25f0%2590%258d%2588",
        "YS9iJmPDqSBkIgrwkI2I",
    ],
)
def test_found(spelled: str) -> None:
    assert spellings(SECRET).sub("", f"<{spelled}>") == "<>"


@pytest.mark.parametrize("other", ['a/b&ce d"\n𐍈', 'A/b&cé d"\n𐍈', 'a b&cé d"\n𐍈', 'a/b%27cé d"\n𐍈'])
def test_not_found(other: str) -> None:
    assert spellings(SECRET).search(other) is None


def test_what_means_something_in_a_pattern_is_taken_as_it_is() -> None:
    assert spellings("a.*b").search("a..b") is None
    assert spellings("(a").search("(a") is not None


@pytest.mark.parametrize(
    "spelled",
    [r"x\\y", r"x\\\\y", r"x\\\\\\\\y", "x%5c%5Cy", "x&#92;&bsol;y", r"x\u005c\x5Cy", "x%255c%255cy"],
)
def test_backslashes_of_a_secret(spelled: str) -> None:
    assert scrub(f"<{spelled}>", (r"x\\y",)) == "<***>"


@pytest.mark.parametrize(
    "secret", ['"quoted', "\\" * 20, "&amp;" * 5, "%" * 20, " " * 20, "0" * 64, "é" * 30]
)
@pytest.mark.parametrize("noise", ["\\", "%25", "&amp;", "&#0", " ", "+", "0", "\\u00e9", "%c3"])
def test_a_search_takes_time_in_proportion_to_the_text(secret: str, noise: str) -> None:
    """A quadratic search of a text of this size takes minutes; pytest's own limit would end the run."""
    assert scrub(noise * (200_000 // len(noise)) + "!", (secret,)).endswith("!")


@given(st.text(min_size=1, max_size=20), st.integers(0, 300), st.text(max_size=50))
def test_cutting_leaves_no_half_of_a_secret(secret: str, limit: int, before: str) -> None:
    try:
        secret.encode()
    except UnicodeEncodeError:
        return
    for spelled in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], html.escape(secret)):
        whole = scrub(f"{before}{spelled}{before}", (secret,))
        assert scrub(f"{before}{spelled}{before}", (secret,), limit) == whole[:limit]


@given(st.characters(exclude_categories=["Cs"]))
def test_no_spelling_is_longer_than_it_is_said_to_be(character: str) -> None:
    names = [name for name, text in html5.items() if text == character]
    escaped = [quote(character, safe=""), json.dumps(character)[1:-1], f"&#{ord(character)};"]
    escaped += [f"&{name}" for name in names]
    twice = [quote(quote(one, safe=""), safe="") for one in escaped] + [html.escape(one) for one in escaped]
    assert max(map(len, [*escaped, *twice])) <= LONGEST_SPELLING
