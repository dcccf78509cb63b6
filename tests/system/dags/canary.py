"""
What goes wrong at all vendors, and what plants a secret where none may be; which faults, the test decides.

Of each vendor's tasks, ``struck`` meet a fault of a call that happens once, ``watch`` and ``killed`` wait in
the triggerer, ``refused`` has a password that the vendor does not know, ``invalid`` a wrong argument.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, chain, get_current_context, task

from airflow_provider_workflows.omflow import OMFlowOrderSensor
from tests.vendors import VENDORS

#: The attempt after a refusal comes at once.
AGAIN = {"retries": 1, "retry_delay": timedelta(seconds=1)}
PATIENT: dict[str, Any] = {"deferrable": True, "prepoll": 0, "poke_interval": 2}
#: Nothing here ends by itself: the test ends it, by a refusal or by hand.
DEADLINE = 600

with DAG("canary", schedule=None, catchup=False, default_args=AGAIN):
    for vendor, declared in VENDORS.items():
        trouble = declared.trouble

        def start(name: str, vendor: str = vendor, cls: Any = trouble.start, **given: Any) -> Any:
            """A task that starts something at the vendor."""
            conn_id = given.pop("conn_id", f"{vendor}_canary")
            return cls(task_id=f"{vendor}_{name}", **{f"{vendor}_conn_id": conn_id}, **given)

        def wait(name: str, vendor: str = vendor, cls: Any = trouble.wait, **given: Any) -> Any:
            """A task that waits in the triggerer."""
            conn = {f"{vendor}_conn_id": f"{vendor}_canary"}
            return cls(task_id=f"{vendor}_{name}", timeout=DEADLINE, **conn, **PATIENT, **given)

        struck = [start(f"struck_{number}", **trouble.arguments) for number in (1, 2)]
        started = start("begin", trigger_rule="all_done", **trouble.arguments)
        chain(struck, started, [wait(name, **trouble.of(started.output)) for name in ("watch", "killed")])
        start("refused", conn_id=f"{vendor}_wrong", **trouble.arguments)
        start("invalid", **{**trouble.arguments, **trouble.wrong})
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
