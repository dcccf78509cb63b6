"""
Waits for many records of one account in the triggerer, while people end them, and says what that took.

usage: python -m benchmarks.peers.waits VENDOR SANDBOX COUNT

It is a process of its own. Its triggers share one event loop, as those of a triggerer do.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

from airflow_provider_workflows.core.connection.hook import AnyHook
from airflow_provider_workflows.core.waiting.condition import Done, GroupedCondition
from airflow_provider_workflows.core.waiting.poller import result_of
from airflow_provider_workflows.core.waiting.schedule import WaitState, look
from airflow_provider_workflows.core.waiting.trigger import WaitTrigger
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.mybpm.conditions import FieldReached
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.sandbox.control import Control
from dev.vendors import CONNECTIONS

#: Seconds over which the waits begin, and between which their records end: 60 on average.
BEGINS, ENDS = 10.0, (35.0, 95.0)
#: Records that are made, and looked at in the end, at the same time.
AT_ONCE, LOOKERS = 4, 64
LOAN = "64b5f0c2a1d3e4f5a6b7c801"
FORM = {"first_name": "Ana", "last_name": "Torres", "amount": 25000, "married": "no"}


@dataclass(frozen=True)
class Subject:
    """
    What is waited for at a vendor.

    :param make: makes a record; returns the condition for its end, and what ends it
    :param not_ours: endpoints that only whoever ends the records calls
    """

    hook: AnyHook
    make: Callable[[int], tuple[GroupedCondition, Callable[[], object]]]
    not_ours: frozenset[str] = frozenset()


def subject(vendor: str, control: Control) -> Subject:
    """Return what is waited for at a vendor."""
    match vendor:
        case "omflow-1.2":
            omflow = OMFlowHook()

            def order(number: int) -> tuple[GroupedCondition, Callable[[], object]]:
                data_no = omflow.open_order("two-step", {"FORMITM_1": f"title {number}"})
                assert data_no is not None
                for _ in range(2):
                    control.advance(5)
                    (stop,) = omflow.query("two-step", data_no)
                    if stop.stop_chart_text == "Review":
                        control.push(vendor, "two-step", stop.data_id)
                end = lambda: control.push(vendor, "two-step", stop.data_id)  # noqa: E731
                return OrderClosed(api_path="two-step", data_no=data_no, fields=["FORMITM_1"]), end

            return Subject(omflow, order)
        case "kiban":
            kiban = KibanHook()

            def execution(number: int) -> tuple[GroupedCondition, Callable[[], object]]:
                id = kiban.start(LOAN)
                end = lambda: control.command("kiban", "answer", execution_id=id)  # noqa: E731
                return ExecutionSucceeded(execution_id=id, result_fields=["nodes.0.name"]), end

            return Subject(kiban, execution)
    mybpm = MyBPMHook()

    def instance(number: int) -> tuple[GroupedCondition, Callable[[], object]]:
        boi = mybpm.upsert("CUSTOMER", {"IIN": f"W-{number}", "NAME": "begun"})
        end = lambda: mybpm.upsert("CUSTOMER", {"NAME": "done"}, boi_id=boi.boi_id)  # noqa: E731
        return FieldReached(bo_code="CUSTOMER", boi_id=boi.boi_id, field="NAME", values=["done"]), end

    return Subject(mybpm, instance, frozenset({"upsert"}))


async def wait(what: Subject, condition: GroupedCondition, begin: float) -> tuple[float, Any]:
    """Wait as the triggerer does after a look in the worker; return when it was over, and the result."""
    state = WaitState.begin(now=begin, timeout=600, cap=60, tolerance=100)
    await asyncio.sleep(begin - time.time())
    trigger = WaitTrigger(
        conn_id=what.hook.conn_id,
        condition=condition.to_json(),
        state=replace(state, known=True, next_look=begin + 1).to_json(),
        not_before=0.0,
    )
    async for event in trigger.run():
        return time.time(), result_of(event.payload)
    raise AssertionError("unreachable: a trigger ends with an event")


async def main(vendor: str, sandbox: str, count: int) -> dict[str, float]:
    control = Control(sandbox, timeout=60)
    what = subject(vendor, control)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(what.make, range(count)))
        before = control.effects(vendor)["requests"]
        begin = time.time() + 1
        draw = random.Random(count)
        waits = [
            asyncio.create_task(wait(what, condition, begin + BEGINS * draw.random()))
            for condition, _ in made
        ]
        ending: list[asyncio.Future[object]] = []
        ends = [begin + draw.uniform(*ENDS) for _ in made]
        for date, (_, end) in sorted(zip(ends, made, strict=True), key=lambda one: one[0]):
            await asyncio.sleep(max(0.0, date - time.time()))
            ending.append(asyncio.get_running_loop().run_in_executor(pool, end))
        await asyncio.gather(*ending)
        over = await asyncio.gather(*waits)
    after = control.effects(vendor)["requests"]
    requests = sum(n - before.get(name, 0) for name, n in after.items() if name not in what.not_ours)
    # A single look at an order that is closed takes some seconds.
    with ThreadPoolExecutor(LOOKERS) as pool:
        alone = list(pool.map(lambda one: look(what.hook, one[0]), made))
    others = sum(one != Done(result) for one, (_, result) in zip(alone, over, strict=True))
    late = mean(seen - date for date, (seen, _) in zip(ends, over, strict=True))
    return {"requests": requests, "others": others, "late": late, "cpu": time.process_time()}


if __name__ == "__main__":
    for connection in CONNECTIONS:
        os.environ[f"AIRFLOW_CONN_{connection.conn_id.upper()}"] = json.dumps(connection.fields(sys.argv[2]))
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
