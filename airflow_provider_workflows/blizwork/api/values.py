"""Checks and converts the arguments of BlizWork calls, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.protocol.message import can_be_id
from airflow_provider_workflows.exceptions import InvalidInput

_ATTACHMENT_KEYS = ("fileName", "fileUrl")


def identifier(value: Any, name: str) -> str:
    """
    Return an id unchanged, because case and spaces matter to BlizWork (vendor documentation).

    :raises InvalidInput: it is empty, ``None`` from a template without a value, or cannot be an id
    """
    if not isinstance(value, str) or not can_be_id(value):
        raise InvalidInput(f"{name} must be a non-empty string without line breaks, got {value!r:.100}")
    return value


def optional_identifier(value: Any, name: str) -> str | None:
    """
    Return an id, or None for one that is not given.

    :raises InvalidInput: as :func:`identifier`; empty text does not stand for the connection's own
    """
    return None if value is None else identifier(value, name)


def case_number(value: Any, name: str = "case_number") -> int:
    """
    Return a case number as an integer, which BlizWork requires (vendor documentation).

    :param value: an integer, or its digits as text, as templates render them
    :raises InvalidInput: it is anything else
    """
    digits = isinstance(value, str) and value.strip().isascii() and value.strip().isdigit()
    if digits or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return int(value)
    raise InvalidInput(f"{name} must be an integer or digits, got {value!r}")


def case_number_of(id: Any, workflow_id: str, *, expected: int | None = None) -> int:
    """
    Return the case number that a person entered in a task's record.

    :param id: the number, or its digits as text, optionally after the process and a slash
    :param expected: the only valid number, if there is one
    :raises InvalidInput: it is not a number, or is the number of another case
    """
    text = id.strip().removeprefix(f"{workflow_id}/") if isinstance(id, str) else id
    number = case_number(text, "The id in the task's record")
    if expected not in (None, number):
        raise InvalidInput(f"The id {id!r} in the task's record is not the number of case {expected}")
    return number


def acting(workflow_id: Any, *, exec_user_id: Any = None, company_id: Any = None) -> dict[str, Any]:
    """
    Return what says in which process, as whom and where something is done, unless the connection does.

    :raises InvalidInput: names the argument and what was expected
    """
    # The same slug is called processId by the calls that read.
    body: dict[str, Any] = {"workflowId": identifier(workflow_id, "workflow_id")}
    if exec_user_id is not None:
        body["execUserId"] = identifier(exec_user_id, "exec_user_id")
    if company_id:
        body["companyId"] = company_id
    return body


def activity(
    workflow_id: Any,
    number: Any,
    form_id: Any,
    next_form_id: Any,
    form_data: Any = None,
    *,
    attachments: Any = None,
    exec_user_id: Any = None,
    company_id: Any = None,
    skip_extensions: bool | None = None,
) -> dict[str, Any]:
    """
    Return what a run of an activity sends; the arguments are those of ``BlizWorkApi.exec_activity``.

    :raises InvalidInput: names the argument and what was expected
    """
    body = {
        **acting(workflow_id, exec_user_id=exec_user_id, company_id=company_id),
        "caseNumber": case_number(number),
        "formId": identifier(form_id, "form_id"),
        "nextFormId": identifier(next_form_id, "next_form_id"),
        "formData": form_values(form_data, attachments),
    }
    return body if skip_extensions is None else {**body, "skipExtensions": skip_extensions}


def mail(template: Any, *, to: Any, params: Any = None) -> dict[str, Any]:
    """
    Return what a mail sends; the arguments are those of ``BlizWorkApi.send_notification``.

    :raises InvalidInput: names the argument and what was expected
    """
    addresses = [to] if isinstance(to, str) else list(to)
    recipients = ",".join(identifier(one, "to") for one in addresses)
    values = {**mapping(params, "params"), "to": identifier(recipients, "to")}
    return {"template": identifier(template, "template"), "params": values}


def form_values(form_data: Any, attachments: Any = None) -> dict[str, Any]:
    """
    Return the value of ``formData``.

    The vendor's example calls it an array, but it is an object (vendor documentation).

    :param form_data: a mapping from field id to text, int, Decimal or ``{"fileName", "fileUrl"}``, or JSON
        text of it. A finite float is accepted too, as the decimal that Python displays
    :param attachments: a mapping from field id to ``{"fileName", "fileUrl"}`` of a file that was uploaded
        before, or JSON text of it
    :raises InvalidInput: the message names the field and what is expected
    """
    values = {name: _value(name, value) for name, value in mapping(form_data, "form_data").items()}
    files = {
        name: _attachment("attachments", name, one)
        for name, one in mapping(attachments, "attachments").items()
    }
    if twice := sorted(values.keys() & files.keys()):
        raise InvalidInput(
            f"{', '.join(twice)} is in form_data and in attachments, but BlizWork would keep only one"
        )
    return {**values, **files}


def mapping(value: Any, name: str) -> dict[str, Any]:
    """
    Return a mapping with text keys, also from JSON text; None becomes an empty mapping.

    :raises InvalidInput: it is something else
    """
    value = from_text(value, name, number=Decimal)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise InvalidInput(f"{name} must be a mapping with names as keys, got {type(value).__name__}")
    return dict(value)


def some_of(value: Any, name: str) -> dict[str, Any]:
    """
    Return a mapping like :func:`mapping`, but refuse an empty one.

    :raises InvalidInput: it is empty, or something else
    """
    values = mapping(value, name)
    if not values:
        raise InvalidInput(f"{name} must not be empty")
    return values


def closing(end_forms: Any, closed_where: Any) -> dict[str, Any]:
    """
    Return the arguments of a condition that define when a case is closed.

    :param end_forms: next activities that mean that the case has ended: a sequence of ids, or JSON text of it
    :param closed_where: values of the case document's keys that mean closed: a mapping, or JSON text of it
    :raises InvalidInput: the message names the argument and what is expected
    """
    return {
        "end_forms": names(end_forms, "end_forms"),
        "closed_where": mapping(closed_where, "closed_where") or None,
    }


def names(value: Any, name: str) -> list[str]:
    """
    Return a list of names, also from JSON text; None becomes an empty list.

    :raises InvalidInput: it is something else
    """
    value = from_text(value, name)
    if value is None:
        return []
    if not isinstance(value, Sequence) or not all(isinstance(one, str) and one for one in value):
        raise InvalidInput(f"{name} must be a list of names, got {value!r}")
    return list(value)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _attachment("form_data", name, value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise InvalidInput(
            f"form_data {name}: expected text, an int, a Decimal or an attachment, got "
            f"{type(value).__name__}. For a date, use the text that the form shows"
        )
    if isinstance(value, (float, Decimal)) and not Decimal(value).is_finite():
        raise InvalidInput(f"form_data {name}: {value} is not a valid JSON number")
    return value


def _attachment(where: str, name: str, value: Any) -> dict[str, str]:
    given = dict(value) if isinstance(value, Mapping) else {}
    texts = all(isinstance(given.get(key), str) and given[key] for key in _ATTACHMENT_KEYS)
    if set(given) != set(_ATTACHMENT_KEYS) or not texts:
        raise InvalidInput(
            f"{where} {name}: expected an object with only fileName and fileUrl, both non-empty strings\n"
            "The URL must be that of a file already uploaded to BlizWork"
        )
    return given
