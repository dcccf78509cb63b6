"""A ``/rest`` request as the vendor reads it: JSON first, form data otherwise."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say, language_of, say
from airflow_provider_workflows.sandbox.vendor import Call, Upload

# Django's own limit, which the server leaves alone: beyond it a body looks empty (recorded).
BODY_LIMIT = 2_621_440
_LONGEST_NAME = 255


@dataclass(frozen=True)
class RestRequest:
    """
    One request.

    :param body: the object it brings; empty if it cannot be read.
    :param is_form: whether that came as form data.
    :param misread: what Python makes of a body that is JSON but no object.
    """

    call: Call
    body: Mapping[str, Any]
    is_form: bool = False
    misread: str | None = None

    @property
    def language(self) -> str:
        """In which the answer's message is wanted."""
        return language_of(self.call.head.headers.get("accept-language", ""))

    @property
    def uploads(self) -> list[Upload]:
        """The files under the names that the vendor stores them by; a part without a name is no file."""
        named = [replace(upload, name=_stored_name(upload.name)) for upload in self.call.uploads]
        return [upload for upload in named if upload.name]

    def require(self, *names: str) -> None:
        """
        Insist on parameters.

        :raises Refusal: naming those that are missing, or else those that are empty.
        """
        missing = [name for name in names if name not in self.body]
        empty = [name for name in names if not self.body.get(name)]
        for found, status, message in (
            (missing, "require missing", Say.PARAMETER_MISSING),
            (empty, "require null", Say.PARAMETER_EMPTY),
        ):
            if found:
                details = {"status": status, "result": found, "message": say(message, self.language)}
                raise Refusal(404, message, result=details)


def _stored_name(name: str) -> str:
    """Return what Django makes of a file's name: without entities and path, and not too long (recorded)."""
    name = html.unescape(name).replace("\\", "/").rpartition("/")[2]
    if len(name) <= _LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: _LONGEST_NAME - len(dot + ending)]}{dot}{ending}"


def read_request(call: Call) -> RestRequest:
    """Read the body of a call; the method and the content type of JSON do not matter (recorded)."""
    if call.is_multipart:
        return RestRequest(call, dict(call.form), is_form=True)
    try:
        # Decoded first: with a byte order mark, text is no JSON (recorded).
        body = json.loads(call.body.decode())
    except ValueError:
        return _read_form(call)
    if not isinstance(body, dict):
        return RestRequest(call, {}, misread=f"'{type(body).__name__}' object has no attribute 'get'")
    return RestRequest(call, body)


def _read_form(call: Call) -> RestRequest:
    if not call.head.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return RestRequest(call, {})
    pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return RestRequest(call, dict(pairs), is_form=True)
