"""Who calls: session tokens, issued for e-mail and password, and API tokens, which are declared."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timezone
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.mybpm.declared import Declared
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal
from airflow_provider_workflows.sandbox.mybpm.values import read_zone


@dataclass(frozen=True)
class Caller:
    """
    A user who may call.

    :param name: the e-mail, or a word for the user behind the API tokens.
    :param zone: of the dates that the user is told.
    """

    name: str
    zone: timezone


class Sessions:
    """
    The tokens of one server; session tokens live in its memory.

    ``issued`` are all session tokens that it has given out, those that are void by now among them.
    """

    def __init__(self, declared: Declared, agenda: Agenda) -> None:
        self._declared = declared
        self._agenda = agenda
        self.users = dict(declared.users)
        self._tokens: dict[str, tuple[float, Caller]] = {}
        self.issued: list[str] = []

    def forget(self) -> int:
        """Lose all session tokens; return how many there were."""
        number = len(self._tokens)
        self._tokens.clear()
        return number

    def login(self, body: Mapping[str, Any]) -> Caller:
        """
        Return who logs in.

        :raises Refusal: if e-mail or password are wrong, or the zone is none of the form ``GMT+0600``.
        """
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or email not in self.users or self.users[email] != password:
            raise Refusal(401, "wrong e-mail or password")
        zone = read_zone(body.get("timezone"))
        if zone is None:
            raise Refusal(400, f"unknown timezone {body.get('timezone')!r}")
        return Caller(email, zone)

    def issue(self, caller: Caller) -> str:
        """Return a new session token."""
        token = uuid.uuid4().hex
        self.issued.append(token)
        self._tokens[token] = (self._agenda.now() + self._declared.session_seconds, caller)
        return token

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """
        Return the caller, by the header ``TOKEN``, ``API-TOKEN`` or ``API_TOKEN``.

        All take API tokens, since it is not documented which one they belong in; session tokens are
        known from the vendor's sample to belong in the first.

        :raises Refusal: if there is no good token.
        """
        expiry, caller = self._tokens.get(headers.get("token", ""), (0.0, None))
        if caller is not None and self._agenda.now() < expiry:
            return caller
        given = {headers.get(name) for name in ("token", "api-token", "api_token")}
        if given & self._declared.api_tokens:
            return Caller("API token", read_zone(self._declared.timezone) or UTC)
        raise Refusal(401, "no valid token")
