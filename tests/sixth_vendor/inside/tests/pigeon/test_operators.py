"""Pigeon Post's operator, imported as users import it, sends a letter once."""

from __future__ import annotations

import pytest
from airflow_provider_workflows.pigeon import PigeonSendOperator

from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.testing import WorkflowSandbox
from tests.core.harness import Runner


def sending() -> Runner:
    return Runner(lambda: PigeonSendOperator(task_id="send", to="Ada", text="hello"))


def test_it_starts_once(workflow_sandbox: WorkflowSandbox) -> None:
    runner = sending()
    assert runner.run() == runner.retry() == "letter-1"
    assert workflow_sandbox.effects("pigeon")["sent"] == 1


def test_a_lost_answer(workflow_sandbox: WorkflowSandbox) -> None:
    fault = workflow_sandbox.lose_answer("pigeon", "send")
    runner = sending()
    for attempt in (runner.run, runner.retry):
        with pytest.raises(OutcomeUnknown):
            attempt()
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("pigeon")["requests"] == {"send": 1}
