"""What Airflow is told of Pigeon Post; every Airflow process that lists providers loads this."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.core.connection.form import provider_info

from . import __version__
from .connection import FORM


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description."""
    return provider_info(
        [FORM],
        distribution="airflow-provider-pigeon-post",
        version=__version__,
        name="Pigeon Post",
        description="Send letters by pigeon, once, and wait for their arrival.",
    )
