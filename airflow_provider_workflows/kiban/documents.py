"""Documents from files: they travel in Base64 inside of JSON (vendor's SDK), so they are read whole."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.base.files import file_part
from airflow_provider_workflows.kiban.steps import mapping
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text


def with_files(document: Any, files: Any) -> Any:
    """
    Return documents with the contents of files added.

    :param document: document id -> content in Base64, or JSON text of it, or None
    :param files: document id -> path, or JSON text of it; None for no files
    :raises InvalidInput: names the document or file, and what was expected
    """
    if files is None:
        return document
    files = from_text(files, "document_files")
    if not isinstance(files, Mapping):
        raise InvalidInput("document_files must be a mapping of document id -> file")
    values = {} if document is None else mapping(document, "document")
    if twice := sorted(set(values) & set(files)):
        raise InvalidInput(f"document and document_files both give {', '.join(twice)}")
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
