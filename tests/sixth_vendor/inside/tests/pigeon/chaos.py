"""Pigeon Post in the chaos matrix."""

from __future__ import annotations

from tests.system.chaos.vendor import Submitter, Variant, VendorChaos, Watcher


def _letter(conn_id: str, tag: str) -> str:
    from airflow_provider_workflows.pigeon.hooks import PigeonHook

    return PigeonHook(conn_id).send("Ada", tag)


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="pigeon",
            title="Pigeon Post send",
            mount="pigeon",
            endpoint="send",
            found="never",
            how=Submitter(
                path="pigeon.operators.PigeonSendOperator",
                conn="pigeon_conn_id",
                fixed={"to": "Ada"},
                each="text",
                value=lambda tag, index: tag,
            ),
        ),
    ),
    watcher=Watcher(
        title="Pigeon Post arrival sensor",
        path="pigeon.sensors.PigeonArrivalSensor",
        conn="pigeon_conn_id",
        each="letter",
        make=_letter,
    ),
)
