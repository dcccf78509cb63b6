"""A cursor over a listing that is ordered by the vendor's own times; pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from airflow_provider_workflows.exceptions import one_line

T = TypeVar("T")

#: The number of delivered ids that a cursor keeps, of either kind; it bounds the cursor's size.
MOST_SEEN = 500
#: How far ahead of this machine's clock a vendor's time may be: its zone is not known, and clocks differ.
AHEAD = dt.timedelta(hours=26)
#: A time before this is a placeholder, such as a year 1 for "none".
EARLIEST = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
#: The form of a time. Text in one form sorts by time.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.A)


#: Characters of a time, and of an id, that a cursor keeps.
LONGEST_TIME, LONGEST_ID = 100, 200


def _kept(id: str) -> str:
    """Return an id as a cursor can keep it; two ids that differ stay different."""
    kept = one_line(id, LONGEST_ID)
    if kept == id:
        return id
    return f"{kept}#{hashlib.sha256(id.encode(errors='backslashreplace')).hexdigest()[:16]}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """
    One item of the vendor's listing.

    :param at: when it happened by the vendor's clock, as ISO 8601 text; all items of one feed use the same
        form, so that sorting the text sorts by time
    :param id: the vendor's id of the item
    :param item: the item itself
    """

    at: str
    id: str
    item: Any = None

    def __post_init__(self) -> None:
        # The cursor keeps both, and recognizes the item by them when it is listed again.
        object.__setattr__(self, "at", one_line(self.at, LONGEST_TIME))
        object.__setattr__(self, "id", _kept(self.id))

    @property
    def order(self) -> tuple[str, str]:
        """Sort key; items with the same time are sorted by id."""
        return self.at, self.id


@dataclass(frozen=True, kw_only=True)
class TimeCursor:
    """
    How much of a listing by time has been delivered.

    An item may become visible after newer ones: its transaction took longer, or the vendor's local time was
    set back. So the time of the newest item is not enough as a cursor. Items up to ``overlap`` seconds older
    are read again, and those already delivered are recognised by their id. If more than :data:`MOST_SEEN`
    items were delivered within the overlap, the overlap shrinks to the newest :data:`MOST_SEEN` of them.

    One wrong time must neither move the cursor past everything that follows, nor block it. So an item whose
    time cannot be read, or lies ahead of this machine's clock, is delivered once and remembered by its id as
    long as it is listed. Of more than :data:`MOST_SEEN` of them, the rest is not delivered, as
    :meth:`withheld` tells.

    :param newest: time of the newest item delivered; "" if there is none
    :param floor: time before which items are no longer read; "" for no limit
    :param seen: id and time of each delivered item that is not older than the floor
    :param odd: id of each delivered item without a credible time, and its time if it has one
    :param clock: this machine's, for tests
    """

    newest: str = ""
    floor: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    odd: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], dt.datetime] = field(default=_now, compare=False, repr=False)

    @classmethod
    def after(cls, newest: Iterable[Listed]) -> TimeCursor:
        """
        Return a cursor that starts after the items that exist now.

        :param newest: the newest items; must include all items that share the newest time
        """
        items, odd = cls().split(newest)
        last = max((one.at for one in items), default="")
        seen = {one.id: one.at for one in items if one.at == last}
        return cls(newest=last, floor=last, seen=seen, odd=_by_id(odd[:MOST_SEEN]))

    @classmethod
    def since(cls, at: str) -> TimeCursor:
        """Return a cursor that starts with items at or after a time by the vendor's clock."""
        return cls(floor=at)

    def new(self, items: Iterable[Listed]) -> list[Listed]:
        """
        Return the items that have not been delivered, oldest first.

        The same id with a different time is a different item: a server restored from a backup reuses ids.
        """
        credible, odd = self.split(items)
        # A time that lay ahead becomes credible, but the item is the one that was delivered.
        found = {
            one.id: one
            for one in credible
            if one.at >= self.floor and one.at not in (self.seen.get(one.id), self.odd.get(one.id))
        }
        strange = self._strange(odd)[: MOST_SEEN - len(self._remembered(odd))]
        return [*strange, *sorted(found.values(), key=lambda one: one.order)]

    def withheld(self, items: Iterable[Listed]) -> int:
        """Return how many items are not delivered, because too many have no credible time."""
        odd = self.split(items)[1]
        return max(0, len(self._strange(odd)) + len(self._remembered(odd)) - MOST_SEEN)

    def _strange(self, odd: Iterable[Listed]) -> list[Listed]:
        """Return the items without a credible time that were not delivered."""
        return list({one.id: one for one in odd if one.id not in self.odd}.values())

    def _remembered(self, odd: Iterable[Listed]) -> Mapping[str, str]:
        """Return the delivered items without a credible time; when they are many, those still listed."""
        if len(self.odd) + len(self._strange(odd)) <= MOST_SEEN:
            return self.odd
        listed = {one.id for one in odd}
        return {id: at for id, at in self.odd.items() if id in listed}

    def split(self, items: Iterable[Listed]) -> tuple[list[Listed], list[Listed]]:
        """Return the items with a credible time, and the others."""
        latest = self.clock() + AHEAD
        credible: list[Listed] = []
        odd: list[Listed] = []
        for one in items:
            (credible if _is_credible(one.at, latest) else odd).append(one)
        return credible, odd

    def take(self, items: Iterable[Listed], *, most: int, overlap: float) -> tuple[list[Listed], TimeCursor]:
        """
        Return the items to deliver, and the cursor after them.

        :param items: all listed items at or after the floor; or the oldest of them, enough that more than
            ``most`` are new
        :param most: maximum number of items to return
        :param overlap: seconds by which an item may appear late
        """
        items = list(items)
        new = self.new(items)
        taken, left = new[:most], new[most:]
        if not taken:
            return [], self
        credible, odd = self.split(taken)
        remembered = {**self._remembered(self.split(items)[1]), **_by_id(odd)}
        if not credible:
            return taken, replace(self, odd=remembered)
        newest = max(self.newest, credible[-1].at)
        seen = {**self.seen, **{one.id: one.at for one in credible}}
        floor = max(self.floor, earlier(newest, overlap), _bound(seen))
        if later := self.split(left)[0]:
            floor = min(floor, later[0].at)
        kept = {id: at for id, at in seen.items() if at >= floor}
        return taken, replace(self, newest=newest, floor=floor, seen=kept, odd=remembered)

    def to_json(self) -> dict[str, object]:
        """Return the cursor as JSON values."""
        known: dict[str, object] = {"newest": self.newest, "floor": self.floor, "seen": dict(self.seen)}
        return {**known, "odd": dict(self.odd)} if self.odd else known

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TimeCursor:
        """Rebuild a cursor from :meth:`to_json`."""
        return cls(newest=data["newest"], floor=data["floor"], seen=data["seen"], odd=data.get("odd", {}))


