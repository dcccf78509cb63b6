"""Distributions that bring vendors of the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_workflows.sandbox.registry import ENTRY_POINTS


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **vendors: str) -> None:
    """Let a distribution be installed until the test ends.

    :param folder: an empty one, which is put before all others on the search path.
    :param vendors: by the name of its entry point, where each vendor is found.
    """
    metadata = folder / "made_up-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    lines = [f"{name} = {place}" for name, place in vendors.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines, ""]))
    monkeypatch.syspath_prepend(folder)
