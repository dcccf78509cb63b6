"""A multipart body, taken apart as it arrives: text parts are kept, file parts go straight to the spool."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from airflow_provider_workflows.sandbox.spool import Incoming, Spool, Upload


class MultipartReader:
    """Reads one body, piece by piece.

    :param boundary: of the body.
    :param spool: where file parts go.
    """

    def __init__(self, boundary: bytes, spool: Spool) -> None:
        self.form: list[tuple[str, str]] = []
        self.uploads: list[Upload] = []
        self._spool = spool
        self._readable = True
        self._complete = False
        self._incoming: Incoming | None = None
        self._text = bytearray()
        self._name = ""
        self._disposition = b""
        self._header = bytearray()
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def write(self, piece: bytes) -> None:
        """Take in some bytes; what follows a mistake in the body is ignored."""
        if not self._readable:
            return
        try:
            self._parser.write(piece)
        except FormParserError:
            self._readable = False

    def finish(self) -> bool:
        """Whether the body was whole; otherwise nothing of it is kept."""
        if self._readable and self._complete:
            return True
        self.discard()
        return False

    def discard(self) -> None:
        """Remove all that was received."""
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None
        for upload in self.uploads:
            upload.remove()
        self.uploads.clear()
        self.form.clear()

    def _on_part_begin(self) -> None:
        self._text = bytearray()
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header = bytearray()
        self._value = bytearray()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            name = options[b"filename"].decode("utf-8", "replace")
            self._incoming = self._spool.receive(field=self._name, name=name)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._incoming is not None:
            self._incoming.write(data[start:end])
        else:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._incoming is not None:
            self.uploads.append(self._incoming.finish())
            self._incoming = None
        else:
            self.form.append((self._name, self._text.decode("utf-8", "replace")))

    def _on_end(self) -> None:
        self._complete = True
