"""Attachments: local files and Airflow's object storage alike."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from airflow_provider_workflows.core.protocol.message import UNFIT, Part
from airflow_provider_workflows.core.runtime.storage import LOCAL
from airflow_provider_workflows.core.runtime.versions import conf
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

#: A local path, the URL of an object (``s3://…``), or an ``ObjectStoragePath``.
FilePath: TypeAlias = "str | os.PathLike[str] | ObjectStoragePath"
#: Airflow's option for the folders whose files may be attached.
SECTION, OPTION = "workflows", "allowed_paths"


def file_part(path: object, *, name: str) -> Part:
    """
    Return a part that reads the file anew at each sending.

    :param path: see :data:`FilePath`
    :param name: the form field
    :raises InvalidInput: there is no such file, it cannot be read, or the installation does not allow it
    """
    source = _source(path)
    check_path(source)
    try:
        is_file = source.is_file()
        size = source.stat().st_size if is_file else 0
    except (OSError, ValueError) as error:
        # ValueError: Airflow has no filesystem for the URL's scheme, or the path holds a null byte.
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"Attachment {str(path)!r} cannot be read: {reason}") from None
    if not is_file:
        raise InvalidInput(f"Attachment {str(path)!r} is not a file")
    if UNFIT.search(source.name):
        raise InvalidInput(f"Attachment {str(path)!r} has a control character in its name. Rename it first")

    def opened() -> IO[bytes]:
        # Before a repetition, a link may have been turned to another file.
        check_path(source)
        stream: IO[bytes] = source.open("rb")
        return stream

    kind = mimetypes.guess_type(source.name)[0] or "application/octet-stream"
    return Part(name=name, filename=source.name, open=opened, size=size, content_type=kind)


def check_path(source: object, what: str = "") -> None:
    """
    Check that a file is in one of the folders of ``[workflows] allowed_paths``, if that is set.

    Links and ``..`` count as what they lead to. In object storage they lead nowhere, so ``..`` is refused.

    :param source: a path object
    :param what: what it is, for the error; by default an attachment
    :raises InvalidInput: it is in none of them
    """
    allowed = [one.strip() for one in conf.get(SECTION, OPTION, fallback="").split(",") if one.strip()]
    if allowed and not any(_contains(folder, source) for folder in allowed):
        raise InvalidInput(
            f"{what or f'Attachment {str(source)!r}'} is not in a folder that [{SECTION}] {OPTION} names\n"
            "Nothing was sent. Move the file, or ask the administrators of Airflow to add its folder"
        )


def _contains(folder: str, source: object) -> bool:
    there, file = _place(_source(folder)), _place(source)
    if there is None or file is None or there.store != file.store:
        return False
    same_account = there.account in (None, file.account)
    return same_account and file.parts[: len(there.parts)] == there.parts


@dataclass(frozen=True)
class _Place:
    store: str
    account: str | None
    parts: tuple[str, ...]


def _place(source: object) -> _Place | None:
    """Return where a path leads; None if that cannot be known."""
    protocol = getattr(source, "protocol", LOCAL[0])
    if protocol in LOCAL:
        path: Any = getattr(source, "path", source)
        try:
            return _Place(LOCAL[0], None, Path(os.path.realpath(path)).parts)
        except (TypeError, ValueError):  # no path of the file system, or with a null byte
            return None
    parts = tuple(unquote(str(getattr(source, "path", ".."))).split("/"))
    if not isinstance(protocol, str) or "::" in str(source) or not {".", ".."}.isdisjoint(parts):
        return None
    # The attribute came after Airflow 3.1, whose options have it.
    account = getattr(source, "conn_id", None) or getattr(source, "storage_options", {}).get("conn_id")
    return _Place(protocol, account, tuple(filter(None, parts)))


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
