"""
Every exception that this package raises.

::

    WorkflowError (AirflowException)
    ├── PermanentError (AirflowFailException)    no retry can mend it: the task stops at once
    │   ├── InvalidInput (ValueError)            an argument is wrong; nothing was sent
    │   ├── InvalidConnection                    the Airflow connection is incomplete or misstated
    │   ├── AuthenticationFailed                 the vendor does not accept the login
    │   ├── PermissionDenied                     the vendor knows the caller and says no
    │   ├── NotFound                             the vendor does not know the thing
    │   ├── Rejected                             the vendor understood the request and refused it
    │   │   └── Conflict                         what it was about stands elsewhere than it supposed
    │   ├── UnexpectedRedirect                   3xx: never followed, keys would travel to another host
    │   ├── OutcomeUnknown                       a once-only request whose answer is lost: it may have worked
    │   ├── RunFailed                            what was started, or waited for, ended badly at the vendor
    │   ├── RetryWouldRepeat                     before Airflow 3.3: a retry would start a second run
    │   └── RunTimedOut                          the deadline of a wait has passed
    └── TemporaryError                           time can mend it: Airflow may retry the task
        ├── ConnectionFailed                     nothing was sent: no address, no connection, no TLS
        │   ├── HostUnreachable                  the server's name does not resolve, or nobody answers there
        │   ├── CertificateNotTrusted            the server's certificate is none that the connection trusts
        │   └── NotTls                           the server does not speak TLS at an https address
        ├── ServiceUnavailable                   the vendor did not answer a repeatable request, or with 5xx
        ├── UnreadableAnswer                     a repeatable request got an answer of the wrong kind
        ├── Throttled                            the vendor asks to slow down, by ``retry_after`` seconds
        ├── LostTrack                            no answer from the vendor for longer than the tolerance
        └── RunMayRerun                          a RunFailed after which the user lets a retry start another

``OutcomeUnknown`` stops the task because a retry would send the request a second time, and a duplicate
order is worse than a task that asks a person to look.
"""

from __future__ import annotations

from typing import Any, ClassVar

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 3.1 has only the first of them there
    from airflow.exceptions import (  # type: ignore[attr-defined, no-redef]
        AirflowException,
        AirflowFailException,
    )

EXCERPT_LIMIT = 500


class WorkflowError(AirflowException):
    """
    The root of the tree; carries what a person on night shift needs.

    :param message: what happened, in a sentence
    :param vendor: the vendor system's name
    :param operation: what was being done, in the vendor's words
    :param status: HTTP status, if there was an answer
    :param code: the vendor's own result code, if the answer carried one
    :param path: path of the request with every secret taken out
    :param excerpt: the beginning of the answer's body, cut to 500 characters
    :param retry_after: seconds the vendor asks to wait before the next request
    """

    #: Attributes beside the message; they survive the way from the triggerer to the worker.
    facts: ClassVar[tuple[str, ...]] = (
        "vendor",
        "operation",
        "status",
        "code",
        "path",
        "excerpt",
        "retry_after",
    )

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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.vendor = vendor
        self.operation = operation
        self.status = status
        self.code = code
        self.path = path
        self.excerpt = excerpt[:EXCERPT_LIMIT] if excerpt else None
        self.retry_after = retry_after

    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.vendor, self.operation) if part)
        details = [where] if where else []
        details += [f"HTTP {self.status}"] if self.status is not None else []
        details += [f"code {self.code}"] if self.code is not None else []
        details += [self.path] if self.path else []
        # A vendor's code comes with the vendor's message, which the excerpt would only repeat.
        details += [f"answer: {self.excerpt}"] if self.excerpt and self.code is None else []
        return f"{self.message} [{'; '.join(details)}]" if details else self.message

    def retold(self, message: str, kind: type[WorkflowError] | None = None) -> WorkflowError:
        """Return an error with the same facts and another message, of another class if one is given."""
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

        A class that this version does not know becomes a plain :class:`WorkflowError`, since an event may
        have been written by a newer triggerer.
        """
        known = {cls.__name__: cls for cls in _family(WorkflowError)}
        cls = known.get(str(data.get("error")), WorkflowError)
        facts = {name: data[name] for name in WorkflowError.facts if name in data}
        return cls(str(data.get("message", "unknown error")), **facts)


class PermanentError(WorkflowError, AirflowFailException):
    """No retry can mend it; Airflow fails the task without one."""


class InvalidInput(PermanentError, ValueError):
    """An argument is wrong; nothing was sent."""


class InvalidConnection(PermanentError):
    """A field of the Airflow connection is missing or wrong."""


class AuthenticationFailed(PermanentError):
    """The vendor does not accept the login or token."""


class PermissionDenied(PermanentError):
    """The vendor knows the caller and does not let it do this."""


class NotFound(PermanentError):
    """The vendor does not know what was asked for."""


class Rejected(PermanentError):
    """The vendor understood the request and refused it; nothing was done."""


class Conflict(Rejected):
    """The vendor refused it because what it was about does not, or no longer, stand where it supposed."""


class UnexpectedRedirect(PermanentError):
    """The server answered 3xx, which is never followed."""


class OutcomeUnknown(PermanentError):
    """A once-only request was sent and its answer is lost: it may or may not have taken effect."""


class RunFailed(PermanentError):
    """What was started or waited for ended badly at the vendor."""


class RetryWouldRepeat(PermanentError):
    """Something passing failed after a run was started, and no retry could know of that run."""


class RunTimedOut(PermanentError):
    """The deadline of an operator's wait has passed; what it started may still be running."""


class TemporaryError(WorkflowError):
    """Time can mend it; Airflow retries the task by the task's own settings."""


class ConnectionFailed(TemporaryError):
    """Nothing was sent: the name, the connection, the proxy or the TLS handshake failed."""


class HostUnreachable(ConnectionFailed):
    """The server's name does not resolve, it refuses connections, or none came about in time."""


class CertificateNotTrusted(ConnectionFailed):
    """The server's certificate is self-signed, expired, of another name, or of an unknown authority."""


class NotTls(ConnectionFailed):
    """The server does not speak TLS, though its address says https."""


class ServiceUnavailable(TemporaryError):
    """A repeatable request got no answer, or 408 or 5xx."""


class UnreadableAnswer(TemporaryError):
    """A repeatable request got an answer that is not of the promised kind."""


class Throttled(TemporaryError):
    """The vendor refused the request because there were too many; ``retry_after`` is in seconds or None."""


class LostTrack(TemporaryError):
    """The vendor has not answered for longer than the tolerance."""


class RunMayRerun(TemporaryError):
    """What was started ended badly at the vendor, and ``on_failed_run`` lets a retry start another."""


def _family(cls: type[WorkflowError]) -> list[type[WorkflowError]]:
    return [cls, *(member for child in cls.__subclasses__() for member in _family(child))]
