"""General files of an order, and files of its form's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.files import FilePath, file_part
from airflow_provider_workflows.omflow.formdata import check_field
from airflow_provider_workflows.protocol.errors import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.omflow.hook import OMFlowHook
    from airflow_provider_workflows.protocol.message import Part


def file_parts(
    attachments: Sequence[FilePath], field_attachments: Mapping[str, FilePath], *, version: str
) -> list[Part]:
    """
    Return the parts of all files.

    :param version: of the server
    :raises InvalidInput: a file cannot be read, two have one name, or this server ignores files of fields
    """
    if field_attachments and version == "1.1":
        raise InvalidInput("field_attachments: server 1.1 ignores files in form fields; use attachments")
    general = [file_part(path, name="files") for path in attachments]
    files = [*general, *(file_part(path, name=check_field(name)) for name, path in field_attachments.items())]
    names = [part.filename for part in general]
    if twice := {name for name in names if name is not None and names.count(name) > 1}:
        raise InvalidInput(
            f"attachments: {', '.join(sorted(twice))} occurs twice; OMFlow keeps one file of a name"
        )
    return files


def attach_missing(hook: OMFlowHook, api_path: str, data_no: Any, files: Sequence[Part]) -> None:
    """
    Attach the files that the order does not have yet; an earlier attempt may have, under an older row.

    :raises Rejected: the server does not list a file that it took
    """
    if not files:
        return
    there = {(row.get("file_name"), row.get("size")) for row in hook.list_files(api_path, data_no)}
    if missing := [part for part in files if (part.filename, part.size) not in there]:
        hook.upload_files(api_path, data_no, missing)
