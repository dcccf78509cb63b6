"""
Makes a vendor's values safe to hand over to Airflow: to XCom, an event, the state store, a feed or a link.

Airflow's channels cannot carry everything that JSON can. A lone surrogate or an integer beyond 64 bits ends
the triggerer, with the waits of all DAGs, and again after each restart. NaN and some keys fail a task after
its effect, and PostgreSQL refuses NUL. So values are changed, not refused: the outcome of a run survives.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.exceptions import one_line, printable

log = logging.getLogger(__name__)

#: Integers that 64 bits hold.
SMALLEST, LARGEST = -(2**63), 2**63 - 1
#: Levels of lists and objects.
DEEPEST = 32
#: Characters of all text together, keys included; each value counts for some more.
MOST = 1_000_000
PER_VALUE = 8
#: Keys by which Airflow recognizes its own serialized objects.
RESERVED = frozenset({"__classname__", "__id__", "__version__", "__data__", "__type", "__var"})
CUT = "…"


def hand_over(value: object, what: str, *, most: int = MOST) -> Any:
    """
    Return JSON values that every channel of Airflow can carry, as close as possible to the vendor's.

    In text, control characters, NUL and lone surrogates become U+FFFD. Integers beyond 64 bits, NaN and
    infinity become text. Keys that Airflow reserves get a leading ``x``. What is too deep or too large is
    cut. Each kind of change is logged once, with the field.

    :param what: what the value is, for the log
    :param most: maximum number of characters
    """
    return _HandOver(what, most).clean(value, "")


class _HandOver:
    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._left = most
        self._told: set[str] = set()

    def clean(self, value: object, field: str, depth: int = 0) -> object:
        self._left -= PER_VALUE
        match value:
            case None | bool():
                return value
            case str() if len(value) <= self._left and value.isprintable():
                self._left -= len(value)
                return value
            case str():
                return self._text(value, field)
            case int():
                return value if SMALLEST <= value <= LARGEST else self._as_text(_digits(value), field)
            case float():
                return value if math.isfinite(value) else self._as_text(str(value), field)
            case Mapping() | list() | tuple() if depth >= DEEPEST:
                return self._cut(field)
            case Mapping():
                return self._object(value, field, depth)
            case list() | tuple():
                return self._list(value, field, depth)
        return self._text(str(value), field)

    def _text(self, text: str, field: str) -> str:
        clean = printable(text[: max(0, self._left)])
        self._left -= len(clean)
        if len(clean) < len(text):
            self._tell("cut because it is too large", field)
        elif clean != text:
            self._tell("stripped of characters that Airflow cannot carry", field)
        return clean

    def _as_text(self, text: str, field: str) -> str:
        self._tell("handed over as text, because Airflow cannot carry the number", field)
        return self._text(text, field)

    def _object(self, value: Mapping[object, object], field: str, depth: int) -> dict[str, object]:
        clean: dict[str, object] = {}
        for key, one in value.items():
            if self._left <= 0:
                self._cut(field)
                break
            name = str(self.clean(str(key), field))
            if name in RESERVED:
                self._tell(f"renamed from {name}, which Airflow reserves,", f"{field}.x{name}")
                name = f"x{name}"
            while name in clean:  # two keys that differ only in what was replaced
                name += "_"
            clean[name] = self.clean(one, f"{field}.{name}", depth + 1)
        return clean

    def _list(self, value: list[object] | tuple[object, ...], field: str, depth: int) -> list[object]:
        clean: list[object] = []
        for number, one in enumerate(value):
            if self._left <= 0:
                self._cut(field)
                break
            clean.append(self.clean(one, f"{field}[{number}]", depth + 1))
        return clean

    def _cut(self, field: str) -> str:
        self._tell("cut because it is too large or too deep", field)
        return CUT

    def _tell(self, change: str, field: str) -> None:
        if change not in self._told:
            self._told.add(change)
            where = one_line(field, 200).lstrip(".") or "the value"
            log.warning("%s: %s was %s", one_line(self._what, 500), where, change)


def _digits(number: int) -> str:
    """Return an integer as text; Python refuses to write out more than some thousand digits."""
    try:
        return str(number)
    except ValueError:
        return hex(number)
