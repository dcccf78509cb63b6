"""An object storage in memory, and files to write."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem


@pytest.fixture
def memory() -> Iterator[ObjectStoragePath]:
    """A folder of an object storage."""
    attach("memory", fs=MemoryFileSystem())
    yield ObjectStoragePath("memory://bucket/folder")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below the test's folder."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


@pytest.fixture
def context() -> dict[str, Any]:
    """What Airflow tells a task of itself, as far as results need it."""
    return {
        "ti": SimpleNamespace(
            dag_id="customers", run_id="manual__2026-12-01T00:00:00+00:00", task_id="load", map_index=-1
        )
    }
