"""
The vendors, as each declares itself for the tests of hostile answers, in ``tests/<vendor>/hostile.py``.

There, ``calls`` makes every call of the vendor's API, every effect, condition and feed, against the sandbox
or by hand, and ``sample`` returns a few of them with a run that goes on. Both get the vendor's own fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.hostile.shapes import Calls, Sample
from tests.vendors import VENDORS as ALL

#: The vendors that have the file; a test names those that lack it.
_FILES = {
    vendor: import_module(f"tests.{vendor}.hostile") for vendor in ALL if find_spec(f"tests.{vendor}.hostile")
}
#: By vendor.
CALLS: dict[str, Callable[[Any], Calls]] = {vendor: file.calls for vendor, file in _FILES.items()}
#: How each vendor's sample is made, and the fixture that it needs.
VENDORS: dict[str, tuple[Callable[[Any], Sample], str]] = {
    vendor: (file.sample, vendor) for vendor, file in _FILES.items()
}
