"""The status of an execution; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_workflows.exceptions import one_line

#: Statuses (vendor's SDK; the documentation lacks ABANDONED).
RUNNING = "PROGRESS"
SUCCEEDED = "SUCCESS"
ENDS = frozenset({SUCCEEDED, "ERROR", "ABANDONED"})
#: Characters of a word, name or id of an execution.
LONGEST_NAME = 200
#: Statuses by which Kiban can filter its history; others are filtered by whoever reads it (vendor's SDK).
FILTERED = (SUCCEEDED, "ERROR", RUNNING)
#: Node types at which an execution waits (vendor's SDK). The API is evolving, so there may be more.
NODE_TYPES = frozenset({"FORM", "DOCUMENT", "LINK", "VALIDATION", "TIMER"})
#: Suffixes of a node type while the engine is processing (vendor's SDK).
PROCESSING = ("_PROCESSING", "_PROGRESS")


@dataclass(frozen=True)
class Step:
    """
    What identifies the step at which an execution waits (vendor's SDK).

    :param phase: phase of a LINK; otherwise ""
    :param state: state of a VALIDATION; otherwise ""
    """

    node_id: str
    node_type: str
    phase: str = ""
    state: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the step as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Step:
        """Rebuild a step from :meth:`to_json`."""
        return cls(**{name: str(data.get(name, "")) for name in ("node_id", "node_type", "phase", "state")})


@dataclass(frozen=True)
class Status:
    """
    The answer of the status call.

    :param word: PROGRESS, SUCCESS, ERROR or ABANDONED; there may be others in the future
    :param needs: what the current step needs, under the vendor's names (``form``, ``link``, ...), and who
        cancelled; contains personal data
    """

    id: str
    word: str
    node_id: str = ""
    node_type: str = ""
    node_name: str = ""
    needs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether the execution has ended."""
        return self.word in ENDS

    @property
    def is_working(self) -> bool:
        """Whether the engine is processing, so that the execution does not wait for an answer."""
        return not self.node_type or self.node_type.endswith(PROCESSING)

    @property
    def is_unknown(self) -> bool:
        """Whether the status or the node type is unknown."""
        if self.has_ended:
            return False
        return self.word != RUNNING or not (self.is_working or self.node_type in NODE_TYPES)

    @property
    def step(self) -> Step | None:
        """The step at which the execution waits; None while the engine is processing and after the end."""
        if self.has_ended or self.is_working:
            return None
        return Step(
            self.node_id,
            self.node_type,
            phase=one_line(str(self.need("link").get("phase") or ""), LONGEST_NAME),
            state=one_line(str(self.need("validation").get("state") or ""), LONGEST_NAME),
        )

    @property
    def awaits_code(self) -> bool:
        """Whether a code of an external provider is pending, with attempts left."""
        left = self.need("verification").get("remainingRetries")
        return bool(self.need("verification")) and left != 0

    def need(self, name: str) -> Mapping[str, Any]:
        """Return one part of what the step needs; empty if it is missing or null."""
        part = self.needs.get(name)
        return part if isinstance(part, Mapping) else {}


def read_status(body: Any) -> Status | None:
    """Return a status; None if the body is not a status."""
    if not isinstance(body, Mapping) or not isinstance(body.get("status"), str) or not body["status"]:
        return None
    texts = {
        name: one_line(str(body.get(name) or ""), LONGEST_NAME)
        for name in ("currentNodeId", "currentNodeType", "currentNodeName")
    }
    return Status(
        id=str(body.get("id") or ""),
        word=one_line(body["status"], LONGEST_NAME).upper(),
        node_id=texts["currentNodeId"],
        node_type=texts["currentNodeType"].upper(),
        node_name=texts["currentNodeName"],
        needs=body,
    )


def describe(status: Status) -> str:
    """Return the status and what the step needs, as text without personal data."""
    if status.has_ended:
        return status.word
    at = f" at {status.node_name or status.node_id!r}" if status.node_name or status.node_id else ""
    if status.is_unknown:
        return f"{status.word}{at} ({status.node_type or 'no node type'}), which this package does not know"
    if status.is_working:
        return f"{status.word}{at}, processing"
    return f"{status.word}{at} ({status.node_type}), {_describe_need(status)}"


def is_alarming(status: Status) -> bool:
    """Return whether a person should check: an unknown status, or a code that could not be delivered."""
    return status.is_unknown or bool(status.need("link").get("sendError"))


def ending(status: Status) -> str:
    """Return how an execution ended, as text; the vendor's console shows who cancelled it."""
    if status.word == "ABANDONED":
        # Only executions that a person cancelled have the date (vendor's SDK).
        date = status.needs.get("cancelledAt")
        return (
            f"was cancelled by a person at {one_line(str(date), LONGEST_NAME)}"
            if date
            else "expired (ABANDONED)"
        )
    return f"ended with {status.word}"


def _describe_need(status: Status) -> str:
    match status.node_type:
        case "LINK":
            return _describe_link(status)
        case "VALIDATION":
            state = status.need("validation").get("state")
            return "waits for corrections" if state == "CORRECTION" else "waits for a reviewer"
        case "TIMER":
            return f"waits until {one_line(str(status.need('timer').get('endWaitDate')), LONGEST_NAME)}"
        case kind:
            return f"waits for its {kind.lower()}"


def _describe_link(status: Status) -> str:
    link = status.need("link")
    error = link.get("sendError")
    if isinstance(error, Mapping):
        # Assumption: ``recoverable`` means that it helps to send the code again. Wrong if a code whose error
        # was not recoverable arrives when it is sent again.
        chance = "it can be sent again" if error.get("recoverable") else "sending again will not help"
        return f"could not deliver the code ({one_line(str(error.get('code')), LONGEST_NAME)}); {chance}"
    if status.need("verification"):
        return "waits for the code that a provider sent to a person"
    match link.get("phase"):
        case "CREATE_ACCOUNT":
            return "waits for its NIP to be sent"
        case "VALIDATE" | "VALIDATE_2":
            return "waits for the NIP that was sent to a person"
    return "waits for a person to complete its widget" if link.get("widget") else "waits for its link"
