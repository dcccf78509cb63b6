"""Robusta RPA in the chaos matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.system.chaos.vendor import Act, Submitter, Table, Variant, VendorChaos, Watcher

MOUNT = "robusta"


def _process(conn_id: str, tag: str) -> str:
    from airflow_provider_workflows.robusta.hooks import RobustaHook

    started = RobustaHook(conn_id).start_process(process_name="LongBot", worker="3", values={"tag": tag})
    return started.spid


def _succeed(record: Mapping[str, Any]) -> Act:
    """A person at Robusta can only stop a robot, so that the sandbox is told that it has done its work."""
    return "end", {"spid": record["id"], "status": "SUCCEEDED", "message": ""}


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="robusta",
            title="Robusta start",
            mount=MOUNT,
            endpoint="start",
            found="never",
            tag_field="tag",
            table=Table(
                path="robusta.many.RobustaStartManyOperator",
                fixed={"process_name": "ShortBot", "worker": "3"},
                fields={"tag": "tag"},
                columns={"worker": "worker"},
                row={"worker": "3"},
                bad={"worker": "99"},
            ),
            how=Submitter(
                path="robusta.operators.RobustaStartProcessOperator",
                conn="robusta_conn_id",
                fixed={"process_name": "ShortBot", "worker": "3"},
                each="values",
                value=lambda tag, index: {"tag": tag},
                patient={"process_name": "LongBot"},
                failing={"process_name": "FailingBot"},
            ),
        ),
    ),
    watcher=Watcher(
        title="Robusta status sensor",
        path="robusta.sensors.RobustaStatusSensor",
        conn="robusta_conn_id",
        each="spid",
        make=_process,
    ),
    finish=_succeed,
)
