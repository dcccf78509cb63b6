"""Naming the browser; that it starts is for the browser test to show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev.chromium import ChromiumError, executable


def test_the_named_browser_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", sys.executable)  # anything that tells its version
    assert executable() == sys.executable


def test_one_that_does_not_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "chromium"
    monkeypatch.setenv("CHROMIUM", str(missing))
    with pytest.raises(ChromiumError, match=f"^error: {missing} is no browser that runs$"):
        executable()
