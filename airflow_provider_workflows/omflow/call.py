"""The one way in which all of OMFlow's calls travel, but for the fetching of the security code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.omflow.answer import Answer, read_answer
from airflow_provider_workflows.omflow.formdata import check_field
from airflow_provider_workflows.protocol.body import encode_json
from airflow_provider_workflows.protocol.credential import with_credential
from airflow_provider_workflows.protocol.errors import InvalidInput, PermissionDenied, WorkflowError
from airflow_provider_workflows.protocol.message import Part, Request
from airflow_provider_workflows.protocol.operation import Operation

VENDOR = "OMFlow"
#: Django reads a larger JSON body as an empty one and answers with a riddle (recorded).
JSON_LIMIT = int(2.5 * 1024 * 1024)
#: Bytes that the security code and its companions add to a body, with room to spare.
_CODE_SIZE = 100


def call(
    operation: str,
    path: str,
    body: Mapping[str, Any],
    *,
    repeatable: bool,
    files: Sequence[Part] = (),
) -> Operation[Answer]:
    """
    Call with the current security code, and again with a newer one if it is refused.

    :param operation: what it does, for errors
    :param path: below the base URL, already quoted
    :param body: what goes along beside the security code
    :raises InvalidInput: the body is larger than OMFlow reads
    :raises PermissionDenied: refused, and not for want of a good security code
    """
    _check_size(operation, body)

    def request(code: str) -> Request:
        whole = {"security": code, "omflow_restapi": 1, **body}
        return Request(
            vendor=VENDOR,
            operation=operation,
            method="POST",
            path=path,
            repeatable=repeatable,
            secrets=(code,),
            json=None if files else whole,
            parts=_parts(whole, files) if files else (),
        )

    def send(code: str) -> Operation[Answer]:
        sent = request(code)
        return read_answer(sent, (yield sent))

    # Expired and unknown codes are refused before anything is done, so this may be sent again. The server
    # keeps one code a user: if it is still the same one, it was not the code that was refused.
    answer, still_good = yield from with_credential(send, lambda answer: answer.status == 403)
    if answer.status == 403:
        raise _refused(answer, still_good=still_good)
    return answer


def number(value: Any, name: str) -> int | str:
    """
    Return a row's id as it goes to the server.

    :raises InvalidInput: it is neither a whole number nor digits; a template that found nothing renders
        ``None``
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidInput(f"{name} must be a number, got {type(value).__name__}")
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"{name} must be a number or digits, got {value!r}")
    return int(text) if isinstance(value, int) else text


def order_number(value: Any) -> int | str:
    """
    Return an order's number as it goes to the server: whatever the server gave, an int on 1.1, text on 1.2.

    :raises InvalidInput: it can be no order number; a template that found nothing renders ``None``
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidInput(f"data_no must be an order's number, got {type(value).__name__}")
    text = str(value).strip()
    if text in ("", "None") or any(c.isspace() or not c.isprintable() for c in text):
        raise InvalidInput(f"data_no must be an order's number, got {value!r}")
    return value if isinstance(value, int) else text


def segment(api_path: Any) -> str:
    """
    Return the name of a process as a segment of a path.

    :raises InvalidInput: it is empty, or ``None`` from a template that found nothing, which OMFlow would take
        for a process to be named elsewhere in the body (recorded)
    """
    if not isinstance(api_path, str) or api_path.strip() in ("", ".", "..", "None"):
        raise InvalidInput(f"api_path must be the name of a process in URLs, got {api_path!r}")
    return quote(api_path.strip(), safe="")


def conditions(wanted: Mapping[str, Any] | None, operator: str = "=") -> list[dict[str, Any]]:
    """Return conditions of a listing that all must hold."""
    return [{"column": name, "condition": operator, "value": value} for name, value in (wanted or {}).items()]


def _check_size(operation: str, body: Mapping[str, Any]) -> None:
    """Refuse a body that is too large before anything is sent, the security code's request included."""
    size = len(encode_json(body)) + _CODE_SIZE
    if size > JSON_LIMIT:
        raise InvalidInput(
            f"{operation}: the values make {size} bytes of JSON; OMFlow reads at most {JSON_LIMIT} (2.5 MB). "
            "Attach large values as files"
        )


def _parts(whole: Mapping[str, Any], files: Sequence[Part]) -> tuple[Part, ...]:
    """Return a multipart body: lists and objects as JSON text, and the names of the file fields (manual)."""
    texts = [
        Part(name=name, value=json.dumps(value) if isinstance(value, (list, dict)) else str(value))
        for name, value in whole.items()
    ]
    fields = [check_field(part.name) for part in files if part.name != "files"]
    named = [Part(name="files_item", value=json.dumps(fields))] if fields else []
    return (*texts, *named, *files)


def _refused(answer: Answer, *, still_good: bool) -> WorkflowError:
    code = (
        "it is not the security code, which is still good"
        if still_good
        else "the security code was expired or wrong, and so were newer ones (several server processes that "
        "do not share their codes?)"
    )
    return answer.error(
        PermissionDenied,
        f"Refused for good: {code}; or the user has no right to this on the process, or the data_id does not "
        "exist, or the path is wrong",
    )
