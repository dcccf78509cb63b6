"""The code of docs/hooks.md does what the page says; tests/docs/test_blocks.py proves that it runs at all."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.exceptions import Throttled
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.testing import WorkflowSandbox
from dev.layout import ROOT
from tests.documents import files_of

HOOKS = ROOT / "docs" / "hooks.md"
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """Return a page's Python blocks, in order."""
    return _PYTHON.findall(page.read_text(encoding="utf-8"))


def names_of(code: str) -> dict[str, Any]:
    """Run a block, and return the names that it defines."""
    names: dict[str, Any] = {"__name__": "documented"}
    exec(compile(code, "documented.py", "exec"), names)
    return names


@pytest.fixture
def orders(workflow_sandbox: WorkflowSandbox) -> list[str]:
    """Purchase orders at Review, more than a page of them."""
    hook = OMFlowHook()
    numbers = [
        hook.open_order("purchase", [{"id": "FORMITM_1", "value": f"Desk {number}"}]) for number in range(3)
    ]
    workflow_sandbox.advance(10)
    return [str(number) for number in numbers]


def test_pages_are_read_to_the_last(orders: list[str]) -> None:
    code = files_of(HOOKS)["dags/open_orders.py"]
    assert "size=100" in code
    names = names_of(code.replace("size=100", "size=2"))
    assert names["standing_at"].function("Review") == {
        number: f"Desk {index}" for index, number in enumerate(orders)
    }
    assert names["standing_at"].function("Legal") == {}


def test_many_are_asked_side_by_side(orders: list[str]) -> None:
    names = names_of(files_of(HOOKS)["dags/many_orders.py"])
    assert names["where"].function(orders) == {number: ["Review"] for number in orders}
    assert asyncio.run(names["stops_of"]([])) == {}


def test_errors_tell_what_the_page_reads_from_them(
    orders: list[str], workflow_sandbox: WorkflowSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    title_of = names_of(next(code for code in blocks(HOOKS) if "title_of" in code))["title_of"]
    assert title_of(orders[0]) == "Desk 0"
    assert title_of("999") is None
    fault = workflow_sandbox.throttle("omflow", "list", retry_after=90)
    with pytest.raises(Throttled):
        title_of(orders[0])
    assert workflow_sandbox.struck(fault) == 1
    assert "OMFlow asks for 90.0 s" in capsys.readouterr().out


def test_a_read_is_sent_as_often_as_the_page_says() -> None:
    assert (Retry().attempts, Retry().cap) == (4, 30)
