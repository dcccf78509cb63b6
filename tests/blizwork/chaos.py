"""BlizWork in the chaos matrix."""

from __future__ import annotations

from tests.system.chaos.vendor import MOVING, TAG, Submitter, Table, Variant, VendorChaos, Watcher, target

MOUNT = "blizwork"


def _case(conn_id: str, workflow_id: str) -> str:
    from airflow_provider_workflows.blizwork.hooks import BlizWorkHook

    return str(BlizWorkHook(conn_id).init_case(workflow_id))


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="blizwork",
            title="BlizWork init",
            mount=MOUNT,
            endpoint="init",
            found="never",
            table=Table(
                path="blizwork.many.BlizWorkInitManyOperator",
                fixed={"workflow_id": "short"},
                columns={"exec_user_id": "user"},
                row={"user": "airflow@example.com"},
                bad={"user": "nobody@example.com"},
            ),
            how=Submitter(
                path="blizwork.operators.BlizWorkInitCaseOperator",
                conn="blizwork_conn_id",
                each="workflow_id",
                value=lambda tag, index: "short",
                patient={"workflow_id": "patient"},
            ),
        ),
    ),
    moves=(
        Variant(
            name="blizwork_exec",
            title="BlizWork exec",
            mount=MOUNT,
            endpoint="exec",
            found="always",
            step=("sign",),
            shows_author=True,
            modes=MOVING,
            table=Table(
                path="blizwork.many.BlizWorkExecManyOperator",
                fixed={"workflow_id": "signing", "form_id": "sign", "next_form_id": "sign"},
                fields={"text": "tag"},
                columns={"case_number": "target"},
                bad={"target": "999999"},
            ),
            make=lambda conn_id: _case(conn_id, "signing"),
            how=Submitter(
                path="blizwork.operators.BlizWorkExecActivityOperator",
                conn="blizwork_conn_id",
                fixed={
                    "workflow_id": "signing",
                    "form_id": "sign",
                    "next_form_id": "sign",
                    "form_data": {"text": TAG},
                },
                each="case_number",
                value=target,
            ),
        ),
    ),
    watcher=Watcher(
        title="BlizWork case sensor",
        path="blizwork.sensors.BlizWorkCaseSensor",
        conn="blizwork_conn_id",
        each="case_number",
        fixed={"workflow_id": "patient"},
        make=lambda conn_id, tag: _case(conn_id, "patient"),
    ),
    plan=({"plan": "Avanzado"}, 5.0),
)
