"""How calls to MyBPM are made, how the session token is fetched, and the filter of a listing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.protocol.message import Reply, Request, refusal
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import with_credential
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    OutcomeUnknown,
    UnreadableAnswer,
    WorkflowError,
)

VENDOR = "MyBPM"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Token:
    """
    The token that authenticates calls.

    Assumption: an API token goes in the header ``API-TOKEN``, because the documentation names headers, but
    does not say which token each is for. Wrong if MyBPM refuses a valid API token there, and
    accepts it in another; the field ``header`` of the connection then names that one.

    :param header: name of the header that carries it; that of a session token is ``TOKEN`` (vendor's sample
        code)
    :param value: a long-lived API token; None for a session token, which is fetched and renewed
    """

    header: str
    value: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """A 2xx answer and its request."""

    request: Request
    reply: Reply

    def read(self, reader: Callable[[Any], T]) -> T:
        """
        Return the answer, converted by a function.

        :raises UnreadableAnswer: the answer does not have the documented form; :class:`OutcomeUnknown` if the
            request must not be sent again
        """
        try:
            return reader(self.reply.json)
        except ValueError as error:
            kind = UnreadableAnswer if self.request.repeatable else OutcomeUnknown
            message = f"The answer is JSON, but not in MyBPM's format: {self.request.quote(str(error))}"
            raise self.request.failure(kind, message, reply=self.reply) from None


def call(
    operation: str,
    path: str,
    body: Mapping[str, Any],
    *,
    token: Token,
    repeatable: bool = True,
    pooled: bool = False,
) -> Operation[Answer]:
    """
    Call with the token, and again with a newer session token after a 401.

    Every call is a POST with JSON, also reads (vendor documentation). Every status other than 200 is a
    failure (vendor's sample code).

    Assumption: a status has the meaning that it has in HTTP; the documentation shows none but 200. Wrong
    if MyBPM answers, for example, 404 to a call that has taken effect.

    :param operation: what the call does, for errors
    :param path: path below the base URL
    :raises AuthenticationFailed: the token was refused, and so was a newer session token
    """

    def request(value: str) -> Request:
        return Request(
            vendor=VENDOR,
            operation=operation,
            method="POST",
            path=path,
            headers={token.header: value},
            json=body,
            repeatable=repeatable,
            pooled=pooled,
            secrets=(value,),
        )

    def send(value: str) -> Operation[Answer]:
        sent = request(value)
        return Answer(sent, (yield sent))

    if token.value is not None:
        answer = yield from send(token.value)
    else:
        # Assumption: MyBPM refuses an invalid token before it does anything, so the call may be sent again.
        # Wrong if a call that got a 401 has taken effect.
        answer, _ = yield from with_credential(send, lambda answer: answer.reply.status == 401)
    if answer.reply.status >= 400:
        raise _refused(answer, token)
    return answer


def _refused(answer: Answer, token: Token) -> WorkflowError:
    request, reply = answer.request, answer.reply
    if reply.status != 401:
        return refusal(request, reply)
    which = "API token" if token.value is not None else "session token, or a new one,"
    return request.failure(
        AuthenticationFailed,
        f"MyBPM did not accept the {which} in the header {token.header}. The field 'header' of the "
        "connection sets the header",
        reply=reply,
    )


_LISTS = ("parentTreeIds", "brackets", "dynamicFilters", "nativeFilters")
_KEYS = frozenset({"id", "parentId", "connectionType", *_LISTS})


def read_brackets(brackets: Any) -> list[dict[str, Any]]:
    """
    Return the brackets of a filter, each with all its keys.

    :param brackets: a list of mappings, or JSON text of one. A bracket has at most one of ``dynamicFilters``
        (the object's fields), ``nativeFilters`` (system fields) and inner ``brackets`` (vendor
        documentation).
    :raises InvalidInput: a bracket is invalid; the message names it
    """
    brackets = from_text(brackets or [], "brackets")
    if not isinstance(brackets, (list, tuple)):
        raise InvalidInput(f"brackets must be a list, got {type(brackets).__name__}")
    return [_bracket(one, f"brackets[{index}]") for index, one in enumerate(brackets)]


def _bracket(raw: Any, name: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        raise InvalidInput(f"{name} must be a mapping with an id")
    if unknown := sorted(set(raw) - _KEYS):
        raise InvalidInput(f"{name} has unknown keys: {', '.join(map(str, unknown))}")
    if raw.get("connectionType", "AND") not in ("AND", "OR"):
        raise InvalidInput(f"{name}: connectionType must be AND or OR, got {raw['connectionType']!r}")
    lists = {key: raw.get(key) or [] for key in _LISTS}
    if sum(bool(lists[key]) for key in _LISTS[1:]) > 1:
        raise InvalidInput(f"{name} must have only one of brackets, dynamicFilters and nativeFilters")
    inner = [_bracket(one, f"{name}.brackets[{index}]") for index, one in enumerate(lists["brackets"])]
    head = {
        "id": raw["id"],
        "parentId": raw.get("parentId"),
        "connectionType": raw.get("connectionType", "AND"),
    }
    return {**head, **lists, "brackets": inner}


def log_in(login: str, password: str, timezone: str) -> Operation[str]:
    """
    Fetch a session token; how long it is valid is not documented.

    :param login: e-mail address of the user
    :param timezone: in the form ``GMT+0600`` (vendor's sample code)
    :raises AuthenticationFailed: the server does not accept the e-mail address, the password or the time zone
    """
    request = Request(
        vendor=VENDOR,
        operation="log in",
        method="POST",
        path="/api/v1/json/auth/get-access-by-password",
        json={"email": login, "password": password, "timezone": timezone},
        repeatable=True,
        confidential=True,
        secrets=(password,),
    )
    reply = yield request
    # Assumption: a wrong password or time zone is refused with one of these, and 401 and 403 refer to the
    # user, as in HTTP. Wrong if a login with a wrong password ends in another error.
    if reply.status in (400, 401, 403):
        message = f"MyBPM did not accept the e-mail {login!r} with this password"
        if reply.status == 400:
            message = f"MyBPM did not accept the e-mail {login!r}, this password or the timezone {timezone!r}"
        raise request.failure(AuthenticationFailed, message, reply=reply)
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json
    token = body.get("token") if isinstance(body, Mapping) else None
    if not isinstance(token, str) or not token:
        raise request.failure(UnreadableAnswer, "MyBPM did not return a session token", reply=reply)
    return Secret(token)
