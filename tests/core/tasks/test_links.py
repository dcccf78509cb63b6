"""The link from a task to the vendor's page: there where the connection says its address, and else absent."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_workflows.core.tasks.lineage import REMOTE
from airflow_provider_workflows.core.tasks.links import RecordLink
from airflow_provider_workflows.core.tasks.task import WorkflowTaskMixin
from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor
from airflow_provider_workflows.provider import FORMS, RECORD_LINK, get_provider_info
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner, TaskInstance
from tests.core.questions import PARKED, PARKS, Questions
from tests.core.questions import questions as questions
from tests.omflow.orders import open_order, opening, push_all
from tests.vendors import VENDORS


@pytest.fixture
def page(omflow: OMFlowServer, sandbox: SandboxServer) -> str:
    """The address below which the sandbox shows orders; the connection has it."""
    url = f"{sandbox.url}/records/{omflow.name}"
    omflow.connect(extra={"ui_url": f"{url}/{{api_path}}/{{data_no}}"})
    return url


def link_of(task: Any, ti: TaskInstance, monkeypatch: pytest.MonkeyPatch) -> str:
    """What Airflow's task runner keeps when an attempt has ended."""
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: ti_key.xcoms.get(key))
    (link,) = task.operator_extra_links
    url: str = link.get_link(operator=task, ti_key=ti)
    return url


def tasks() -> Iterator[type[Any]]:
    """All operators and sensors of all vendors."""
    for form in FORMS:
        for name in ("operators", "sensors"):
            module = importlib.import_module(f"{form.package}.{name}")
            for _, found in inspect.getmembers(module, inspect.isclass):
                if issubclass(found, WorkflowTaskMixin) and found.__module__ == module.__name__:
                    yield found


def test_every_operator_and_sensor_has_the_link() -> None:
    found = list(tasks())
    assert len(found) >= 2 * len(FORMS)
    for one in found:
        if not inspect.isabstract(one):
            (link,) = one.operator_extra_links
            assert (link.name, link.xcom_key) == (f"Open in {one.vendor}", "_link_RecordLink")


def test_mapped_tasks_have_it() -> None:
    mapped = OMFlowOpenOrderOperator.partial(task_id="open", api_path="x").expand(form_data=[{}, {}])
    assert [link.name for link in mapped.operator_extra_links] == ["Open in OMFlow"]


def test_whoever_sets_other_links_keeps_them() -> None:
    class Own(OMFlowOpenOrderOperator):
        operator_extra_links = (RecordLink("elsewhere"),)

    class More(Own):
        pass

    assert [link.name for link in More.operator_extra_links] == ["Open in elsewhere"]


def test_airflow_is_told_of_the_link() -> None:
    assert get_provider_info()["extra-links"] == [RECORD_LINK]
    module, _, name = RECORD_LINK.rpartition(".")
    assert getattr(importlib.import_module(module), name) is RecordLink
    assert RecordLink().name


@pytest.mark.parametrize("how", [{}, {"deferrable": True, "prepoll": 0}, {"deferrable": False}], ids=str)
def test_leads_to_the_order(
    omflow: OMFlowServer, clock: Clock, page: str, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = opening(
        clock, api_path="two-step", form_data={"FORMITM_1": "x"}, wait_for_completion=bool(how), **how
    )
    clock.after(60, lambda: push_all(omflow, "two-step", 1, times=2))
    runner.run()
    assert len(runner.deferrals) == bool(how.get("deferrable"))
    url = link_of(runner.make_task(), runner.ti, monkeypatch)
    assert url == f"{page}/two-step/1"
    shown = requests.get(url, timeout=5)
    assert (shown.status_code, "order two-step/1" in shown.text) == (200, True)


def test_a_retry_that_attaches_has_it_too(
    omflow: OMFlowServer, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = opening()
    runner.run()
    runner.retry()
    assert omflow.effects()["opened"] == 1
    assert link_of(runner.make_task(), runner.ti, monkeypatch) == f"{page}/purchase/1"


def test_a_sensor_has_it_while_it_waits(
    omflow: OMFlowServer, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_order(omflow, "two-step")
    runner = Runner(lambda: OMFlowDataIdSensor(task_id="wait", api_path="two-step", data_no=1))
    runner.run()
    assert link_of(runner.make_task(), runner.ti, monkeypatch) == f"{page}/two-step/1"


@pytest.mark.parametrize("on_lost_answer", ["fail", "ask"])
def test_of_a_start_in_doubt_leads_to_the_list(
    omflow: OMFlowServer,
    clock: Clock,
    page: str,
    questions: Questions,
    on_lost_answer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    omflow.fault("open", "lost_answer")
    runner = opening(clock, on_lost_answer=on_lost_answer, deferrable=False, store=PARKS)
    with pytest.raises(OutcomeUnknown if on_lost_answer == "fail" else PARKED):
        runner.begin()
    url = link_of(runner.make_task(), runner.ti, monkeypatch)
    assert url == f"{page}/"
    shown = requests.get(url, timeout=5)
    assert (shown.status_code, "purchase/1" in shown.text) == (200, True)


def announced(task: WorkflowTaskMixin, remote_id: str) -> Any:
    """What a task leaves in XCom about what it works on."""
    ti = TaskInstance()
    task.announce({"ti": ti}, remote_id)  # type: ignore[typeddict-item]
    return ti.xcoms[REMOTE]


def test_it_costs_the_vendor_nothing(omflow: OMFlowServer, page: str) -> None:
    task = OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data={})
    assert announced(task, "two-step/7")["url"] == f"{page}/two-step/7"
    assert omflow.effects()["requests"] == {}


@pytest.mark.parametrize("ended", ["nothing", "no address", "another thing"])
def test_absent_where_nothing_is_known(
    omflow: OMFlowServer, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = opening()
    if ended == "no address":
        runner.run()
        assert runner.ti.xcoms[REMOTE] == {"vendor": "OMFlow", "id": "purchase/1"}
    if ended == "another thing":
        runner.ti.xcoms[REMOTE] = "somebody else's"
    assert link_of(runner.make_task(), runner.ti, monkeypatch) == ""


def test_a_connection_that_cannot_be_read_is_not_the_links_business(
    omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_OMFLOW_DEFAULT")
    task = OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data={})
    assert announced(task, "two-step/7") == {"vendor": "OMFlow", "id": "two-step/7"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_what_each_vendors_tasks_announce_has_a_page(form: Any) -> None:
    condition = VENDORS[form.conn_type].condition
    assert condition.hook_class == form.hook_class
    placeholders = form.ui_link.placeholders.replace(", ", "/")
    url = form.ui_link.url(f"https://x.example/{placeholders}", condition.remote_id)
    assert url == f"https://x.example/{condition.remote_id}"
