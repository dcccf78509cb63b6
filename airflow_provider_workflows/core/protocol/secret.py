"""Text that does not show itself."""

from __future__ import annotations

from typing import SupportsIndex


class Secret(str):
    """
    A credential, or text that contains one: text like any other, except that its ``repr`` hides it.

    Tools such as Sentry and rich show the local variables of an error's frames by their ``repr``. What is
    made of it, such as by ``+`` or ``strip()``, is plain text again.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, key: SupportsIndex | slice) -> Secret:
        return Secret(super().__getitem__(key))  # rich shows the beginning of a long text


def concealed(value: object) -> object:
    """Return JSON values with all their text hidden."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, dict):
        return {name: concealed(one) for name, one in value.items()}
    return [concealed(one) for one in value] if isinstance(value, (list, tuple)) else value
