"""What a type checker says of a user's DAG file, and so what an editor completes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dev.layout import ROOT

pytest.importorskip("mypy")

USER = """
from typing import reveal_type

from airflow.sdk import DAG, task

from airflow_provider_workflows.kiban import KibanHook, KibanStartWorkflooOperator
from airflow_provider_workflows.mybpm import FieldReference, MyBPMUpsertBOIOperator
from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowHook,
    OMFlowOpenOrderOperator,
    OMFlowPushOrderOperator,
)

open = OMFlowOpenOrderOperator(
    task_id="open", api_path="purchase", form_data={"FORMITM_1": "Desk"}, settle=90, deferrable=True
)
wait = OMFlowDataIdSensor(
    task_id="wait", api_path="purchase", data_no=open.output, poke_interval=30, soft_fail=True, tolerance=60
)
push = OMFlowPushOrderOperator(
    task_id="push", api_path="{{ params.process }}", data_no="{{ ti.xcom_pull('open') }}", data_id=wait.output
)
upsert = MyBPMUpsertBOIOperator(
    task_id="upsert", bo_code="ORD", field_ref_add=[FieldReference("CLIENT", "IIN", ["1"])], retries=2
)
start = KibanStartWorkflooOperator(
    task_id="start", workfloo_id="w", form=upsert.output, on_clear="rerun", on_failed_run="rerun", timeout=60
)

OMFlowOpenOrderOperator(task_id="a", api_path="purchase", form_dta={})  # error: form_dta
OMFlowOpenOrderOperator(task_id="b", api_path="purchase", setle=60)  # error: setle
OMFlowOpenOrderOperator(task_id="c")  # error: Missing named argument "api_path"
OMFlowOpenOrderOperator(api_path="purchase")  # error: Missing named argument "task_id"
OMFlowOpenOrderOperator(task_id="d", api_path="purchase", on_clear="again")  # error: on_clear
OMFlowPushOrderOperator(task_id="e", api_path="p", data_no=1, deferrable=True)  # error: deferrable
OMFlowDataIdSensor(task_id="f", api_path="p", data_no=1.5)  # error: data_no
OMFlowDataIdSensor(task_id="g", api_path="p", data_no=1, settle=9)  # error: settle


def read(hook: OMFlowHook, kiban: KibanHook) -> None:
    reveal_type(hook.order_state("purchase", 1).rows)  # note: tuple[
    reveal_type(hook.list_rows("purchase", size=5).items)  # note: tuple[
    reveal_type(next(kiban.iterate_executions()))  # note: Mapping[str, Any]
    hook.list_rows("purchase", sise=5)  # error: sise


from airflow_provider_workflows.omflow import OMFlowOrderOperator  # error: OMFlowOrderOperator
"""


def checked(code: str) -> dict[int, list[str]]:
    """Return what mypy says of each line."""
    options = ["--strict", "--hide-error-context", "--no-error-summary", "--config-file="]
    cache = ["--cache-dir", str(ROOT / ".cache" / "mypy-users")]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *cache, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert run.stderr == ""
    errors: dict[int, list[str]] = {}
    for line in run.stdout.splitlines():
        place, number, text = line.split(":", 2)
        assert place == "<string>", line
        errors.setdefault(int(number), []).append(text)
    return errors


def test_a_users_dag_file() -> None:
    errors = checked(USER)
    expected = {
        number: comment.split(": ", 1)
        for number, line in enumerate(USER.splitlines(), start=1)
        for _, _, comment in [line.partition("  # ")]
        if comment
    }
    # Only these lines are refused, so everything above them is accepted.
    assert {*errors} == {*expected}, errors
    for number, (kind, named) in expected.items():
        assert any(f" {kind}: " in text and named in text for text in errors[number]), errors[number]
