"""How a secret is written where somebody quotes it: as it is, in a URL, in JSON, in HTML, in Base64."""

from __future__ import annotations

import base64
import functools
import re
from html.entities import html5

#: What JSON has a letter for.
LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
#: Patterns kept: those of a request, and those remembered beyond their request.
KEPT = 512


@functools.lru_cache(maxsize=KEPT)
def spellings(secret: str) -> re.Pattern[str]:
    """
    Return what finds a secret in a text, whoever has escaped it, be it twice.

    A proxy's error page quotes a request's URL and headers with HTML's entities. JSON writers agree on little
    more than the quotation mark: some escape the slash, others whatever HTML would.
    """
    encoded = base64.b64encode(secret.encode()).decode()
    return re.compile(f"{''.join(map(_spelled, secret))}|{re.escape(encoded)}")


def _spelled(character: str) -> str:
    """Return the pattern of one character; letters and digits are the same everywhere."""
    if character.isascii() and character.isalnum():
        return character
    code, units = ord(character), character.encode("utf-16-be").hex()
    names = [re.escape(name) for name, text in html5.items() if text == character and name.endswith(";")]
    entity = "|".join([f"#0*{code};", f"#x0*{code:x};", *names])
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    plus = r"|[+]|%(?:25)*2b" if character == " " else ""
    letter = f"|{LETTERS[character]}" if character in LETTERS else ""
    utf16 = r"\\+".join(f"u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return (
        rf"(?i:\\+(?:{utf16}|x{code:02x}{letter})"
        rf"|\\*(?:{percent}|(?:&|\\u0026)(?:amp;)*(?:{entity})|{re.escape(character)}{plus}))"
    )
