"""The sandbox's vendors, as in their own folders."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from tests.core.conftest import clock as clock
from tests.vendors import VENDORS

for _vendor in VENDORS:
    if not find_spec(f"tests.{_vendor}.conftest"):
        continue
    _conftest = import_module(f"tests.{_vendor}.conftest")
    if hasattr(_conftest, _vendor):  # the fixture of OMFlow is one of all tests
        globals()[_vendor] = getattr(_conftest, _vendor)
