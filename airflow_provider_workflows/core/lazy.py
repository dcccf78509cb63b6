"""
Names that a package offers and loads at their first use, by :pep:`562`.

A vendor's package offers its hook, operators and sensors this way. Airflow loads that package in every one of
its processes, to read the connection form beside it, so this module imports nothing but the standard library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """
    Return the functions ``__getattr__`` and ``__dir__`` of a package.

    Define them where a type checker does not look, since it would take any name for one that exists, and give
    it the same names as imports::

        if TYPE_CHECKING:
            from package.hooks import Hook
        else:
            __getattr__, __dir__ = lazy_exports(__name__, {"hooks": ["Hook"]})

    :param package: the package's ``__name__``
    :param modules: the names that each of its modules has to offer
    """
    homes = {name: f"{package}.{module}" for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        # From now on it is an attribute like any other.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names
