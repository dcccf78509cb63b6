"""Reading a declaration file: what the vendors' doubles hold at the beginning."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_FILE = Path(__file__).with_name("processes.toml")

Table = dict[str, Any]
Types = type | tuple[type, ...]
#: A file; what such a file holds; or None for the shipped file.
Source = Path | str | Mapping[str, Any] | None


class DeclarationError(ValueError):
    """A declaration file that cannot be used; the text names the file or the place in it."""


def load_declaration(source: Source = None) -> Table:
    """Read a declaration; each vendor checks its own table.

    :param source: the file, or what it would hold, or None for the shipped one.
    :raises DeclarationError: if it cannot be read or is not TOML.
    """
    if isinstance(source, Mapping):
        return copy.deepcopy(dict(source))
    path = DEFAULT_FILE if source is None else Path(source)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DeclarationError(f"{path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{path} is not valid TOML: {error}") from None


def check_table(table: Any, expected: Mapping[str, Types], *, place: str) -> None:
    """A misspelt key must not pass for a setting, nor a text for a number.

    :param expected: the types of each known key.
    :param place: names the table in the error.
    :raises DeclarationError: naming the first thing that cannot be used.
    """
    if not isinstance(table, dict):
        raise DeclarationError(f"{place} is no table")
    unknown = sorted(set(table) - set(expected))
    if unknown:
        raise DeclarationError(
            f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(expected))}"
        )
    for key, value in table.items():
        if not isinstance(value, expected[key]):
            raise DeclarationError(f"{place}: {key} cannot be {value!r}")
