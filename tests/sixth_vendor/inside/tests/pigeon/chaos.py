"""Pigeon Post in the chaos matrix."""

from __future__ import annotations

from tests.system.chaos.vendor import Submitter, Table, Variant, VendorChaos, Watcher


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
            table=Table(
                path="pigeon.many.PigeonSendManyOperator",
                fixed={},
                # The loft refuses nothing, so the operator does.
                fields={"to": "to", "text": "tag", "stamp": {"column": "stamp", "type": "int"}},
                row={"to": "Ada", "stamp": 1},
                bad={"stamp": "none"},
            ),
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
