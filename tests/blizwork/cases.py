"""Cases in the sandbox's BlizWork, as a test needs them."""

from __future__ import annotations

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook


def opened(workflow: str = "one-step") -> int:
    return BlizWorkHook().init_case(workflow)


def ran(workflow: str, case: int, form: str, to: str) -> None:
    BlizWorkHook().exec_activity(workflow, case, form, to)


def pending(workflow: str, case: int) -> str | None:
    return BlizWorkHook().load_case(workflow, case).pending


def closed(workflow: str = "one-step") -> int:
    case = opened(workflow)
    ran(workflow, case, "request", "done")
    return case
