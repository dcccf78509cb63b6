"""How every call to Kiban is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from airflow_provider_workflows.core.protocol.message import Request, with_query
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.exceptions import UnreadableAnswer
from airflow_provider_workflows.kiban.api.refusal import judge
from airflow_provider_workflows.kiban.api.status import Status, read_status
from airflow_provider_workflows.kiban.api.values import VENDOR, WORKFLOO, of_execution


class KibanCalls:
    """
    Makes the requests of one Kiban space, with one API key.

    :param key: value of the header ``x-api-key`` (vendor's SDK)
    :param sandbox: send ``sandbox=true`` with every call; the sandbox host ignores it (vendor's SDK)
    :param callback_key: sent with a ``callback_url``
    """

    def __init__(self, *, key: str, sandbox: bool = False, callback_key: str | None = None) -> None:
        self.sandbox = sandbox
        self._key = key
        self._callback_key = callback_key

    def status(self: Self, execution_id: str) -> Operation[Status]:
        """Return the status of an execution, and what its step needs."""
        path = of_execution(execution_id).replace(WORKFLOO, f"{WORKFLOO}/status", 1)
        request = self.request("get status", "GET", path, repeatable=True)
        status = read_status((yield request).json)
        if status is None:
            raise request.failure(UnreadableAnswer, "The answer is JSON, but not a status in Kiban's format")
        return status

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        repeatable: bool,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        expects_json: bool = True,
        secrets: tuple[str, ...] = (),
    ) -> Request:
        flag = {"sandbox": "true"} if self.sandbox else {}
        known = (self._key, self._callback_key) if self._callback_key else (self._key,)
        return Request(
            vendor=VENDOR,
            operation=operation,
            method=method,
            path=with_query(path, {**(query or {}), **flag}),
            shown_path=path,
            repeatable=repeatable,
            headers=headers or {},
            json=json,
            expects_json=expects_json,
            # Answers contain personal data, and refusals may quote it.
            confidential=True,
            secrets=(*known, *secrets),
            judge=judge,
        )
