"""Checks what goes into a BlizWork call, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text

_ATTACHMENT_KEYS = ("fileName", "fileUrl")


def identifier(value: Any, name: str) -> str:
    """
    Return an id exactly as it is given, since BlizWork minds case and blanks (vendor documentation).

    :raises InvalidInput: it is empty, or ``None`` from a template that found nothing
    """
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise InvalidInput(f"{name} must be text and not empty, got {value!r}")
    return value


def optional_identifier(value: Any, name: str) -> str | None:
    """Return an id, or None if it is left out; an empty text, which a template may render, leaves it out."""
    return None if value is None or value == "" else identifier(value, name)


def case_number(value: Any, name: str = "case_number") -> int:
    """
    Return a case's number, which must reach BlizWork as an integer (vendor documentation).

    :param value: an integer, or its digits as text, as templates render them
    :raises InvalidInput: it is anything else
    """
    digits = isinstance(value, str) and value.strip().isascii() and value.strip().isdigit()
    if digits or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return int(value)
    raise InvalidInput(f"{name} must be an integer, or text of digits, got {value!r}")


def adopted_case(id: Any, workflow_id: str, *, expected: int | None = None) -> int:
    """
    Return a case's number that a person has written into a task's record.

    :param id: the number, or its digits as text, with or without the process and a slash before it
    :param expected: the only number that is right, if there is one
    :raises InvalidInput: it is none, or that of another case
    """
    text = id.strip().removeprefix(f"{workflow_id}/") if isinstance(id, str) else id
    number = case_number(text, "The id in the task's record")
    if expected not in (None, number):
        raise InvalidInput(f"The id {id!r} in the task's record is not that of case {expected}")
    return number


def form_values(form_data: Any, attachments: Any = None) -> dict[str, Any]:
    """
    Return what goes into ``formData``.

    The vendor's example calls it an array, but it is an object (vendor documentation).

    :param form_data: a mapping from field id to text, int, Decimal or ``{"fileName", "fileUrl"}``, or JSON
        text of it. A finite float is taken too, as the decimal that Python shows
    :param attachments: a mapping from field id to ``{"fileName", "fileUrl"}`` of a file uploaded before, or
        JSON text of it
    :raises InvalidInput: names the field and what was expected
    """
    values = {name: _value(name, value) for name, value in mapping(form_data, "form_data").items()}
    files = {
        name: _attachment("attachments", name, one)
        for name, one in mapping(attachments, "attachments").items()
    }
    if twice := sorted(values.keys() & files.keys()):
        raise InvalidInput(f"{', '.join(twice)} is in form_data and in attachments; BlizWork would keep one")
    return {**values, **files}


def mapping(value: Any, name: str) -> dict[str, Any]:
    """
    Return a mapping with text keys, or JSON text of it; None is an empty one.

    :raises InvalidInput: it is something else
    """
    value = from_text(value, name, number=Decimal)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise InvalidInput(f"{name} must be a mapping with names for keys, got {type(value).__name__}")
    return dict(value)


def some_of(value: Any, name: str) -> dict[str, Any]:
    """
    Return a mapping as :func:`mapping` does, but not an empty one.

    :raises InvalidInput: it is empty, or something else
    """
    values = mapping(value, name)
    if not values:
        raise InvalidInput(f"{name} must not be empty")
    return values


def closing(end_forms: Any, closed_where: Any) -> dict[str, Any]:
    """
    Return how the end of a case is told, as arguments of a condition.

    :param end_forms: next activities that are ends: a sequence of ids, or JSON text of it
    :param closed_where: values of the case document's keys that mean closed: a mapping, or JSON text of it
    :raises InvalidInput: names the argument and what was expected
    """
    return {
        "end_forms": names(end_forms, "end_forms"),
        "closed_where": mapping(closed_where, "closed_where") or None,
    }


def names(value: Any, name: str) -> list[str]:
    """
    Return a list of names, or JSON text of it; None is an empty one.

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
            f"{type(value).__name__}; BlizWork states no other type (for dates, give the text that the form "
            "shows)"
        )
    if isinstance(value, (float, Decimal)) and not Decimal(value).is_finite():
        raise InvalidInput(f"form_data {name}: {value} is no number that JSON can hold")
    return value


def _attachment(where: str, name: str, value: Any) -> dict[str, str]:
    given = dict(value) if isinstance(value, Mapping) else {}
    texts = all(isinstance(given.get(key), str) and given[key] for key in _ATTACHMENT_KEYS)
    if set(given) != set(_ATTACHMENT_KEYS) or not texts:
        raise InvalidInput(
            f"{where} {name}: expected an object of fileName and fileUrl, both text and not empty; the URL "
            "is that of a file which BlizWork already has"
        )
    return given
