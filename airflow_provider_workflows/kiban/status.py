"""Where an execution stands, as the status call tells it: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Words for the status (vendor's SDK; the documentation lacks ABANDONED).
RUNNING = "PROGRESS"
SUCCEEDED = "SUCCESS"
ENDS = frozenset({SUCCEEDED, "ERROR", "ABANDONED"})
#: Node types at which an execution stands still (vendor's SDK). The API keeps growing, so there may be more.
NODE_TYPES = frozenset({"FORM", "DOCUMENT", "LINK", "VALIDATION", "TIMER"})
#: Ends of a node type while the engine itself is at work (vendor's SDK).
AT_WORK = ("_PROCESSING", "_PROGRESS")


@dataclass(frozen=True)
class Step:
    """
    What tells one standstill of an execution from another (vendor's SDK).

    :param phase: of a LINK; "" elsewhere
    :param state: of a VALIDATION; "" elsewhere
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
        """Rebuild a step."""
        return cls(**{name: str(data.get(name, "")) for name in ("node_id", "node_type", "phase", "state")})


@dataclass(frozen=True)
class Status:
    """
    The answer of the status call.

    :param word: PROGRESS, SUCCESS, ERROR or ABANDONED; perhaps others some day
    :param needs: what the current step needs, by the vendor's names (``form``, ``link``, ...), and who
        cancelled; holds personal data
    """

    id: str
    word: str
    node_id: str = ""
    node_type: str = ""
    node_name: str = ""
    needs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.word in ENDS

    @property
    def is_working(self) -> bool:
        """Whether the engine is at work, so that nobody is asked for anything."""
        return not self.node_type or self.node_type.endswith(AT_WORK)

    @property
    def is_unknown(self) -> bool:
        """Whether the status or node type is a word of which no source tells."""
        if self.has_ended:
            return False
        return self.word != RUNNING or not (self.is_working or self.node_type in NODE_TYPES)

    @property
    def step(self) -> Step | None:
        """The step at which it stands; None while the engine works and after the end."""
        if self.has_ended or self.is_working:
            return None
        return Step(
            self.node_id,
            self.node_type,
            phase=str(self.need("link").get("phase") or ""),
            state=str(self.need("validation").get("state") or ""),
        )

    @property
    def awaits_code(self) -> bool:
        """Whether a code of an external provider is pending, with tries left."""
        left = self.need("verification").get("remainingRetries")
        return bool(self.need("verification")) and left != 0

    def need(self, name: str) -> Mapping[str, Any]:
        """Return one part of what the step needs; empty if it is absent or null."""
        part = self.needs.get(name)
        return part if isinstance(part, Mapping) else {}


def read_status(body: Any) -> Status | None:
    """Return a status; None if the body is none."""
    if not isinstance(body, Mapping) or not isinstance(body.get("status"), str) or not body["status"]:
        return None
    texts = {
        name: str(body.get(name) or "") for name in ("currentNodeId", "currentNodeType", "currentNodeName")
    }
    return Status(
        id=str(body.get("id") or ""),
        word=body["status"].upper(),
        node_id=texts["currentNodeId"],
        node_type=texts["currentNodeType"].upper(),
        node_name=texts["currentNodeName"],
        needs=body,
    )


def describe(status: Status) -> str:
    """Return where an execution stands and what it needs, in words without personal data."""
    if status.has_ended:
        return status.word
    place = f" at {status.node_name or status.node_id!r}" if status.node_name or status.node_id else ""
    if status.is_unknown:
        return (
            f"{status.word}{place} ({status.node_type or 'no node type'}), which this package does not know"
        )
    if status.is_working:
        return f"{status.word}{place}, at work"
    return f"{status.word}{place} ({status.node_type}), {_need_in_words(status)}"


def is_alarming(status: Status) -> bool:
    """Whether somebody should look: an unknown word, or a code that could not be delivered."""
    return status.is_unknown or bool(status.need("link").get("sendError"))


def ending(status: Status) -> str:
    """Return how an execution ended, in words; by whom it was cancelled is left to the vendor's console."""
    if status.word == "ABANDONED":
        # Only what a person cancelled has the date (vendor's SDK).
        date = status.needs.get("cancelledAt")
        return f"was cancelled by hand at {date}" if date else "expired (ABANDONED)"
    return f"ended with {status.word}"


def _need_in_words(status: Status) -> str:
    match status.node_type:
        case "LINK":
            return _link_in_words(status)
        case "VALIDATION":
            state = status.need("validation").get("state")
            return "waits for corrections" if state == "CORRECTION" else "waits for a reviewer"
        case "TIMER":
            return f"waits until {status.need('timer').get('endWaitDate')}"
        case kind:
            return f"waits for its {kind.lower()}"


def _link_in_words(status: Status) -> str:
    link = status.need("link")
    error = link.get("sendError")
    if isinstance(error, Mapping):
        mended = "may be tried again" if error.get("recoverable") else "cannot be mended"
        return f"could not deliver the code ({error.get('code')}), which {mended}"
    if status.need("verification"):
        return "waits for the code that a person was sent by a provider"
    match link.get("phase"):
        case "CREATE_ACCOUNT":
            return "waits for its NIP to be sent"
        case "VALIDATE" | "VALIDATE_2":
            return "waits for the NIP that a person was sent"
    return "waits for a person to finish its widget" if link.get("widget") else "waits for its link"
