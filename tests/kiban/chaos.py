"""Kiban Workfloo in the chaos matrix."""

from __future__ import annotations

from typing import Any

from tests.system.chaos.vendor import MOVING, TAG, Submitter, Table, Variant, VendorChaos, Watcher, target

MOUNT = "kiban"
#: Ids of the workfloos that ``chaos.toml`` declares.
SHORT, PATIENT, SIGNING, FAILING = (f"64b5f0c2a1d3e4f5a6b7c90{number}" for number in (1, 2, 3, 4))


def _starting(**more: Any) -> Submitter:
    return Submitter(
        path="kiban.operators.KibanStartWorkflooOperator",
        conn="kiban_conn_id",
        fixed={"workfloo_id": SHORT, **more},
        each="form",
        value=lambda tag, index: {"tag": tag},
        patient={"workfloo_id": PATIENT},
        failing={"workfloo_id": FAILING},
    )


def _table(**more: Any) -> Table:
    return Table(
        path="kiban.many.KibanStartManyOperator",
        fixed={"workfloo_id": SHORT, **more},
        fields={"tag": {"column": "tag", "empty": "text"}},
        bad={"tag": ""},
    )


def _execution(conn_id: str, workfloo_id: str, form: dict[str, Any] | None = None) -> str:
    from airflow_provider_workflows.kiban.hooks import KibanHook

    return str(KibanHook(conn_id).start(workfloo_id, form=form))


CHAOS = VendorChaos(
    starts=(
        Variant(
            name="kiban_keyed",
            title="Kiban start, run_key_field",
            mount=MOUNT,
            endpoint="start",
            found="always",
            tag_field="tag",
            how=_starting(run_key_field="run_key"),
            table=_table(run_key_field="run_key"),
        ),
        Variant(
            name="kiban_plain",
            title="Kiban start",
            mount=MOUNT,
            endpoint="start",
            found="alone",
            tag_field="tag",
            how=_starting(),
            table=_table(),
        ),
    ),
    moves=(
        Variant(
            name="kiban_answer",
            title="Kiban answer",
            mount=MOUNT,
            endpoint="form",
            found="always",
            step=("First", "Second", "Third"),
            modes=MOVING,
            make=lambda conn_id: _execution(conn_id, SIGNING),
            how=Submitter(
                path="kiban.operators.KibanAnswerStepOperator",
                conn="kiban_conn_id",
                fixed={"form": {"a": TAG}},
                each="execution_id",
                value=target,
            ),
        ),
    ),
    watcher=Watcher(
        title="Kiban workfloo sensor",
        path="kiban.sensors.KibanWorkflooSensor",
        conn="kiban_conn_id",
        each="execution_id",
        make=lambda conn_id, tag: _execution(conn_id, PATIENT, {"tag": tag}),
    ),
    bad_ends=frozenset({"cancel", "reject"}),
)
