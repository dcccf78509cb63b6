"""The name under which a component of a cluster on one machine runs, as if it had a machine of its own."""

from __future__ import annotations

import os

VARIABLE = "CLUSTER_HOST"


def name() -> str:
    """Airflow calls this where it asks for the host's name, by ``[core] hostname_callable``."""
    return os.environ.get(VARIABLE, "elsewhere")
