"""How far a feed has come: what lies in the state store, and the pure steps by which it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.base.feed import Batch, Cursor

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    A feed's cursor, and the batch that was read after it and is on its way into Airflow's database.

    A batch is written down before it is sent. Whatever happens then, it is sent again as it was, until it is
    known to be persisted; only then does the cursor advance. So nothing is lost, and what comes twice is the
    same, though the vendor might meanwhile tell it otherwise.

    :param number: counts the batches; of two records, the lower number has seen less
    :param cursor: all before it is persisted
    :param pending: the batch's payloads; empty for no batch
    :param following: the cursor after the batch
    """

    number: int = 0
    cursor: Cursor
    pending: tuple[Mapping[str, Any], ...] = ()
    following: Cursor | None = None

    def read(self, batch: Batch) -> Progress:
        """Return the progress after a batch was read, before it is sent."""
        if not batch.occurrences:
            return Progress(number=self.number, cursor=batch.cursor)
        pending = tuple(one.to_json() for one in batch.occurrences)
        return Progress(number=self.number, cursor=self.cursor, pending=pending, following=batch.cursor)

    def delivered(self) -> Progress:
        """Return the progress after the batch was persisted."""
        if self.following is None:
            return self
        return Progress(number=self.number + 1, cursor=self.following)

    def to_json(self) -> dict[str, Any]:
        """Return the progress as JSON values, for the state store."""
        record: dict[str, Any] = {"format": FORMAT, "number": self.number, "cursor": dict(self.cursor)}
        if self.following is not None:
            record |= {"pending": [dict(one) for one in self.pending], "following": dict(self.following)}
        return record

    @classmethod
    def from_json(cls, record: Any) -> Progress:
        """
        Rebuild a progress.

        :raises ValueError: it was written by a newer version of this package, or is none
        """
        try:
            if record["format"] > FORMAT:
                raise ValueError("it was written by a newer version of the package; upgrade the triggerer")
            following = record.get("following")
            return cls(
                number=int(record["number"]),
                cursor=dict(record["cursor"]),
                pending=tuple(dict(one) for one in record.get("pending", ())),
                following=None if following is None else dict(following),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it is none ({type(error).__name__}: {error})") from None


def furthest_back(records: Iterable[Progress]) -> Progress | None:
    """
    Return the record that has seen least, when one feed belongs to several assets; None for no record.

    They differ if a crash came between writing one and the other, or if nobody watched one of the assets for
    a while. An asset without a record is new, and goes on with the others.
    """
    return min(records, key=lambda one: (one.number, not one.pending), default=None)


def key_of(conn_id: str, feed: str) -> str:
    """Return the name under which a feed's progress lies: readable, and the same as long as the feed is."""
    name = feed.partition('"feed": "')[2].partition('"')[0].rpartition(".")[2]
    digest = hashlib.sha256(f"{conn_id}\n{feed}".encode()).hexdigest()
    return f"workflow_feed {name} {conn_id} {digest[:16]}"
