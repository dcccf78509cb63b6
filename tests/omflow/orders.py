"""Orders in the sandbox's OMFlow, as a test needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.omflow.api.order import Order
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner

TITLE: dict[str, Any] = {"FORMITM_1": "a title"}
FORM: dict[str, Any] = {"FORMITM_1": "Desk", "FORMITM_2": 480}
#: The field of ``purchase`` and of ``two-step`` for the mark.
KEY_FIELD = {"purchase": "FORMITM_3", "two-step": "FORMITM_2", "validated": "FORMITM_2"}

#: Answers that are lost or no answers, and whether the work was done all the same.
LOST: dict[str, tuple[dict[str, Any], int]] = {
    "reset after": ({"kind": "lost_answer"}, 1),
    "reset before": ({"kind": "reset_before"}, 0),
    "reset unread": ({"kind": "reset_unread"}, 0),
    "cut off": ({"kind": "truncated"}, 1),
    "502 after": ({"kind": "bad_gateway", "effect": True}, 1),
    "502 before": ({"kind": "bad_gateway"}, 0),
    "503": ({"kind": "unavailable"}, 0),
    "HTML after": ({"kind": "not_json", "effect": True}, 1),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, 1),
}


def opening(clock: Clock | None = None, *, store: bool = True, **arguments: Any) -> Runner:
    arguments = {"api_path": "purchase", "form_data": FORM, **arguments}
    return Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **arguments), clock=clock, store=store)


def pushing(clock: Clock | None = None, *, store: bool = True, **arguments: Any) -> Runner:
    return Runner(lambda: OMFlowPushOrderOperator(task_id="push", **arguments), clock=clock, store=store)


def record(server: OMFlowServer, data_no: Any, api_path: str = "purchase") -> dict[str, Any]:
    (found,) = (one for one in server.control.records(server.name) if one["id"] == f"{api_path}/{data_no}")
    return found


def stored(runner: Runner) -> Any:
    assert runner.store is not None
    return runner.store.get(KEY)


def hand_over(runner: Runner, id: Any) -> None:
    """Write an id into the record, as a person does."""
    assert runner.store is not None
    runner.store.set(KEY, {**stored(runner), "id": id})


def requests(server: OMFlowServer, endpoint: str) -> int:
    """Count requests; an edit that is reset unread shows not which of three it was, and counts as delete."""
    seen = server.effects()["requests"]
    return int(seen.get(endpoint, 0) + (seen.get("delete", 0) if endpoint in ("open", "push") else 0))


@contextmanager
def killed_before_the_id_is_stored(runner: Runner) -> Iterator[None]:
    """Let the attempt die between hearing the vendor's answer and writing it down."""
    assert runner.store is not None

    def die(key: str, value: Any, **how: Any) -> None:
        if "id" in value:
            raise KeyboardInterrupt
        write(key, value, **how)

    write = runner.store.set
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner.store, "set", die)
        with pytest.raises(KeyboardInterrupt):
            yield


def until(true: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait in real time for what another thread is about to do."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never comes"
        time.sleep(0.02)


def open_order(server: OMFlowServer, api_path: str, form: Any = None, *, settle: float = 5) -> Any:
    """
    Open an order and let it come to its first stop.

    :param settle: seconds of the sandbox's clock to let pass
    """
    data_no = OMFlowHook().open_order(api_path, form or TITLE)
    assert data_no is not None
    server.control.advance(settle)
    return data_no


def state(api_path: str, data_no: Any) -> Order:
    return OMFlowHook().order_state(api_path, data_no)


def stops(api_path: str, data_no: Any) -> dict[str, int]:
    """Return the data_id of each stop where the order stands, by its label."""
    return {stop.stop_chart_text: stop.data_id for stop in state(api_path, data_no).stops}


def push_all(server: OMFlowServer, api_path: str, data_no: Any, *, times: int = 1) -> None:
    """Push an order by hand wherever it stands, and let it go on."""
    for _ in range(times):
        for data_id in stops(api_path, data_no).values():
            server.control.push(server.name, api_path, data_id)
        server.control.advance(5)
