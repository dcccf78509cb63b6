"""Removes secrets from text, also when they are escaped for a URL, JSON, HTML or Base64."""

from __future__ import annotations

import base64
import functools
import itertools
import re
from html.entities import html5

#: Characters with a letter escape in JSON.
LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
#: Size of the cache of patterns.
KEPT = 512
#: Maximum length of the escaped form of one character that a pattern finds.
LONGEST_SPELLING = 96
#: Backslashes before an escaped character. JSON text within JSON within JSON has seven.
_SLASHES = r"\\{0,8}+"


@functools.lru_cache(maxsize=KEPT)
def spellings(secret: str) -> re.Pattern[str]:
    """
    Return a pattern that finds a secret in a text, even if it is escaped, once or twice.

    A proxy's error page quotes a request's URL and headers with HTML entities. JSON writers differ in what
    they escape besides the quotation mark: some escape the slash, others everything that HTML escapes.

    Every repetition in the pattern is bounded, so that a search takes time in proportion to the text,
    whatever a vendor sends.
    """
    encoded = base64.b64encode(secret.encode()).decode()
    runs = ((character, len(list(same))) for character, same in itertools.groupby(secret))
    spelled = "".join(_slashes(n) if one == "\\" else _spelled(one) * n for one, n in runs)
    return re.compile(f"{spelled}|{re.escape(encoded)}")


def _spelled(character: str) -> str:
    """Return the pattern of one character; letters and digits are never escaped."""
    if character.isascii() and character.isalnum():
        return character
    units = character.encode("utf-16-be").hex()
    letter = f"|{LETTERS[character]}" if character in LETTERS else ""
    plus = r"|[+]|%(?:25){0,4}2b" if character == " " else ""
    utf16 = r"\\{1,8}+".join(f"u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return (
        rf"(?i:\\{{1,8}}+(?:{utf16}|x{ord(character):02x}{letter})"
        rf"|{_SLASHES}(?:{_escaped(character)}|{re.escape(character)}{plus}))"
    )


def _slashes(number: int) -> str:
    """Return the pattern of backslashes, each of which an escape may have doubled."""
    return rf"(?i:\\{{{number},{8 * number}}}|(?:\\{{1,8}}+(?:u005c|x5c)|{_escaped(chr(92))}){{{number}}})"


def _escaped(character: str) -> str:
    """Return the pattern of a character that is escaped for a URL or in HTML."""
    code = ord(character)
    names = [re.escape(name) for name, text in html5.items() if text == character and name.endswith(";")]
    entity = "|".join([f"#0{{0,8}}{code};", f"#x0{{0,8}}{code:x};", *names])
    percent = "".join(f"%(?:25){{0,4}}{byte:02x}" for byte in character.encode())
    return rf"{percent}|(?:&|\\u0026)(?:amp;){{0,4}}(?:{entity})"


def scrub(text: str, secrets: tuple[str, ...], limit: int | None = None) -> str:
    """
    Return ``text`` with ``***`` for each secret, also escaped for a URL, in JSON, HTML or Base64.

    :param limit: cut the text to this many characters; half a secret at the cut is not left over
    """
    secrets = tuple(filter(None, secrets))
    if limit is not None:
        text = text[: limit + LONGEST_SPELLING * max(map(len, secrets), default=0)]
    # Longest first, so that nothing remains of a secret that contains another one.
    for secret in sorted(secrets, key=len, reverse=True):
        text = spellings(secret).sub("***", text)
    return text if limit is None else text[:limit]
