"""A feed's checkpoint in the state store, and the pure steps that advance it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.core.events.feed import Batch, Cursor
from airflow_provider_workflows.core.runtime.hand_over import hand_over

FORMAT = 1
#: Characters of one occurrence. The state store holds a batch of them, and warns above 64 KB.
LARGEST_EVENT = 4_000


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """
    A feed's cursor, and the batch after it that is on its way into Airflow's database.

    A batch is stored before it is sent, and sent again unchanged until it is known to be persisted. Only then
    does the cursor advance. So no occurrence is lost, and a repeated one is identical to the first, even if
    the vendor reports it differently by then.

    :param number: the number of batches delivered; of two checkpoints, the lower number is behind
    :param cursor: everything before it is persisted
    :param pending: payloads of the batch; empty if there is none
    :param following: the cursor after the batch
    """

    number: int = 0
    cursor: Cursor
    pending: tuple[Mapping[str, object], ...] = ()
    following: Cursor | None = None

    def read(self, batch: Batch) -> Checkpoint:
        """Return the checkpoint after reading a batch, before it is sent."""
        following = hand_over(batch.cursor, "A cursor")
        if not batch.occurrences:
            return Checkpoint(number=self.number, cursor=following)
        pending = tuple(hand_over(one.to_json(), "An event", most=LARGEST_EVENT) for one in batch.occurrences)
        return Checkpoint(number=self.number, cursor=self.cursor, pending=pending, following=following)

    def delivered(self) -> Checkpoint:
        """Return the checkpoint once the batch is persisted."""
        if self.following is None:
            return self
        return Checkpoint(number=self.number + 1, cursor=self.following)

    def to_json(self) -> dict[str, object]:
        """Return the checkpoint as JSON values, for the state store."""
        record: dict[str, object] = {"format": FORMAT, "number": self.number, "cursor": dict(self.cursor)}
        if self.following is not None:
            record |= {"pending": [dict(one) for one in self.pending], "following": dict(self.following)}
        return record

    @classmethod
    def from_json(cls, record: Any) -> Checkpoint:
        """
        Rebuild a checkpoint from :meth:`to_json`.

        :raises ValueError: it was written by a newer version of this package, or is not a checkpoint
        """
        try:
            if record["format"] > FORMAT:
                raise ValueError(
                    "a newer version of this package wrote it. Upgrade the package in the triggerer"
                )
            following = record.get("following")
            return cls(
                number=int(record["number"]),
                cursor=dict(record["cursor"]),
                pending=tuple(dict(one) for one in record.get("pending", ())),
                following=None if following is None else dict(following),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it is not a checkpoint ({type(error).__name__}: {error})") from None


def furthest_back(records: Iterable[Checkpoint]) -> Checkpoint | None:
    """
    Return the checkpoint that is furthest behind, for a feed that serves several assets; None if there is
    none.

    Checkpoints differ if a crash came between two writes, or if one of the assets was not watched for a
    while. An asset without a checkpoint is new, and continues with the others.
    """
    return min(records, key=lambda one: (one.number, not one.pending), default=None)


def key_of(conn_id: str, feed: str) -> str:
    """Return the key of a feed's checkpoint: readable, and stable as long as the feed does not change."""
    name = feed.partition('"feed": "')[2].partition('"')[0].rpartition(".")[2]
    digest = hashlib.sha256(f"{conn_id}\n{feed}".encode()).hexdigest()
    return f"workflow_feed {name} {conn_id} {digest[:16]}"
