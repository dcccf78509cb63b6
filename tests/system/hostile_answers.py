"""Values that an answer may have and Airflow cannot carry, as JSON text; and what is left of them."""

from __future__ import annotations

from typing import Any

TEN_MEGABYTES = 10_000_000
#: More than a connection takes by default.
TOO_LARGE = 17_000_000
LEVELS = 60

#: By name: the value as the vendor sends it.
VALUES = {
    "surrogate": r'"\ud83d"',
    "integer": str(2**70),
    "negative": str(-(2**70)),
    "not_a_number": "NaN",
    "infinite": "1e999",
    "nul": r'"a\u0000b"',
    "escape": r'"\u001b[2J\nforged"',
    "reserved": '{"__classname__": "os.system", "__id__": 1, "__type": "x", "a": 1}',
    "key": r'{"\ud83d": 1, "\u0000": 2}',
    "deep": "[" * LEVELS + "]" * LEVELS,
    "long": f'"{"x" * TEN_MEGABYTES}"',
}
#: By name, what is handed over; of the others only that it is there and small.
LEFT: dict[str, Any] = {
    "surrogate": "\ufffd",
    "integer": str(2**70),
    "negative": str(-(2**70)),
    "not_a_number": "nan",
    "infinite": "inf",
    "nul": "a\ufffdb",
    "escape": "\ufffd[2J\nforged",
    "reserved": {"x__classname__": "os.system", "x__id__": 1, "x__type": "x", "a": 1},
    "key": {"\ufffd": 1, "\ufffd_": 2},
}
#: Values that are text, and so may be a status word or a message.
TEXTS = ("surrogate", "nul", "escape", "long")
EVERYTHING = f"[{', '.join(text for name, text in VALUES.items() if name != 'long')}]"

#: What the vendors call what is waited for.
ORDER, EXECUTION, ENDED, NEIGHBOUR, TOO_LONG = "H7", "a" * 24, "b" * 24, "neighbour", "too-long"


def spid(name: str) -> str:
    """The SPID of the process that answers with a value."""
    return f"hostile-{name.replace('_', '-')}"


def spid_of_failure(name: str) -> str:
    """The SPID of the process whose status word is a value."""
    return f"failed-{name.replace('_', '-')}"
