"""
What Airflow and the sandbox make of a vendor that is installed as a distribution of its own.

``test_outside.py`` installs it and runs this in a process that finds it.
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from airflow.providers_manager import ProvidersManager
from pigeon_post import PigeonArrivalSensor, PigeonHook, PigeonSendOperator
from pigeon_post.connection import FORM

from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown
from airflow_provider_workflows.testing import WorkflowSandbox
from tests.core.harness import Clock, Runner

DISTRIBUTION = "airflow-provider-pigeon-post"


@pytest.fixture
def clock(workflow_sandbox: WorkflowSandbox, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(workflow_sandbox.control).install(monkeypatch)


def sending(clock: Clock) -> Runner:
    return Runner(lambda: PigeonSendOperator(task_id="send", to="Ada", text="hello"), clock=clock)


def test_it_comes_from_a_distribution_of_its_own() -> None:
    installed = Path(str(distribution(DISTRIBUTION).locate_file("")))
    assert Path(str(sys.modules["pigeon_post"].__file__)).is_relative_to(installed)
    assert not (installed / "airflow_provider_workflows").exists()


def test_airflow_shows_its_form() -> None:
    # Before anything else asks: Airflow 3.1 shows no forms to whoever asks second in a process.
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = (one for one in HookMetaService.hook_meta_data() if one.connection_type == "pigeon")
    shown: Any = form.standard_fields
    assert (shown.host.title, shown.password.title, shown.login.hidden) == ("Loft", "Ring number", True)
    assert list(form.extra_fields or {}) == [one.name for one in FORM.all_fields]


def test_airflow_lists_its_provider_and_its_connection_type() -> None:
    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    assert manager.providers[DISTRIBUTION].version == distribution(DISTRIBUTION).version
    hook = manager.hooks["pigeon"]
    assert hook is not None
    assert (hook.hook_name, hook.hook_class_name) == ("Pigeon Post", "pigeon_post.hooks.PigeonHook")
    assert f"{FORM.package}.notifications.PigeonSendNotifier" in str(manager.notification)


def test_its_operator_starts_once(workflow_sandbox: WorkflowSandbox, clock: Clock) -> None:
    runner = sending(clock)
    assert runner.run() == runner.retry() == "letter-1"
    assert workflow_sandbox.effects("pigeon")["sent"] == 1
    assert runner.ti.xcoms["remote"]["vendor"] == "Pigeon Post"


def test_its_operator_sends_nothing_again_after_a_lost_answer(
    workflow_sandbox: WorkflowSandbox, clock: Clock
) -> None:
    fault = workflow_sandbox.lose_answer("pigeon", "send")
    runner = sending(clock)
    for attempt in (runner.run, runner.retry, runner.clear):
        with pytest.raises(OutcomeUnknown):
            attempt()
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("pigeon")["requests"] == {"send": 1}


def test_its_sensor_defers(workflow_sandbox: WorkflowSandbox, clock: Clock) -> None:
    letter = PigeonHook().send("Ada", "hello")
    waiting = {"task_id": "wait", "letter": letter, "deferrable": True, "prepoll": 0, "timeout": 120}
    runner = Runner(lambda: PigeonArrivalSensor(**waiting), clock=clock)
    assert runner.run() == "Ada"
    assert len(runner.deferrals) == 1
    (trigger,) = runner.triggers
    assert "pigeon_post.conditions.LetterArrived" in trigger


def test_without_the_setting_its_sensor_says_so_in_the_worker(
    workflow_sandbox: WorkflowSandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES", "airflow.*")
    waiting = {"task_id": "wait", "letter": "L1", "deferrable": True}
    with pytest.raises(
        InvalidInput, match=r"Add pigeon_post\.\* to \[core\] allowed_deserialization_classes"
    ):
        Runner(lambda: PigeonArrivalSensor(**waiting), clock=clock).run()
