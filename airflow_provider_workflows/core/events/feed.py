"""A feed of occurrences at a vendor: plain data, and the operation that reads new ones."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.serialization import deserialize, serialize
from airflow_provider_workflows.exceptions import InvalidInput

#: Where a new feed starts: with what happens after its first read, or with everything that exists.
NOW, BEGINNING = "now", "beginning"
#: Maximum number of occurrences in a batch. The state store holds a batch until it is delivered, and a value
#: there should stay below 64 KB.
BATCH = 50

T = TypeVar("T")
Cursor = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """
    Something that happened once at the vendor.

    :param occurrence_id: stable across reads, and unique within the vendor's account
    :param facts: ids and small facts, as JSON values; never personal data, a secret or a whole document
    """

    occurrence_id: str
    facts: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """Return the occurrence as JSON values, for the asset event."""
        return {"occurrence_id": self.occurrence_id, **self.facts}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    The result of one read.

    :param occurrences: oldest first; at most :data:`BATCH`
    :param cursor: where to continue once these are delivered; a few JSON values
    :param troubles: messages for the log about items that could not be read while the rest could
    """

    occurrences: tuple[Occurrence, ...]
    cursor: Cursor
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feed(ABC):
    """
    Which occurrences to watch; a frozen dataclass of JSON values.

    Airflow's database holds it in clear text, so it contains ids and names, but never a URL, header or
    secret. A cursor consists of the vendor's own ids and times, so that no two clocks need to agree.
    """

    #: Dotted path of the vendor's hook.
    hook_class: ClassVar[str]
    #: Increased whenever the meaning of the stored values or of the cursor changes.
    format: ClassVar[int] = 1

    @abstractmethod
    def first(self, api: Any) -> Operation[Cursor]:
        """
        Return the first cursor of a new feed.

        :param api: the vendor's API, which the hook creates from the connection
        :raises WorkflowError: the vendor gave no answer
        """

    @abstractmethod
    def read(self, api: Any, cursor: Cursor) -> Operation[Batch]:
        """
        Read what has happened after a cursor; the next read returns what did not fit into the batch.

        :raises WorkflowError: the vendor gave no answer
        """

    @abstractmethod
    def __str__(self) -> str:
        """Return a description of the feed for messages."""

    def to_json(self) -> str:
        """
        Return the feed as text, for the trigger's row.

        The same feed always gives the same text, because Airflow identifies triggers by it.
        """
        return json.dumps(serialize(self, "feed"), sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Feed:
        """
        Rebuild a feed from :meth:`to_json`.

        :raises InvalidInput: it was written by a newer version of this package, or is not a feed
        """
        return deserialize(json.loads(text), "feed", Feed)  # type: ignore[type-abstract]


def check_text(value: object, name: str) -> None:
    """
    Check a name from a DAG file.

    :raises InvalidInput: it is not text, or is empty
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} must be a non-empty string, got {value!r}")


def as_list(value: Iterable[T], name: str) -> list[T]:
    """
    Return the entries of an argument from a DAG file, in the same order in every process.

    A feed's cursor belongs to its text, and each process gives a set another order.

    :raises InvalidInput: it is text, which would count as a list of letters, or has no entries at all
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InvalidInput(f"{name} must be a list, got {value!r:.100}")
    return list(value) if isinstance(value, Sequence) else sorted(value, key=str)


def check_names(value: object, name: str) -> None:
    """
    Check a list of ids or names from a DAG file.

    :raises InvalidInput: it is not a list, is empty, or has a duplicate
    """
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise InvalidInput(f"{name} must be a list with at least one entry, got {value!r}")
    if len({str(one) for one in value}) < len(value):
        raise InvalidInput(f"{name} has a duplicate entry: {value!r}")


def check_start(value: object) -> None:
    """
    Check where a feed is to start.

    :raises InvalidInput: it is neither :data:`NOW` nor :data:`BEGINNING`
    """
    if value not in (NOW, BEGINNING):
        raise InvalidInput(f"start must be {NOW!r} or {BEGINNING!r}, got {value!r}")
