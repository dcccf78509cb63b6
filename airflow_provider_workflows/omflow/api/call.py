"""
How a call to OMFlow is made, and its answer read.

Every answer is an HTTP 200 and has the real status in its body. Every call needs a security code, which
:func:`fetch_code` fetches.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.core.protocol.body import encode_json
from airflow_provider_workflows.core.protocol.message import Part, Reply, Request, can_be_id, refusal
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import with_credential
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.omflow.api.form_data import check_field

VENDOR = "OMFlow"
Row = Mapping[str, Any]
#: Digits of a row's id, which 64 bits hold; and characters of an order's number.
LONGEST_ID, LONGEST_NUMBER = 18, 200
#: Words that no order has as its number: a template wrote them for something else.
NO_NUMBERS = frozenset({"none", "null", "true", "false", "nan"})
#: Django reads a larger JSON body as empty, and answers with a misleading error (recorded). Assumption: so
#: does the Django of 1.2. Wrong if 1.2 takes a larger body.
JSON_LIMIT = int(2.5 * 1024 * 1024)
#: Recorded for reads. When an order is opened, the engine may also convert other values, so there it proves
#: nothing.
NOT_A_NUMBER = "invalid literal for int()"

#: What the statuses mean for any call (recorded).
MEANINGS = {
    403: "not permitted, or the security code is not accepted",
    404: "refused, because something is missing, unknown, or not possible now",
    500: "an error inside the server",
}

#: Exception texts that were recorded with body status 500. The server raises these exceptions before it
#: writes anything, so they are refusals. The texts are Python's own and are not translated. Any other 500
#: leaves the outcome unknown. Assumption: 1.2 writes nothing either, if it answers 403, 404 or one of these.
#: Wrong if an order that it refused so is there.
KNOWN_REFUSALS: tuple[tuple[str, type[WorkflowError], str], ...] = (
    (
        "'NoneType' object has no attribute 'api'",
        NotFound,
        "No deployed process has this api_path",
    ),
    (
        "get() returned more than one OmUser",
        InvalidConnection,
        "The service user's name is part of another user's name, so OMFlow cannot tell them apart",
    ),
    ("'type'", Rejected, "An item of form_data has no type, which this server version requires"),
    (
        "This QueryDict instance is immutable",
        Rejected,
        "This server does not accept files when an order is opened. Set server_version of the connection "
        "to 1.1",
    ),
    (NOT_A_NUMBER, Rejected, "A number was expected"),
)


@dataclass(frozen=True)
class Answer:
    """
    The body of an answer.

    :param status: 200, 403, 404 or 500; some versions send text, which is converted
    :param message: text in the connection's language; for people, not for decisions
    :param result: None or absent on failure
    """

    request: Request
    reply: Reply
    status: int
    message: str
    result: Any

    def error(self, kind: type[WorkflowError], message: str) -> WorkflowError:
        """
        Return an error of a kind, with the vendor's message.

        Many messages exist only in Chinese, whatever the connection's language (recorded). Then the meaning
        of the status stands beside them.
        """
        known = "" if self.message.isascii() else MEANINGS.get(self.status, "")
        meaning = f" (status {self.status}: {known})" if known else ""
        return self.request.failure(
            kind,
            f"{message}. OMFlow says: {self.request.quote(self.message)}{meaning}",
            reply=self.reply,
            code=self.status,
        )

    def checked(self) -> Any:
        """
        Return the result of a success.

        :raises WorkflowError: any other outcome, according to the recorded errors
        """
        match self.status:
            case 200:
                return self.result
            case 403:
                raise self.error(PermissionDenied, "OMFlow refused the call")
            case 404:
                raise self.error(Rejected, f"OMFlow refused the call{self._missing()}")
        raise self._server_error()

    def rows(self) -> tuple[Row, ...]:
        """
        Return the rows of a success; an id is an integer.

        :raises UnreadableAnswer: it is not a list of rows
        """
        found = self.checked()
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self.unreadable("list of rows")
        try:
            return tuple({**row, "id": int(number(row["id"], "id"))} if "id" in row else row for row in found)
        except InvalidInput:
            raise self.unreadable("valid id in each row") from None

    def unreadable(self, expected: str) -> WorkflowError:
        """Return the error for a success whose result is something else than expected."""
        kind = UnreadableAnswer if self.request.repeatable else OutcomeUnknown
        return self.request.failure(kind, f"The answer has no {expected}", reply=self.reply)

    def _missing(self) -> str:
        names = self.result.get("result") if isinstance(self.result, Mapping) else None
        if not isinstance(names, list):
            return ""
        return f": missing or empty fields {self.request.quote(', '.join(map(str, names[:50])))}"

    def _server_error(self) -> WorkflowError:
        for marker, kind, meaning in KNOWN_REFUSALS:
            known = self.request.repeatable or marker != NOT_A_NUMBER
            if known and self.message.strip().startswith(marker):
                return self.error(kind, meaning)
        if self.request.repeatable:
            return self.error(ServiceUnavailable, "OMFlow failed with an internal error")
        return self.error(
            OutcomeUnknown, "OMFlow failed with an internal error, but the call may have taken effect"
        )


def read_answer(request: Request, reply: Reply) -> Answer:
    """
    Return the body of an answer.

    :raises WorkflowError: the answer is not from OMFlow, but a proxy's refusal or JSON of another form
    """
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json
    try:
        return Answer(request, reply, int(body["status"]), str(body.get("message", "")), body.get("result"))
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
        raise request.failure(kind, "The answer is JSON, but not in OMFlow's format", reply=reply) from None


def call(
    operation: str,
    path: str,
    body: Mapping[str, Any],
    *,
    repeatable: bool,
    files: Sequence[Part] = (),
) -> Operation[Answer]:
    """
    Call with the current security code, and again with a newer one if OMFlow refuses it.

    :param operation: what the call does, for errors
    :param path: path below the base URL, already quoted
    :param body: the body, without the security code
    :raises InvalidInput: the body is larger than OMFlow reads; it was not sent
    :raises PermissionDenied: OMFlow refused the call, and the security code is not the reason
    """

    def send(code: str) -> Operation[Answer]:
        whole = {"security": code, "omflow_restapi": 1, **body}
        request = Request(
            vendor=VENDOR,
            operation=operation,
            method="POST",
            path=path,
            repeatable=repeatable,
            secrets=(code,),
            json=None if files else whole,
            parts=_parts(whole, files) if files else (),
            largest=JSON_LIMIT,
        )
        return read_answer(request, (yield request))

    # OMFlow refuses expired and unknown codes before it does anything (recorded), so the call may be sent
    # again. The server keeps one code per user (recorded): if the code is unchanged, it was not the reason of
    # the refusal.
    answer, still_good = yield from with_credential(send, lambda answer: answer.status == 403)
    if answer.status == 403:
        raise _refused(answer, still_good=still_good)
    return answer


def number(value: Any, name: str) -> int | str:
    """
    Return a row's id, checked.

    :raises InvalidInput: it is neither an integer nor digits; a template without a value renders ``None``
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidInput(f"{name} must be a number, got {type(value).__name__}")
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise InvalidInput(f"{name} must be a number or digits, got {value!r:.100}")
    return int(text) if isinstance(value, int) else text


