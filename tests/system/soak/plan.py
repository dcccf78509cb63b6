"""Names and numbers that the soak and its DAG file share; a task imports this."""

from __future__ import annotations

from tests.system.chaos.vendor import Mode, Variant

#: Submissions of a mapped task, sensors of a run that waits, records of a table.
SIZE, WAITS, RECORDS = 4, 10, 40
#: Of the DAGs that run for what happens at a vendor.
ARRIVALS, ENDS = "soak_arrivals", "soak_ends"


def dag_id_of(variant: Variant, mode: Mode) -> str:
    """The DAG with a mapped task that submits."""
    return f"soak_{variant.dag_id(mode)}"


def table_of(variant: Variant) -> str:
    """The DAG with a task for many records, and its connection."""
    return f"soak_{variant.name}_table"


def wait_of(vendor: str) -> str:
    """The DAG with sensors of a vendor, and its connection."""
    return f"soak_{vendor}_wait"
