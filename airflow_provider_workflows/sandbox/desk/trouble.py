"""Faults by button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.sandbox.faults import Fault
from airflow_provider_workflows.sandbox.sandbox import Sandbox
from airflow_provider_workflows.sandbox.vendor import CommandError


@dataclass(frozen=True)
class Trouble:
    """
    A button that orders a fault.

    :param settings: of the fault.
    :param told: what happens.
    """

    label: str
    kind: str
    told: str
    settings: Mapping[str, Any]


TROUBLES: Mapping[str, Trouble] = {
    "lose": Trouble(
        "Lose the next answer", "lost_answer", "The next request takes effect, but its answer is lost.", {}
    ),
    "throttle": Trouble(
        "Throttle",
        "throttled",
        "The next three requests get 429 and Retry-After: 5.",
        {"times": 3, "retry_after": 5},
    ),
    "away": Trouble(
        "Be away for a minute", "unavailable", "Every request gets 503 and has no effect.", {"lasts": 60}
    ),
    "hang": Trouble("Hang", "hang", "The next request gets no answer and has no effect.", {}),
    "expire": Trouble(
        "Expire logins", "expired_login", "When the next request comes, all have to log in again.", {}
    ),
}
#: What a fault is called in the table, by its kind.
NAMES = {trouble.kind: trouble.label for trouble in TROUBLES.values()}


def offered(sandbox: Sandbox, mount: str) -> dict[str, Trouble]:
    """Return the buttons of a server; not all have logins that expire."""
    expires = "expire_logins" in sandbox.vendor(mount).commands
    return {name: one for name, one in TROUBLES.items() if name != "expire" or expires}


def order(sandbox: Sandbox, form: Mapping[str, str]) -> None:
    """
    Order the fault of a pressed button.

    :raises CommandError: if there is no such button, vendor or endpoint.
    """
    trouble = TROUBLES.get(form.get("trouble", ""))
    if trouble is None:
        raise CommandError(f"no such fault; there are {', '.join(TROUBLES)}")
    endpoint = form.get("endpoint", "any")
    sandbox.order_fault(
        vendor=form.get("vendor", ""), endpoint=endpoint, kind=trouble.kind, **trouble.settings
    )


def state_of(fault: Fault, now: float) -> tuple[str, str]:
    """Return where a fault stands: a word for its colour, and what is said."""
    if not fault.is_over(now):
        return "waiting", "armed" if not fault.hits else "armed still"
    return ("failed", "struck") if fault.hits else ("quiet", "over, struck nothing")
