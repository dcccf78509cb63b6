"""Reading a declaration file: what the vendors' doubles hold at the beginning."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Table = dict[str, Any]
Types = type | tuple[type, ...]


class DeclarationError(ValueError):
    """A declaration that cannot be used, or a vendor that cannot be loaded; the text names the place."""


def read_file(path: Path) -> Table:
    """
    Read a declaration file; each vendor checks its own table.

    :raises DeclarationError: if it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DeclarationError(f"{path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{path} is not valid TOML: {error}") from None


def check_table(table: Any, expected: Mapping[str, Types], *, place: str) -> None:
    """
    Check that a table has no misspelt key, and no text for a number.

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
