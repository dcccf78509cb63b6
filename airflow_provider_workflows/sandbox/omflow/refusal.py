"""How the vendor says no: a status in the body."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.sandbox.omflow.messages import Say


class Refusal(Exception):
    """A request refused.

    :param status: of the body; the HTTP status is 200 all the same.
    :param message: translated, or raw exception text of the server.
    :param result: details, where the vendor gives any.
    :param values: what the message's placeholders stand for.
    """

    def __init__(self, status: int, message: Say | str, *, result: Any = None, **values: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.result = result
        self.values = values
