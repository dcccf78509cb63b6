"""How a secret is found in a text, whoever has escaped it."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.protocol.spelling import spellings

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
