"""
What goes wrong at five vendors, and what plants a secret where none may be; which faults, the test decides.

Of each vendor's tasks, ``struck`` meet a fault of a call that happens once, ``watch`` and ``killed`` wait in
the triggerer, ``refused`` has a password that the vendor does not know, ``invalid`` a wrong argument.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, chain, get_current_context, task

from airflow_provider_workflows.blizwork.operators import BlizWorkInitCaseOperator
from airflow_provider_workflows.blizwork.sensors import BlizWorkCaseSensor
from airflow_provider_workflows.kiban.operators import KibanStartWorkflooOperator
from airflow_provider_workflows.kiban.sensors import KibanStepSensor
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.sensors import MyBPMStateSensor
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from airflow_provider_workflows.robusta.sensors import RobustaStatusSensor

#: The attempt after a refusal comes at once.
AGAIN = {"retries": 1, "retry_delay": timedelta(seconds=1)}
PATIENT: dict[str, Any] = {"deferrable": True, "prepoll": 0, "poke_interval": 2}
#: Nothing here ends by itself: the test ends it, by a refusal or by hand.
DEADLINE = 600

#: By vendor: the operator and its arguments, one that is wrong, the sensor, and its arguments from the start.
VENDORS: dict[str, tuple[Any, dict[str, Any], dict[str, Any], Any, Any]] = {
    "omflow": (
        OMFlowOpenOrderOperator,
        {"api_path": "two-step", "form_data": {"FORMITM_1": "in trouble"}},
        {"form_data": "{no JSON"},
        OMFlowOrderSensor,
        lambda started: {"api_path": "two-step", "data_no": started},
    ),
    "robusta": (
        RobustaStartProcessOperator,
        {"process_name": "LongBot", "worker": "3"},
        {"values": "{no JSON"},
        RobustaStatusSensor,
        lambda started: {"spid": started["spid"]},
    ),
    "blizwork": (
        BlizWorkInitCaseOperator,
        {"workflow_id": "one-step"},
        {"workflow_id": ""},
        BlizWorkCaseSensor,
        lambda started: {"workflow_id": "one-step", "case_number": started},
    ),
    "mybpm": (
        MyBPMUpsertBOIOperator,
        {"bo_code": "REQUEST", "field_values": {"SUBJECT": "in trouble"}},
        {"field_values": "{no JSON"},
        MyBPMStateSensor,
        lambda started: {"bo_code": "REQUEST", "boi_id": started["boi_id"], "states": ["ARCHIVED"]},
    ),
    "kiban": (
        KibanStartWorkflooOperator,
        {"workfloo_id": "64b5f0c2a1d3e4f5a6b7c803", "callback_url": "https://example.com/told"},
        {"form": "{no JSON"},
        KibanStepSensor,
        lambda started: {"execution_id": started["id"], "node": "Second"},
    ),
}

with DAG("canary", schedule=None, catchup=False, default_args=AGAIN):
    for vendor, (Start, arguments, wrong, Wait, of) in VENDORS.items():

        def start(name: str, vendor: str = vendor, Start: Any = Start, **given: Any) -> Any:
            """A task that starts something at the vendor."""
            conn_id = given.pop("conn_id", f"{vendor}_canary")
            return Start(task_id=f"{vendor}_{name}", **{f"{vendor}_conn_id": conn_id}, **given)

        def wait(name: str, vendor: str = vendor, Wait: Any = Wait, **given: Any) -> Any:
            """A task that waits in the triggerer."""
            conn = {f"{vendor}_conn_id": f"{vendor}_canary"}
            return Wait(task_id=f"{vendor}_{name}", timeout=DEADLINE, **conn, **PATIENT, **given)

        struck = [start(f"struck_{number}", **arguments) for number in (1, 2)]
        started = start("begin", trigger_rule="all_done", **arguments)
        chain(struck, started, [wait(name, **of(started.output)) for name in ("watch", "killed")])
        start("refused", conn_id=f"{vendor}_wrong", **arguments)
        start("invalid", **{**arguments, **wrong})
    # Nobody answers at the proxy, whose password is in the connection.
    proxied: Any = {"api_path": "two-step", "data_no": 1, "omflow_conn_id": "omflow_proxied"}
    OMFlowOrderSensor(task_id="omflow_proxied", timeout=15, **proxied, **PATIENT)
    OMFlowOrderSensor(task_id="omflow_proxied_poke", timeout=5, poke_interval=2, **proxied)


def planted(root: str, place: str) -> str:
    """A secret for one place, which the test can make as well."""
    return hashlib.sha256(f"{root}/{place}".encode()).hexdigest()


with DAG(
    "plant",
    schedule=None,
    catchup=False,
    params={"root": Param("", type="string"), "rendered": Param("", type="string")},
):

    @task
    def plant(root: str, rendered: dict[str, str]) -> str:
        """Put a secret into each place where none may be."""
        context: Any = get_current_context()
        print(f"a log: {planted(root, 'log')}")
        wrapped = f"someone:{planted(root, 'log in Base64')}@example"
        print(f"a log: {base64.b64encode(wrapped.encode()).decode()}")
        context["ti"].xcom_push("other", {"deep": [planted(root, "xcom")]})
        context["task_state_store"].set("kept", planted(root, "state store"))
        raise ValueError(f"an exception: {planted(root, 'exception')}")

    plant("{{ params.root }}", {"field": "{{ params.rendered }}"})
