"""The one way in which all of MyBPM's calls travel, but for the fetching of the session token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_workflows.protocol.credential import with_credential
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.protocol.status import refusal

VENDOR = "MyBPM"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Token:
    """
    What shows the server who calls.

    :param header: the header's name
    :param value: a long-lived API token; None for a session token, which is fetched and renewed
    """

    header: str
    value: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """A decoded 2xx answer and the request that it is for."""

    request: Request
    reply: Reply

    def read(self, reader: Callable[[Any], T]) -> T:
        """
        Return what a reader makes of the answer.

        :raises UnreadableAnswer: it is not what was promised; :class:`OutcomeUnknown` if the request must not
            be sent again
        """
        try:
            return reader(self.reply.json())
        except ValueError as error:
            kind = UnreadableAnswer if self.request.repeatable else OutcomeUnknown
            message = f"The answer is JSON, but not what MyBPM promises: {error}"
            raise self.request.failure(kind, message, reply=self.reply) from None


def call(
    operation: str, path: str, body: Mapping[str, Any], *, token: Token, repeatable: bool
) -> Operation[Answer]:
    """
    Call with the token, and again with a newer session token if it is refused with 401.

    Everything is a POST with JSON, reads too (vendor documentation). Any status but 200 is a failure
    (vendor's sample code); what each means is not documented, so it is read as HTTP has it.

    :param operation: what it does, for errors
    :param path: below the base URL
    :raises AuthenticationFailed: the token, and a new one if there can be one, is refused
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
            secrets=(value,),
        )

    def send(value: str) -> Operation[Answer]:
        sent = request(value)
        return Answer(sent, (yield sent))

    if token.value is not None:
        answer = yield from send(token.value)
    else:
        # A request without a good token is refused before anything is done, so this may be sent again.
        answer, _ = yield from with_credential(send, lambda answer: answer.reply.status == 401)
    if answer.reply.status >= 400:
        raise _refused(answer, token)
    return answer


def _refused(answer: Answer, token: Token) -> WorkflowError:
    request, reply = answer.request, answer.reply
    if reply.status != 401:
        return refusal(request, reply)
    which = "API token" if token.value is not None else "session token, nor newer ones"
    return request.failure(
        AuthenticationFailed,
        f"MyBPM does not accept the {which}, in the header {token.header} "
        "(the connection's field 'header' names it)",
        reply=reply,
    )
