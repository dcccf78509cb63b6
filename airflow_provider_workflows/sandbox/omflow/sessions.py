"""Security codes: issued for a Basic login, known to one running server, short-lived when idle."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.omflow.dialect import Dialect
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import User

IDLE_SECONDS = 300.0


@dataclass
class _Code:
    user: str
    used: float


class Sessions:
    """
    The codes of one server, which live in its memory.

    ``issued`` are all that it has given out, those that a restart has made void among them.
    """

    def __init__(self, users: Mapping[str, User], agenda: Agenda, dialect: Dialect) -> None:
        self._users = users
        self._agenda = agenda
        self._dialect = dialect
        self._codes: dict[str, _Code] = {}
        self.issued: list[str] = []

    def forget(self) -> int:
        """Lose all codes, as a restart does; return how many there were."""
        number = len(self._codes)
        self._codes.clear()
        return number

    def issue(self, user: User) -> str:
        """Return the code of a user who has logged in: the live one again, else a new one."""
        now = self._agenda.now()
        for text, code in list(self._codes.items()):
            if code.user == user.name:
                if now - code.used <= IDLE_SECONDS:
                    code.used = now
                    return text
                del self._codes[text]
        text = str(uuid.uuid4())
        self._codes[text] = _Code(user.name, now)
        self.issued.append(text)
        return text

    def login(self, authorization: str | None) -> User:
        """
        Return the user who logs in with Basic.

        :raises Refusal: as the vendor refuses, exception texts included (recorded).
        """
        name, password = _basic(authorization)
        if name.partition("@")[1] and name.partition("@")[0] in self._users:
            raise Refusal(500, "local variable 'username_db' referenced before assignment")
        user = self._users.get(name)
        if user is None:
            raise Refusal(500, "OmUser matching query does not exist.")
        if user.password != password or not user.active:
            raise Refusal(self._dialect.bad_login_status, Say.BAD_LOGIN)
        return user

    def user_of(self, code: object) -> User:
        """
        Return the user of a code that a request brings; it lives on for another five minutes.

        :raises Refusal: if the code is missing, unknown or expired.
        """
        if code is None:
            raise Refusal(403, Say.MISSING_CODE)
        try:
            hash(code)
        except TypeError as error:
            raise Refusal(500, str(error)) from None
        known = self._codes.get(code) if isinstance(code, str) else None
        if known is None:
            raise Refusal(403, Say.WRONG_CODE)
        now = self._agenda.now()
        if now - known.used > IDLE_SECONDS:
            raise Refusal(403, Say.EXPIRED_CODE)
        known.used = now
        return self._looked_up(known.user)

    def _looked_up(self, name: str) -> User:
        """Find the user again as the vendor does: by a part of the name, in any case."""
        found = [user for user in self._users.values() if name.lower() in user.name.lower()]
        if not found:
            raise Refusal(500, "OmUser matching query does not exist.")
        if len(found) > 1:
            raise Refusal(500, f"get() returned more than one OmUser -- it returned {len(found)}!")
        return found[0]


def _basic(authorization: str | None) -> tuple[str, str]:
    if not authorization or not authorization.lower().startswith("basic "):
        return "", ""
    try:
        login = base64.b64decode(authorization[6:]).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(500, str(error)) from None
    parts = login.split(":")
    if len(parts) > 2:
        raise Refusal(500, "too many values to unpack (expected 2)")
    if len(parts) < 2:
        raise Refusal(500, "not enough values to unpack (expected 2, got 1)")
    return parts[0], parts[1]
