"""What the server says, in the language that is wanted, and how it refuses."""

from __future__ import annotations

import tomllib
from enum import StrEnum, auto
from functools import cache
from pathlib import Path
from typing import Any

DEFAULT_LANGUAGE = "zh-hant"
# What Django makes of the codes that clients really send.
_ALIASES = {"zh": "zh-hant", "zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}


class Say(StrEnum):
    """The messages that depend on the language; everything else is raw exception text."""

    CODE_ISSUED = auto()
    BAD_LOGIN = auto()
    WRONG_CODE = auto()
    EXPIRED_CODE = auto()
    MISSING_CODE = auto()
    MISSING_RESTAPI = auto()
    BAD_URL = auto()
    NO_RIGHT = auto()
    PARAMETER_MISSING = auto()
    PARAMETER_EMPTY = auto()
    FIELD_MISSING = auto()
    VARIABLE_MISSING = auto()
    UNKNOWN_ACTION = auto()
    API_OFF = auto()
    DISABLED = auto()
    OPENED = auto()
    PUSHED = auto()
    DELETED = auto()
    NOT_FOUND = auto()
    NOT_MANUAL = auto()
    STILL_RUNNING = auto()
    QUERIED = auto()
    QUERY_FAILED = auto()
    QUERY_ERROR = auto()
    NO_PROCESS = auto()
    LOADED = auto()
    UPLOADED = auto()
    WORKLOG_CREATED = auto()
    WORKLOG_LISTED = auto()
    NO_CASE = auto()
    REFUSED = auto()


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("messages.toml").read_text(encoding="utf-8"))


def say(message: Say | str, language: str = DEFAULT_LANGUAGE, **values: str) -> str:
    """Return a message in a language, or in the default one if it has no translation; raw text as it is."""
    if not isinstance(message, Say):
        return message
    texts = _texts()[message.value]
    return texts.get(language, texts[DEFAULT_LANGUAGE]).format(**values)


def language_of(accept_language: str) -> str:
    """Return the first known language of an ``Accept-Language`` header, by preference."""
    wishes = [_wish(part) for part in accept_language.split(",")]
    for _, name in sorted(wishes, key=lambda wish: -wish[0]):
        known = _ALIASES.get(name, name)
        for candidate in (known, known.split("-")[0]):
            if candidate in ("zh-hant", "zh-hans", "en", "ja"):
                return candidate
    return DEFAULT_LANGUAGE


def _wish(part: str) -> tuple[float, str]:
    name, _, quality = part.strip().lower().partition(";q=")
    try:
        return float(quality or 1), name
    except ValueError:
        return 0.0, name


class Refusal(Exception):
    """
    A request refused.

    :param status: of the body; the HTTP status is 200 all the same.
    :param message: translated, or raw exception text of the server.
    :param result: details, where the vendor gives any.
    :param values: what the message's placeholders stand for.
    """

    def __init__(self, status: int, message: Say | str, *, result: Any = None, **values: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.result = result
        self.values = values
