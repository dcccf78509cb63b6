"""General files of an order, and files of its form's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import unescape
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.tasks.attachments import FilePath, file_part
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.api.form_data import check_field

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.message import Part
    from airflow_provider_workflows.omflow.hooks import OMFlowHook


#: Characters of a file's name that the server keeps (recorded).
LONGEST_NAME = 255


def file_parts(
    attachments: Sequence[FilePath], field_attachments: Mapping[str, FilePath] | str, *, version: str
) -> list[Part]:
    """
    Return the parts of all files.

    :param version: of the server
    :raises InvalidInput: a file cannot be read, two have the same name, or the server ignores files in fields
    """
    if field_attachments and version == "1.1":
        raise InvalidInput(
            "field_attachments needs a newer server: 1.1 ignores files in form fields. Use attachments"
        )
    if isinstance(field_attachments, str):
        raise InvalidInput("field_attachments must be a mapping of FORMITM_n to file, got text")
    general = [file_part(path, name="files") for path in attachments]
    files = [*general, *(file_part(path, name=check_field(name)) for name, path in field_attachments.items())]
    names = [str(part.filename) for part in files]
    for name in names:
        if not is_kept(name):
            raise InvalidInput(f"OMFlow would store the file {name!r} under another name. Rename it first")
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(
            f"attachments and field_attachments have a duplicate file name: {', '.join(sorted(twice))}\n"
            "OMFlow keeps only one"
        )
    return files


def is_kept(name: str) -> bool:
    """
    Return whether the server stores a file under its name.

    What it unescapes or cuts (recorded) could not be told from a lost file.
    """
    return unescape(name) == name and set('"\\/').isdisjoint(name) and len(name) <= LONGEST_NAME


def attach_missing(hook: OMFlowHook, api_path: str, data_no: Any, files: Sequence[Part]) -> None:
    """
    Attach the files that the order does not have yet; an earlier attempt may have attached some.

    :raises Rejected: the server does not list a file that it accepted
    """
    there = {(str(row.get("file_name")), str(row.get("size"))) for row in hook.list_files(api_path, data_no)}
    if missing := [part for part in files if (part.filename, str(part.size)) not in there]:
        hook.upload_files(api_path, data_no, missing)
