"""Documents from files; they are sent as Base64 in JSON (vendor's SDK), so they are read into memory."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.tasks.attachments import file_part
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.api.steps import mapping


def with_files(document: Any, files: Any) -> Any:
    """
    Return documents with the contents of files added.

    :param document: mapping of document id to content in Base64, or JSON text of it, or None
    :param files: mapping of document id to path, or JSON text of it; None for no files
    :raises InvalidInput: a document or file is invalid; the message says what is expected
    """
    if files is None:
        return document
    files = from_text(files, "document_files")
    if not isinstance(files, Mapping):
        raise InvalidInput("document_files must be a mapping of document id to file")
    values = {} if document is None else mapping(document, "document")
    if twice := sorted(set(values) & set(files)):
        raise InvalidInput(f"document and document_files both contain {', '.join(twice)}")
    return values | {name: _content(path) for name, path in files.items()}


def _content(path: Any) -> str:
    part = file_part(path, name="document")
    assert part.open is not None
    try:
        with part.open() as source:
            content = source.read()
    except OSError as error:
        raise InvalidInput(f"Attachment {str(path)!r} cannot be read: {error.strerror or error}") from None
    if not content:
        raise InvalidInput(f"Attachment {str(path)!r} is empty")
    return base64.b64encode(content).decode()
