"""The vendors that the sandbox plays, and the connections with which an Airflow reaches them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SandboxConnection:
    """
    One Airflow connection to a vendor of the sandbox.

    ``vendor`` is the name by which tasks call it, ``mount`` the sandbox's name for it and its path there, and
    ``record`` what its page of a record is called by, with placeholders as in the field ``ui_url``.
    """

    conn_id: str
    conn_type: str
    vendor: str
    mount: str
    login: str
    password: str
    record: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, sandbox: str) -> dict[str, Any]:
        """
        The connection in Airflow's JSON form.

        :param sandbox: address of the sandbox
        """
        return {
            "conn_type": self.conn_type,
            "host": f"{sandbox}/{self.mount}",
            "login": self.login,
            "password": self.password,
            "extra": {**self.extra, "ui_url": f"{sandbox}/records/{self.mount}/{self.record}"},
        }


CONNECTIONS = (
    SandboxConnection(
        conn_id="omflow_default",
        conn_type="omflow",
        vendor="OMFlow",
        mount="omflow-1.2",
        login="airflow",
        password="sandbox",
        record="{api_path}/{data_no}",
        extra={"language": "en"},
    ),
    SandboxConnection(
        conn_id="robusta_default",
        conn_type="robusta",
        vendor="Robusta RPA",
        mount="robusta",
        login="airflow",
        password="sandbox",
        record="{spid}",
        extra={"time_zone": "Europe/Istanbul"},
    ),
    SandboxConnection(
        conn_id="blizwork_default",
        conn_type="blizwork",
        vendor="BlizWork",
        mount="blizwork",
        login="airflow@example.com",
        password="sandbox-token",
        record="{workflow_id}/{case_number}",
        extra={"company_id": "5f0c3a1be2d94a7c8b6e1d20", "environment": "production"},
    ),
    SandboxConnection(
        conn_id="mybpm_default",
        conn_type="mybpm",
        vendor="MyBPM",
        mount="mybpm",
        login="airflow@example.com",
        password="sandbox",
        record="{bo_code}/{boi_id}",
        extra={"timezone": "GMT+0600"},
    ),
    SandboxConnection(
        conn_id="kiban_default",
        conn_type="kiban",
        vendor="Kiban Workfloo",
        mount="kiban",
        login="",
        password="kiban-sandbox-key",
        record="{execution_id}",
        extra={"environment": "sandbox"},
    ),
)


def connections(sandbox: str) -> dict[str, dict[str, Any]]:
    """
    All connections by id.

    :param sandbox: address of the sandbox
    """
    return {connection.conn_id: connection.fields(sandbox) for connection in CONNECTIONS}


def vendor_of(mount: str) -> str:
    """What tasks call the vendor at a mount of the sandbox; the mount itself if no connection leads there."""
    return next((known.vendor for known in CONNECTIONS if known.mount == mount), mount)
