"""OMFlow in the chaos matrix."""

from __future__ import annotations

from typing import Any

from tests.system.chaos.vendor import MOVING, TAG, Submitter, Table, Variant, VendorChaos, Watcher, target

MOUNT = "omflow-1.2"


def _opening(**more: Any) -> Submitter:
    return Submitter(
        path="omflow.operators.OMFlowOpenOrderOperator",
        conn="omflow_conn_id",
        fixed={"api_path": "short", **more},
        each="form_data",
        value=lambda tag, index: {"FORMITM_1": tag},
        patient={"api_path": "patient"},
        failing={"api_path": "failing"},
    )


def _table(**more: Any) -> Table:
    return Table(
        path="omflow.many.OMFlowOpenManyOperator",
        fixed={"api_path": "short", **more},
        fields={"FORMITM_1": "tag"},
        bad={"tag": ""},
    )


def _order(conn_id: str, api_path: str, title: str) -> str:
    from airflow_provider_workflows.omflow.hooks import OMFlowHook

    return str(OMFlowHook(conn_id).open_order(api_path, [{"id": "FORMITM_1", "value": title}]))


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="omflow_keyed",
            title="OMFlow open, run_key_field",
            mount=MOUNT,
            endpoint="open",
            found="always",
            tag_field="FORMITM_1",
            how=_opening(run_key_field="FORMITM_2"),
            table=_table(run_key_field="FORMITM_2"),
        ),
        Variant(
            name="omflow_plain",
            title="OMFlow open",
            mount=MOUNT,
            endpoint="open",
            found="never",
            tag_field="FORMITM_1",
            how=_opening(),
            table=_table(),
        ),
    ),
    moves=(
        Variant(
            name="omflow_push",
            title="OMFlow push",
            mount=MOUNT,
            endpoint="push",
            found="always",
            step=("Sign",),
            shows_author=True,
            modes=MOVING,
            table=Table(
                path="omflow.many.OMFlowPushManyOperator",
                fixed={"api_path": "signing", "stop_chart_text": "Sign"},
                fields={"FORMITM_1": "tag"},
                columns={"data_no": "target"},
                bad={"target": "999999"},
            ),
            make=lambda conn_id: _order(conn_id, "signing", "to be signed"),
            how=Submitter(
                path="omflow.operators.OMFlowPushOrderOperator",
                conn="omflow_conn_id",
                fixed={"api_path": "signing", "stop_chart_text": "Sign", "form_data": {"FORMITM_1": TAG}},
                each="data_no",
                value=target,
            ),
        ),
    ),
    watcher=Watcher(
        title="OMFlow order sensor",
        path="omflow.sensors.OMFlowOrderSensor",
        conn="omflow_conn_id",
        each="data_no",
        fixed={"api_path": "patient"},
        make=lambda conn_id, tag: _order(conn_id, "patient", tag),
    ),
    login=("security", 600.0),
)
