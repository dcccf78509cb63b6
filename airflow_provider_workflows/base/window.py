"""Which listed things are new, by the vendor's own times: a pure cursor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

#: Delivered ids that are remembered, so that a cursor stays small.
MOST_SEEN = 500


@dataclass(frozen=True, kw_only=True)
class Listed:
    """
    A thing as the vendor lists it.

    :param at: when it happened by the vendor's clock, as ISO 8601 text; all of one feed in the same form, so
        that their order as text is their order in time
    :param id: the vendor's id of it
    :param item: what it is
    """

    at: str
    id: str
    item: Any = None

    @property
    def order(self) -> tuple[str, str]:
        """Things of the same moment are told apart by their id."""
        return self.at, self.id


@dataclass(frozen=True, kw_only=True)
class Window:
    """
    How far a listing by time has been delivered.

    A thing may become visible after younger ones: its transaction took longer, or the vendor's local time was
    set back. So the newest time is no cursor yet: what is at most ``overlap`` seconds older is looked at
    again, and told from what was delivered by its id. If more than :data:`MOST_SEEN` were delivered within
    the overlap, it is as long as the newest of them reach back.

    :param newest: time of the youngest thing delivered; "" for none
    :param floor: time before which nothing is looked at any more; "" for no such time
    :param seen: id -> time of what was delivered and is not older than the floor
    """

    newest: str = ""
    floor: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def after(cls, newest: Iterable[Listed]) -> Window:
        """
        Begin after what is there.

        :param newest: the youngest things, all those of the youngest moment among them
        """
        things = list(newest)
        last = max((one.at for one in things), default="")
        return cls(newest=last, floor=last, seen={one.id: one.at for one in things if one.at == last})

    @classmethod
    def since(cls, at: str) -> Window:
        """Begin with what happened at or after a time of the vendor's."""
        return cls(floor=at)

    def new(self, things: Iterable[Listed]) -> list[Listed]:
        """
        Return those that were not delivered yet, oldest first.

        An id with another time is another thing: a server that was set back gives ids away again.
        """
        found = {one.id: one for one in things if one.at >= self.floor and self.seen.get(one.id) != one.at}
        return sorted(found.values(), key=lambda one: one.order)

    def take(self, things: Iterable[Listed], *, most: int, overlap: float) -> tuple[list[Listed], Window]:
        """
        Return what to deliver, and the window after that.

        :param things: all that is listed at or after the floor; or from the oldest of them so many that more
            than ``most`` are new
        :param most: how many to return
        :param overlap: seconds by which a thing may be late
        """
        new = self.new(things)
        taken, left = new[:most], new[most:]
        if not taken:
            return [], self
        newest = max(self.newest, taken[-1].at)
        seen = {**self.seen, **{one.id: one.at for one in taken}}
        floor = max(self.floor, earlier(newest, overlap), _bound(seen))
        if left:
            floor = min(floor, left[0].at)
        kept = {id: at for id, at in seen.items() if at >= floor}
        return taken, Window(newest=newest, floor=floor, seen=kept)

    def to_json(self) -> dict[str, Any]:
        """Return the window as JSON values, for a cursor."""
        return {"newest": self.newest, "floor": self.floor, "seen": dict(self.seen)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Window:
        """Rebuild a window."""
        return cls(newest=data["newest"], floor=data["floor"], seen=data["seen"])


def earlier(at: str, seconds: float) -> str:
    """
    Return a time some seconds earlier, in the same form.

    :raises ValueError: it is no ISO 8601 text
    """
    return (dt.datetime.fromisoformat(at) - dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _bound(seen: Mapping[str, str]) -> str:
    """Return the time that leaves the youngest of what was seen, and all of the same moment."""
    times = sorted(seen.values())
    return times[-MOST_SEEN] if len(times) > MOST_SEEN else ""
