"""What the pages of docs/ hold, for the tests that prove them."""

from __future__ import annotations

import re
from pathlib import Path

_FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: Path) -> dict[str, str]:
    """Return the files that a page shows: a name in a line of its own, and a block below it."""
    return dict(_FILE.findall(page.read_text(encoding="utf-8")))
