"""The vendors that the sandbox plays, and the connections with which an Airflow reaches them there."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.sandbox.connections import SandboxConnection, ready_connections

CONNECTIONS: tuple[SandboxConnection, ...] = ready_connections()


def connections(sandbox: str) -> dict[str, dict[str, Any]]:
    """
    All connections by id.

    :param sandbox: address of the sandbox
    """
    return {connection.conn_id: connection.fields(sandbox) for connection in CONNECTIONS}


def vendor_of(mount: str) -> str:
    """Return what tasks call the vendor at a mount; the mount itself if no connection leads there."""
    return next((known.vendor for known in CONNECTIONS if known.mount == mount), mount)
