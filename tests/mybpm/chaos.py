"""MyBPM in the chaos matrix; its operators do not wait, so that its sensor does."""

from __future__ import annotations

from tests.system.chaos.vendor import MOVING, Submitter, Table, Variant, VendorChaos, Watcher

MOUNT = "mybpm"


def _table(field: str, **fixed: str) -> Table:
    return Table(
        path="mybpm.many.MyBPMUpsertManyOperator",
        fixed=fixed,
        # No object has the second field; what is empty is not sent.
        fields={field: "tag", "STRANGE": "strange"},
        row={"strange": ""},
        bad={"strange": "yes"},
    )


def _decision(conn_id: str, tag: str) -> str:
    from airflow_provider_workflows.mybpm.hooks import MyBPMHook

    return MyBPMHook(conn_id).upsert("DECISION", {"NUM": tag}).boi_id


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="mybpm_unique",
            title="MyBPM upsert, unique_field",
            mount=MOUNT,
            endpoint="upsert",
            found="always",
            tag_field="NUM",
            modes=MOVING,
            repeats=True,
            table=_table("NUM", bo_code="REQUEST", unique_field="NUM"),
            how=Submitter(
                path="mybpm.operators.MyBPMUpsertBOIOperator",
                conn="mybpm_conn_id",
                fixed={"bo_code": "REQUEST", "unique_field": "NUM"},
                each="field_values",
                value=lambda tag, index: {"NUM": tag},
            ),
        ),
        Variant(
            name="mybpm_once",
            title="MyBPM upsert",
            mount=MOUNT,
            endpoint="upsert",
            found="never",
            tag_field="TEXT",
            modes=MOVING,
            table=_table("TEXT", bo_code="NOTE"),
            how=Submitter(
                path="mybpm.operators.MyBPMUpsertBOIOperator",
                conn="mybpm_conn_id",
                fixed={"bo_code": "NOTE"},
                each="field_values",
                value=lambda tag, index: {"TEXT": tag},
            ),
        ),
    ),
    watcher=Watcher(
        title="MyBPM field sensor",
        path="mybpm.sensors.MyBPMFieldSensor",
        conn="mybpm_conn_id",
        each="boi_id",
        fixed={"bo_code": "DECISION", "field": "ANSWER", "value": "yes"},
        make=_decision,
    ),
    login=("login", 3600.0),
    bad_ends=frozenset({"set_state", "set_fields"}),
)
