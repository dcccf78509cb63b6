"""What the moves move: made at the vendor through the hooks, before any fault is ordered."""

from __future__ import annotations

from tests.system.chaos.vendor import Variant


def make(variant: Variant, conn_id: str, *, size: int) -> list[str]:
    """
    Make what a variant's submissions are to move, and return the ids; nothing for variants that start.

    :param variant: what is submitted
    :param conn_id: a connection that the environment of this process describes
    :param size: how many
    """
    return [variant.make(conn_id) for _ in range(size)] if variant.make else []
