"""An index over what a vendor's double holds, so that a look-up costs the same however much there is."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """
    Finds items by a text of theirs, or by its beginning.

    It knows what it is told: whoever changes an item takes it out before and puts it in afterwards. An item
    may be in it by several texts.

    :param number: of an item: what is found comes in this order. No two items have the same.
    """

    def __init__(self, number: Callable[[T], int]) -> None:
        self._number = number
        self._items: dict[str, list[T]] = {}
        #: The texts in order, once somebody has asked for a beginning.
        self._texts: list[str] | None = None

    def add(self, text: str, item: T) -> None:
        """Put an item in; nothing happens if it is there already."""
        items = self._items.get(text)
        if items is None:
            self._items[text] = [item]
            if self._texts is not None:
                insort(self._texts, text)
        elif (place := self._place(items, item)) == len(items) or items[place] is not item:
            items.insert(place, item)

    def remove(self, text: str, item: T) -> None:
        """
        Take an item out.

        :raises KeyError: if it is not there.
        """
        items = self._items[text]
        place = self._place(items, item)
        if place == len(items) or items[place] is not item:
            raise KeyError(text)
        del items[place]
        if not items:
            del self._items[text]
            if self._texts is not None:
                del self._texts[bisect_left(self._texts, text)]

    def get(self, text: str) -> list[T]:
        """Return the items with this text."""
        return list(self._items.get(text, ()))

    def beginning(self, text: str) -> list[T]:
        """Return the items with a text that begins so, each once."""
        if self._texts is None:
            self._texts = sorted(self._items)
        place, found = bisect_left(self._texts, text), []
        while place < len(self._texts) and self._texts[place].startswith(text):
            found.append(self._items[self._texts[place]])
            place += 1
        by_number = {self._number(item): item for items in found for item in items}
        return [by_number[number] for number in sorted(by_number)]

    def _place(self, items: list[T], item: T) -> int:
        return bisect_left(items, self._number(item), key=self._number)
