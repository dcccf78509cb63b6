"""What sensors watch: made at the vendor through the hooks, before the sensors begin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from airflow_provider_workflows.core.connection.cache import forget
from tests.system.chaos.cell_context import CellContext
from tests.system.chaos.variants import VENDORS


def lane_of(vendor: str) -> str:
    return f"{vendor}_watch"


def make(vendor: str, context: CellContext, tag: str, *, size: int) -> list[str]:
    """
    Make what sensors are to watch, and return the ids.

    :param vendor: such as ``omflow``
    :param context: the lane's
    :param tag: that the targets' tags begin with
    :param size: how many
    """
    context.show("making targets")
    # Whoever is logged in no longer is since the reset, and would be refused once and send again.
    forget()
    tags = [f"{tag}.{index}" for index in range(size)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda one: VENDORS[vendor].watcher.make(context.lane.name, one), tags))
