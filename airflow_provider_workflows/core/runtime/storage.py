"""Airflow's object storage: paths, how they are shown, and objects that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from airflow_provider_workflows.exceptions import InvalidInput, one_line

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

#: Names of the protocol of local files.
LOCAL = ("file", "local", "")
#: Characters of a path that is shown.
SHOWN_LIMIT = 300
#: How file systems say that they have no hard links.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES)


def is_path(value: object) -> bool:
    """Return whether a value is text, a path of Python, or Airflow's ``ObjectStoragePath``."""
    return isinstance(value, (str, os.PathLike)) or (hasattr(value, "fs") and hasattr(value, "protocol"))


def storage_path(value: object, name: str) -> ObjectStoragePath:
    """
    Return a path or URL as Airflow's path, with its connection if the URL has one (``s3://conn_id@…``).

    :param name: name of the argument, for the error
    :raises InvalidInput: it is no path, or Airflow knows no such storage
    """
    from airflow.sdk import ObjectStoragePath

    if isinstance(value, ObjectStoragePath):
        return value
    try:
        text = os.fspath(value)  # type: ignore[call-overload]
        if "://" not in text:
            # Airflow 3.1 takes a relative path for one of the root.
            text = f"file://{os.path.abspath(text)}"
        return ObjectStoragePath(text.rstrip("/") if not text.endswith("://") else text)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name}: {shown(value)!r} is not a path that Airflow can open: {error}") from None


def shown(path: object) -> str:
    """Return a path for messages: without what may be secret in a URL, and bounded."""
    scheme, divided, rest = str(path).partition("://")
    if not divided or scheme in LOCAL:
        return one_line(rest if divided else scheme, SHOWN_LIMIT)
    host, slash, tail = rest.partition("/")
    if "@" in host:
        host = host.rpartition("@")[2]
    elif ":" in host and "@" in tail:  # a secret with a slash in it
        host, slash, tail = tail.rpartition("@")[2].partition("/")
    return one_line(f"{scheme}://{host}{slash}{tail.partition('?')[0]}", SHOWN_LIMIT)


def open_object(path: ObjectStoragePath, mode: Literal["rb", "wb"] = "rb") -> IO[bytes]:
    """Open an object; a storage may raise exceptions of its own."""
    stream: IO[bytes] = path.open(mode)  # type: ignore[no-untyped-call]
    return stream


def put(path: ObjectStoragePath, data: bytes, *, replace: bool = False) -> None:
    """
    Write an object, so that it appears whole or not at all, even if the process is killed.

    :param replace: whether it may take the place of one that is there
    :raises FileExistsError: there is one, and it may not be replaced
    """
    if not replace:
        # Another process may have written since the file system has listed the folder.
        path.fs.invalidate_cache(path.parent.path)
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), shown(path))
    if path.protocol in LOCAL:
        _put_file(Path(path.path), data, replace=replace)
    else:
        # An object of a store appears when its upload is complete.
        with open_object(path, "wb") as stream:
            stream.write(data)


def _put_file(target: Path, data: bytes, *, replace: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent)) from None
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _move(temporary, target, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)
    with suppress(OSError):  # not every file system can sync a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _move(temporary: Path, target: Path, *, replace: bool) -> None:
    if replace:
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)  # unlike a rename, it never replaces
    except OSError as error:
        if error.errno not in _NO_LINKS or target.exists():
            raise
        temporary.rename(target)
