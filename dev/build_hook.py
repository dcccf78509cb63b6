"""Hatchling's hook: writes the links of :mod:`dev.home` into the package's metadata."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class ProjectUrls(MetadataHookInterface):
    """Hatchling loads this file by its path, where no other of ours can be imported."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the links, if there are any."""
        home = runpy.run_path(str(Path(__file__).with_name("home.py")))
        metadata["urls"] = home["project_urls"](Path(self.root))
