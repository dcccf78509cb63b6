"""
What is loaded or made at its first use: names that a package offers, by :pep:`562`, and properties.

A vendor's package offers its hook, operators and sensors this way. Airflow loads that package in every one of
its processes, to read the connection form beside it, so this module imports nothing but the standard library.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    cached_property = functools.cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801  as the one that it stands in for
        """
        A property that is made once for each object, as that of :mod:`functools`, but without a lock.

        Before Python 3.12, that one has a lock for all objects of a class. A process that forks while another
        thread holds it leaves a child that waits for it for ever. Made twice, a value does no harm here.
        """

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            values = instance.__dict__
            if self.attrname not in values:
                values[self.attrname] = self.func(instance)
            return values[self.attrname]


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