def earlier(at: str, seconds: float) -> str:
    """
    Return the time that is some seconds earlier, in the same form.

    :raises ValueError: ``at`` is not ISO 8601 text
    """
    return (dt.datetime.fromisoformat(at) - dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def untimed(withheld: int) -> tuple[str, ...]:
    """
    Return what a batch says of items that were not delivered.

    :param withheld: their number, from :meth:`TimeCursor.withheld`
    """
    if not withheld:
        return ()
    return (f"{withheld} items are not reported: more than {MOST_SEEN} have no time that can be right",)


def _is_credible(at: str, latest: dt.datetime) -> bool:
    """Return whether a time can be read and is neither late nor a placeholder; without a zone it is UTC."""
    if not _TIME.fullmatch(at):
        return False
    try:
        moment = dt.datetime.fromisoformat(at)
    except ValueError:
        return False
    return EARLIEST <= (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)) <= latest


def _by_id(odd: Iterable[Listed]) -> dict[str, str]:
    """Return the ids of items, and their times if they are some, which bounds them."""
    return {one.id: one.at if _TIME.fullmatch(one.at) else "" for one in odd}


def _bound(seen: Mapping[str, str]) -> str:
    """Return the floor that keeps the newest :data:`MOST_SEEN` times, and all equal to the oldest of them."""
    times = sorted(seen.values())
    return times[-MOST_SEEN] if len(times) > MOST_SEEN else ""
