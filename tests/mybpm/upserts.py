"""Upserts to run, the ways in which their answers are lost, and what is looked at afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from tests.core.harness import Runner
from tests.mybpm.conftest import MyBPMServer

CUSTOMER: dict[str, Any] = {"bo_code": "CUSTOMER", "field_values": {"IIN": "900101", "NAME": "Asel"}}
UNIQUE: dict[str, Any] = {**CUSTOMER, "unique_field": "IIN"}
NOTE: dict[str, Any] = {"bo_code": "NOTE", "field_values": {"TEXT": "a"}}
N1 = FieldReference("BRANCHES", "CODE", ["N1"])
S1 = FieldReference("BRANCHES", "CODE", ["S1"])
BOTH = FieldReference("BRANCHES", "CODE", ["N1", "S1"])

#: Answers that are lost or no answers, and whether the upsert was carried out all the same.
LOST: dict[str, tuple[dict[str, Any], bool]] = {
    "reset after": ({"kind": "lost_answer"}, True),
    "reset before": ({"kind": "reset_before"}, False),
    "cut off": ({"kind": "truncated"}, True),
    "502 after": ({"kind": "bad_gateway", "effect": True}, True),
    "502 before": ({"kind": "bad_gateway"}, False),
    "HTML after": ({"kind": "not_json", "effect": True}, True),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, True),
}
#: Moments at which a worker is killed, and whether the upsert was carried out by then.
KILLED = {"before sending": False, "before storing": True}


def upserting(*, store: bool = True, **arguments: Any) -> Runner:
    """Return the runner of a task instance; a mapping among the arguments may be changed between attempts."""
    return Runner(lambda: MyBPMUpsertBOIOperator(task_id="upsert", **arguments), store=store)


def stored(runner: Runner) -> Any:
    assert runner.store is not None
    return runner.store.get(KEY)


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what the sandbox's process of CUSTOMER changes a second after the upsert."""
    fields = {code: told for code, told in result["fields"].items() if code != "STATUS"}
    return {name: told for name, told in result.items() if name != "isTouched"} | {"fields": fields}


def linked(server: MyBPMServer, boi_id: str) -> str:
    return str(server.record(f"CUSTOMER/{boi_id}")["fields"].get("BRANCHES", ""))


def kill(runner: Runner, moment: str) -> None:
    """Run an attempt that dies at a moment of :data:`KILLED`, as a process without power does."""
    assert runner.store is not None
    write = runner.store.set

    def die(key: str, value: Any, **how: Any) -> None:
        if moment == "before sending":
            write(key, value, **how)
        if moment == "before sending" or "id" in value:
            raise KeyboardInterrupt
        write(key, value, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner.store, "set", die)
        with pytest.raises(KeyboardInterrupt):
            runner.run()
