"""Attachments: local files and Airflow's object storage alike."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.message import Part

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

#: A local path, the URL of an object (``s3://…``), or an ``ObjectStoragePath``.
FilePath: TypeAlias = "str | os.PathLike[str] | ObjectStoragePath"


def file_part(path: Any, *, name: str) -> Part:
    """
    Return a part that reads the file anew at each sending.

    :param path: see :data:`FilePath`
    :param name: the form field
    :raises InvalidInput: there is no such file, or it cannot be read
    """
    source = _source(path)
    try:
        is_file = source.is_file()
        size = source.stat().st_size if is_file else 0
    except (OSError, ValueError) as error:
        # ValueError: Airflow has no filesystem for the URL's scheme, or the path holds a null byte.
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"Attachment {str(path)!r} cannot be read: {reason}") from None
    if not is_file:
        raise InvalidInput(f"Attachment {str(path)!r} is not a file")
    kind = mimetypes.guess_type(source.name)[0] or "application/octet-stream"
    return Part(name=name, filename=source.name, open=lambda: source.open("rb"), size=size, content_type=kind)


def _source(path: Any) -> Any:
    if isinstance(path, str) and "://" in path:
        from airflow.sdk import ObjectStoragePath

        try:
            return ObjectStoragePath(path)
        except ValueError as error:
            raise InvalidInput(f"Attachment {path!r} cannot be read: {error}") from None
    if isinstance(path, str):
        return Path(path)
    if hasattr(path, "open") and hasattr(path, "stat"):
        return path
    if isinstance(path, os.PathLike):
        return Path(path)
    raise InvalidInput(f"An attachment must be a path, got {type(path).__name__}")
