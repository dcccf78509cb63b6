"""Uploaded files on disk, in a directory that the sandbox owns and removes."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Upload:
    """One file part of a multipart request.

    :param field: name of the part.
    :param name: file name that the client gave.
    :param path: where the bytes are.
    :param size: in bytes.
    :param sha256: of the bytes, in hex.
    :param kept: set by the vendor that took the file; others are removed when the request is over.
    """

    field: str
    name: str
    path: Path
    size: int
    sha256: str
    kept: bool = False

    def remove(self) -> None:
        """Delete the bytes."""
        self.path.unlink(missing_ok=True)


class Incoming:
    """A file that is being received; measured on the way, so that it need not be read again."""

    def __init__(self, path: Path, *, field: str, name: str) -> None:
        self._path = path
        self._field = field
        self._name = name
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Take in some bytes."""
        self._file.write(piece)
        self._digest.update(piece)

    def finish(self) -> Upload:
        """The file is complete."""
        size = self._file.tell()
        self._file.close()
        return Upload(self._field, self._name, self._path, size, self._digest.hexdigest())

    def discard(self) -> None:
        """The file is not wanted."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Spool:
    """The directory of uploaded files; it goes when the sandbox stops."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="workflows-sandbox-")
        self._numbers = itertools.count(1)
        self.path = Path(self._directory.name)

    def receive(self, *, field: str, name: str) -> Incoming:
        """Begin to receive a file; the client's name for it is never used on disk."""
        return Incoming(self.path / str(next(self._numbers)), field=field, name=name)

    def close(self) -> None:
        """Remove the directory and all in it."""
        self._directory.cleanup()