def order_number(value: Any) -> int | str:
    """
    Return an order's number, checked; its type is that of the server.

    It is an int on 1.1 (recorded). Assumption: it is text on 1.2, as in a script of the vendor's. Wrong if
    1.2 answers with an int; either is taken.

    :raises InvalidInput: it cannot be an order number; a template without a value renders ``None``
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidInput(f"data_no must be an order number, got {type(value).__name__}")
    text = str(value).strip()
    plain = text.isprintable() and not any(c.isspace() for c in text)
    longest = LONGEST_ID if isinstance(value, int) else LONGEST_NUMBER
    if not can_be_id(text) or text.lower() in NO_NUMBERS or not plain or len(text) > longest:
        raise InvalidInput(f"data_no must be an order number, got {value!r:.100}")
    return value if isinstance(value, int) else text


def segment(api_path: Any) -> str:
    """
    Return a process's ``api_path`` as a quoted path segment.

    :raises InvalidInput: it cannot be a name in URLs; or it is empty, or ``None`` from a template without a
        value, for which OMFlow would read the process from the body (recorded)
    """
    text = api_path.strip() if isinstance(api_path, str) else ""
    if not can_be_id(text):
        raise InvalidInput(f"api_path must be a process's name in URLs, got {api_path!r:.100}")
    return quote(text, safe="")


def _parts(whole: Mapping[str, Any], files: Sequence[Part]) -> tuple[Part, ...]:
    """Return a multipart body: lists and objects as JSON text, and the names of the file fields (manual)."""
    encode_json(whole)  # refuses what is no JSON, and names it
    texts = [
        Part(name=name, value=json.dumps(value) if isinstance(value, (list, dict)) else str(value))
        for name, value in whole.items()
    ]
    fields = [check_field(part.name) for part in files if part.name != "files"]
    named = [Part(name="files_item", value=json.dumps(fields))] if fields else []
    return (*texts, *named, *files)


def _refused(answer: Answer, *, still_good: bool) -> WorkflowError:
    code = (
        "The security code is valid"
        if still_good
        else "New security codes were refused too; maybe several server processes do not share their codes"
    )
    return answer.error(
        PermissionDenied,
        f"OMFlow refused the call\n{code}. The user may lack the permission on the process, the data_id may "
        "not exist, or the path may be wrong",
    )


def fetch_code(login: str, password: str) -> Operation[str]:
    """
    Fetch the security code that every other call needs.

    The server process keeps it in memory until it is unused for five minutes (recorded, manual).

    :raises AuthenticationFailed: the server does not accept login and password
    """
    basic = Secret(base64.b64encode(f"{login}:{password}".encode()).decode())
    request = Request(
        vendor=VENDOR,
        operation="get security code",
        method="GET",
        path="/accounts/api/security/get/",
        headers={"Authorization": Secret(f"Basic {basic}")},
        repeatable=True,
        confidential=True,
        secrets=(password, basic),
    )
    answer = read_answer(request, (yield request))
    code = answer.result.get("security") if isinstance(answer.result, Mapping) else None
    if answer.status == 200 and isinstance(code, str) and code:
        return Secret(code)
    raise _no_code(answer, login)


def _no_code(answer: Answer, login: str) -> Exception:
    # Recorded: 403 for a wrong password or an inactive user; 500 with an exception's text for an unknown
    # user, a login by e-mail address or a password with a colon. The manual says 404.
    refused = ("OmUser matching query", "username_db", "too many values to unpack")
    if answer.status in (401, 403, 404) or any(text in answer.message for text in refused):
        return answer.error(
            AuthenticationFailed,
            f"OMFlow did not accept the user {login!r}: unknown or inactive user, or wrong "
            "password\nA password with a colon or an e-mail address as login never works",
        )
    kind = UnreadableAnswer if answer.status == 200 else ServiceUnavailable
    return answer.error(kind, "OMFlow did not return a security code")
