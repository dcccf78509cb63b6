"""
Every exception that this package raises.

::

    WorkflowError (AirflowException)
    ├── PermanentError (AirflowFailException)    a retry cannot succeed: the task fails at once
    │   ├── InvalidInput (ValueError)            an argument is invalid; nothing was sent
    │   ├── InvalidConnection                    a field of the Airflow connection is missing or invalid
    │   ├── AuthenticationFailed                 the vendor does not accept the credentials
    │   ├── PermissionDenied                     the credentials are valid but lack a permission
    │   ├── NotFound                             the vendor does not know the record
    │   ├── Rejected                             the vendor understood the request and refused it
    │   │   └── Conflict                         the record is not in the state that the request expects
    │   ├── RecordsRejected                      more records of a table were rejected than the task allows
    │   ├── UnexpectedRedirect                   3xx: never followed, it would send keys to another host
    │   ├── OutcomeUnknown                       no answer to a once-only request: it may have taken effect
    │   ├── RunFailed                            the run that was started or awaited failed at the vendor
    │   ├── RetryWouldRepeat                     before Airflow 3.3: a retry would start a second run
    │   └── RunTimedOut                          the deadline of a wait has passed
    └── TemporaryError                           a retry may succeed
        ├── ConnectionFailed                     nothing was sent: no address, no connection, no TLS
        │   ├── HostUnreachable                  the host name does not resolve, or nothing answers there
        │   ├── CertificateNotTrusted            the connection does not trust the server's certificate
        │   └── NotTls                           the server does not use TLS at an https address
        ├── ServiceUnavailable                   no answer, or a 5xx answer, to a repeatable request
        ├── UnreadableAnswer                     an answer to a repeatable request cannot be read
        ├── Throttled                            too many requests; ``retry_after`` says how long to wait
        │   └── NoSlot                           nothing was sent: the plan's limit leaves no slot in time
        ├── LostTrack                            no answer from the vendor for longer than the tolerance
        └── RunMayRerun                          a run failed, and a retry may start another one

``OutcomeUnknown`` fails the task because a retry would send the request a second time, and a duplicate order
is worse than a task that asks a person to check.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any, ClassVar

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 3.1, where only the first of them is there
    from airflow.exceptions import (  # type: ignore[attr-defined, no-redef]
        AirflowException,
        AirflowFailException,
    )

EXCERPT_LIMIT = 500
#: Characters of a message, which may list what a vendor said.
MESSAGE_LIMIT = 4000
#: Characters of a line that Airflow's log page shows for certain.
LINE_WIDTH = 120


#: What a log, PostgreSQL or Airflow's own channels cannot carry, and what moves a terminal's cursor.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """Return text with U+FFFD for control characters, NUL and lone surrogates; lines and tabs stay."""
    return _UNPRINTABLE.sub("\ufffd", text)


#: What ends a line, for Python or for a terminal, and what changes the order in which a line is shown.
_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str, most: int) -> str:
    """
    Return the start of a vendor's text as one printable line, so that it cannot pass for a line of ours.

    :param most: maximum number of characters
    """
    text = text[:most]
    # Most text needs no change, and waits read some with each look.
    return text if text.isascii() and text.isprintable() else printable(_BREAKS.sub(" ", text))


class WorkflowError(AirflowException):
    """
    The root of the tree.

    Its text is bounded and printable, whatever a vendor said.

    :param message: what happened, in one line; what is known and what to do may follow in more lines
    :param vendor: name of the vendor system
    :param operation: the operation, in the vendor's terms
    :param status: HTTP status of the answer, if there was one
    :param code: the vendor's own result code, if the answer had one
    :param path: path of the request, without secrets
    :param excerpt: the first 500 characters of the answer's body
    :param retry_after: seconds to wait before the next request, if the vendor said so
    :param conn_id: the Airflow connection
    :param host: the server that was called, as ``host:port``
    """

    #: All classes of the tree by name, for :meth:`from_json`.
    _known: ClassVar[dict[str, type[WorkflowError]]] = {}
    #: Names of the attributes other than the message; they are passed from the triggerer to the worker.
    facts: ClassVar[tuple[str, ...]] = (
        "vendor",
        "operation",
        "status",
        "code",
        "path",
        "excerpt",
        "retry_after",
        "conn_id",
        "host",
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        WorkflowError._known[cls.__name__] = cls

    def __init__(
        self,
        message: str,
        *,
        vendor: str | None = None,
        operation: str | None = None,
        status: int | None = None,
        code: str | int | None = None,
        path: str | None = None,
        excerpt: str | None = None,
        retry_after: float | None = None,
        conn_id: str | None = None,
        host: str | None = None,
    ) -> None:
        message = printable(message[:MESSAGE_LIMIT])
        super().__init__(message)
        self.message = message
        self.vendor = vendor
        self.operation = operation
        self.status = status
        if isinstance(code, str):
            code = one_line(code, EXCERPT_LIMIT)
        elif code is not None and not -(2**63) <= code < 2**63:
            code = None  # Airflow's channels carry 64 bits
        self.code = code
        self.path = one_line(path, EXCERPT_LIMIT) if path else path
        self.excerpt = one_line(excerpt, EXCERPT_LIMIT) if excerpt else None
        self.retry_after = retry_after
        self.conn_id = conn_id
        self.host = host

    def __str__(self) -> str:
        source = " ".join(str(part) for part in (self.vendor, self.operation) if part)
        details = [source] if source else []
        details += [f"connection {self.conn_id!r}"] if self.conn_id else []
        details += [self.host] if self.host else []
        details += [f"HTTP {self.status}"] if self.status is not None else []
        details += [f"code {self.code}"] if self.code is not None else []
        details += [self.path] if self.path else []
        # With a vendor's code, the message quotes the vendor's own text, so the excerpt would repeat it.
        details += [f"answer: {self.excerpt}"] if self.excerpt and self.code is None else []
        separator = "\n" if "\n" in self.message else " "
        return f"{self.message}{separator}[{'; '.join(details)}]" if details else self.message

    def lines(self, width: int = LINE_WIDTH) -> list[str]:
        """
        Return the error as short lines, for the log.

        Airflow's log page cuts long lines, and shows the stack trace before the rest of an exception.
        """
        return [part for line in str(self).splitlines() for part in textwrap.wrap(line, width)]

    def with_message(self, message: str, kind: type[WorkflowError] | None = None) -> WorkflowError:
        """Return an error with the same facts, another message and, if given, another class."""
        return (kind or type(self))(message, **{name: getattr(self, name) for name in self.facts})

    def to_json(self) -> dict[str, Any]:
        """Return the error as plain JSON values, for a trigger's event."""
        facts = {name: getattr(self, name) for name in self.facts}
        return {
            "error": type(self).__name__,
            "message": self.message,
            **{name: value for name, value in facts.items() if value is not None},
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> WorkflowError:
        """
        Rebuild an error from :meth:`to_json`.

        A class that this version does not know becomes a plain :class:`WorkflowError`, because a newer
        triggerer may have written the event.
        """
        cls = WorkflowError._known.get(str(data.get("error")), WorkflowError)
        facts = {name: data[name] for name in WorkflowError.facts if name in data}
        return cls(str(data.get("message", "unknown error")), **facts)


class PermanentError(WorkflowError, AirflowFailException):
    """A retry cannot succeed; Airflow fails the task without one."""


class InvalidInput(PermanentError, ValueError):
    """An argument is invalid; nothing was sent."""


class InvalidConnection(PermanentError):
    """A field of the Airflow connection is missing or invalid."""


class AuthenticationFailed(PermanentError):
    """The vendor does not accept the credentials."""


class PermissionDenied(PermanentError):
    """The vendor accepts the credentials, but they lack the permission."""


class NotFound(PermanentError):
    """
    The vendor does not know the record.

    :param late: seconds after a wait's first check for which the record may only be late
    """

    def __init__(self, message: str, *, late: float = 0.0, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.late = late


class Rejected(PermanentError):
    """The vendor understood the request and refused it; nothing was done."""


class Conflict(Rejected):
    """The vendor refused the request: the record is not, or no longer, in the state that it expects."""


class UnexpectedRedirect(PermanentError):
    """The server answered 3xx, which is never followed."""


class OutcomeUnknown(PermanentError):
    """
    A once-only request was sent and got no usable answer: it may or may not have taken effect.

    :param note: JSON values that the answer told all the same, for the look-up that follows
    """

    def __init__(self, message: str, *, note: Any = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.note = note


class RunFailed(PermanentError):
    """The run that was started or awaited failed at the vendor."""


class RetryWouldRepeat(PermanentError):
    """A temporary failure after a run was started; a retry would not know of that run."""


class RecordsRejected(PermanentError):
    """More records of a table were rejected than ``max_rejects``; the others are done."""


class RunTimedOut(PermanentError):
    """The deadline of an operator's wait has passed; the run may still be going on."""


class TemporaryError(WorkflowError):
    """A retry may succeed; Airflow retries the task according to its settings."""


class ConnectionFailed(TemporaryError):
    """Nothing was sent: the name, the connection, the proxy or the TLS handshake failed."""


class HostUnreachable(ConnectionFailed):
    """The host name does not resolve, the connection was refused, or it was not made in time."""


class CertificateNotTrusted(ConnectionFailed):
    """The server's certificate is self-signed, expired, for another name, or from an unknown CA."""


class NotTls(ConnectionFailed):
    """The server does not use TLS, although its address is https."""


class ServiceUnavailable(TemporaryError):
    """A repeatable request got no answer, or a 408 or 5xx answer."""


class UnreadableAnswer(TemporaryError):
    """The answer to a repeatable request cannot be read."""


class Throttled(TemporaryError):
    """The vendor refused the request because of too many requests; ``retry_after`` is seconds or None."""


class NoSlot(Throttled):
    """
    Nothing was sent: the limit of the account's plan leaves no slot in time.

    ``retry_after`` is the seconds until the next free slot.
    """


class LostTrack(TemporaryError):
    """The vendor has not answered for longer than the tolerance."""


class RunMayRerun(TemporaryError):
    """The run failed at the vendor, and ``on_failed_run`` allows a retry to start another."""
