"""How the vendor says no: an HTTP status, and a body of one of several forms, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.sandbox.vendor import Answer


class Refusal(Exception):
    """
    A request refused.

    :param status: of HTTP.
    :param body: JSON value; no body at all if None.
    """

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body

    @property
    def answer(self) -> Answer:
        """What goes out."""
        return as_json(self.body, status=self.status)


def as_json(body: Any, *, status: int = 200) -> Answer:
    """Return an answer; without a body if None, as the vendor's forms and codes are answered."""
    return Answer(b"" if body is None else json.dumps(body, ensure_ascii=False).encode(), status=status)


def required(*names: str) -> Refusal:
    """Return the refusal when required fields are missing (vendor documentation)."""
    return wrong_fields("REQUIRED_FIELDS", dict.fromkeys(names, "required"))


def wrong_fields(type_error: str, errors: Mapping[str, str]) -> Refusal:
    """Return the refusal of wrong fields, each with a text."""
    return Refusal(400, {"typeError": type_error, "errors": dict(errors), "errorMessage": ""})


def not_existing(status: int, message: str) -> Refusal:
    """Return the refusal of what does not exist: one body with 400 and 404 (vendor documentation)."""
    return Refusal(status, {"typeError": "ELEMENT_NOT_EXIST_ERROR", "errors": None, "errorMessage": message})


def wrong_parameter(name: str, kind: str, message: str) -> Refusal:
    """Return the refusal of a wrong query parameter: a flat map (vendor documentation)."""
    return Refusal(400, {name: f"{kind}; {message}"})
