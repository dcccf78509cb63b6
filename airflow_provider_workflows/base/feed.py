"""What happens again and again at a vendor: plain data, and the operation that reads what is new."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.stored import rebuilt, written
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.operation import Operation

#: Where a feed begins that has no cursor yet: with what comes after it first looked, or with all there is.
NOW, BEGINNING = "now", "beginning"
#: Occurrences in one batch. It is kept in Airflow's state store until it is delivered, and a value there
#: should stay below 64 KB.
BATCH = 50

Cursor = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """
    Something that happened once.

    :param occurrence_id: the same whenever and wherever it is read; unique within the vendor's account
    :param facts: ids and small facts, as JSON values; never a person's data, a secret or a whole document
    """

    occurrence_id: str
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the occurrence as JSON values: what an asset event tells."""
        return {"occurrence_id": self.occurrence_id, **self.facts}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    What was read.

    :param occurrences: oldest first; at most :data:`BATCH`
    :param cursor: from where to go on once these are delivered; JSON values, and few of them
    :param troubles: what could not be read while the rest could, in words for the log
    """

    occurrences: tuple[Occurrence, ...]
    cursor: Cursor
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feed(ABC):
    """
    A frozen dataclass of JSON values that says which occurrences are wanted.

    It is stored in Airflow's database in clear text, so it holds ids and names: never a URL, header or
    secret. A cursor is made of the vendor's own ids and times, so that no two clocks need to agree.
    """

    #: Dotted path of the vendor's hook.
    hook_class: ClassVar[str]
    #: Raised whenever the meaning of the stored values, or of the cursor, changes.
    format: ClassVar[int] = 1

    @abstractmethod
    def first(self, api: Any) -> Operation[Cursor]:
        """
        Return the cursor of a feed that has none yet.

        :param api: the vendor's API, made by its hook from the connection
        :raises WorkflowError: the vendor gave no answer
        """

    @abstractmethod
    def read(self, api: Any, cursor: Cursor) -> Operation[Batch]:
        """
        Read what has happened after a cursor; what is left out for its length comes next time.

        :raises WorkflowError: the vendor gave no answer
        """

    @abstractmethod
    def __str__(self) -> str:
        """Return what is read, in words."""

    def to_json(self) -> str:
        """
        Return the feed as text, for the trigger's row.

        The same feed gives the same text: Airflow tells triggers by it.
        """
        return json.dumps(written(self, "feed"), sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Feed:
        """
        Rebuild a feed.

        :raises InvalidInput: it was written by a newer version of this package, or is not a feed
        """
        return rebuilt(json.loads(text), "feed", Feed)  # type: ignore[type-abstract]


def check_text(value: Any, name: str) -> None:
    """
    Check a name that a DAG file gives.

    :raises InvalidInput: it is no text, or empty
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} must be text, got {value!r}")


def check_names(value: Any, name: str) -> None:
    """
    Check a list of ids or names that a DAG file gives.

    :raises InvalidInput: it is no list, is empty, or names something twice
    """
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise InvalidInput(f"{name} must be a list with at least one entry, got {value!r}")
    if len({str(one) for one in value}) < len(value):
        raise InvalidInput(f"{name} names one of its entries twice: {value!r}")


def check_start(value: Any) -> None:
    """
    Check where a feed is to begin.

    :raises InvalidInput: it is neither of the two words
    """
    if value not in (NOW, BEGINNING):
        raise InvalidInput(f"start must be {NOW!r} or {BEGINNING!r}, got {value!r}")
