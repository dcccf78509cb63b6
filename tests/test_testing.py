"""What the fixture ``workflow_sandbox`` hands to a test, in this process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.submission import terms
from airflow_provider_workflows.exceptions import AuthenticationFailed, OutcomeUnknown
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.testing import WorkflowSandbox
from dev.vendors import CONNECTIONS
from tests.core.harness import Runner
from tests.vendors import VENDORS

HOOKS = {f"{form.conn_type}_default": form.hook_class for form in FORMS}
OWN = {name: vendor.own for name, vendor in VENDORS.items()}


def opening(**arguments: Any) -> Runner:
    """The task that opens an order of a shipped process, with a key field."""
    form = {"FORMITM_1": "Desk", "FORMITM_2": 480}
    given = {"api_path": "purchase", "form_data": form, "run_key_field": "FORMITM_3", **arguments}
    return Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **given))


#: Tables of all vendors that say nothing of who may come in.
BARE: dict[str, Any] = {form.conn_type: {} for form in FORMS}


@pytest.mark.parametrize("processes", [None, BARE, OWN], ids=["shipped", "no accounts", "own accounts"])
def test_every_connection_leads_to_its_vendor(
    request: pytest.FixtureRequest, processes: dict[str, Any] | None
) -> None:
    request.applymarker(pytest.mark.workflow_sandbox(processes=processes))
    sandbox: WorkflowSandbox = request.getfixturevalue("workflow_sandbox")
    for conn_id, hook in HOOKS.items():
        reached, message = import_string(hook)(conn_id).test_connection()
        assert reached, message
        assert sandbox.url in message


@pytest.mark.workflow_sandbox(processes=OWN)
def test_the_accounts_are_the_declared_ones(workflow_sandbox: WorkflowSandbox) -> None:
    for name, vendor in VENDORS.items():
        told = json.loads(os.environ[f"AIRFLOW_CONN_{name.upper()}_DEFAULT"])
        assert (told["login"], told["password"]) == vendor.own_login
        assert told["extra"].items() >= vendor.own_extra.items()


@pytest.mark.workflow_sandbox(processes={"omflow": {"users": []}, "robusta": {}})
def test_a_vendor_that_lets_nobody_in_has_no_connection(workflow_sandbox: WorkflowSandbox) -> None:
    assert "AIRFLOW_CONN_OMFLOW_DEFAULT" not in os.environ
    with pytest.raises(LookupError, match=r"has no vendor 'omflow'\. Known names: robusta, robusta rpa"):
        workflow_sandbox.connect("omflow")


CALLED = [
    (name, known.mount)
    for known in CONNECTIONS
    for name in (known.conn_type, known.vendor, known.vendor.upper(), known.vendor.split()[0], known.mount)
]


@pytest.mark.parametrize(("name", "mount"), [*CALLED, ("omflow-1.1", "omflow-1.1")])
def test_vendors_are_called_as_people_call_them(
    workflow_sandbox: WorkflowSandbox, name: str, mount: str
) -> None:
    assert workflow_sandbox.mount(name) == mount


def test_another_id_version_and_field(workflow_sandbox: WorkflowSandbox) -> None:
    assert workflow_sandbox.connect("omflow-1.1", "erp", extra={"timeout": 2}) == "erp"
    hook = OMFlowHook("erp")
    assert (hook.get_conn().version, hook.timeout) == ("1.1", 2)
    assert hook.open_order("simple", [{"id": "FORMITM_1", "value": "Desk"}]) is not None
    assert workflow_sandbox.effects("omflow-1.1")["opened"] == 1
    assert workflow_sandbox.effects("omflow")["opened"] == 0
    workflow_sandbox.connect("omflow", password="wrong")
    with pytest.raises(AuthenticationFailed):
        OMFlowHook().open_order("simple", [{"id": "FORMITM_1", "value": "Desk"}])


def test_no_proxy_of_the_environment_is_asked(
    workflow_sandbox: WorkflowSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert OMFlowHook().test_connection()[0]


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_lost_answer_is_one_that_took_effect(workflow_sandbox: WorkflowSandbox, time: str) -> None:
    # In the second test the process holds a security code of the first, which the sandbox has forgotten:
    # were it sent, the fault would strike a call that is refused.
    fault = workflow_sandbox.lose_answer("omflow", "open")
    with pytest.raises(OutcomeUnknown):
        OMFlowHook().open_order("simple", [{"id": "FORMITM_1", "value": "Desk"}])
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("omflow")["opened"] == 1
    assert [one["kind"] for one in workflow_sandbox.records("omflow")] == ["order"]


def test_a_doubt_settles_when_the_test_says_so(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.settle_after(0.5)
    fault = workflow_sandbox.lose_request("omflow", "open")
    began = time.monotonic()
    assert opening().run() == "1"
    assert 0.5 <= time.monotonic() - began < 10
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("omflow")["opened"] == 1
    assert workflow_sandbox.effects("omflow")["requests"]["open"] == 2


def test_a_doubt_settles_by_the_operator_otherwise(workflow_sandbox: WorkflowSandbox) -> None:
    assert terms.current.settle is None
    workflow_sandbox.settle_after(0.5)
    assert terms.current.settle == 0.5


def test_throttling_is_waited_out(workflow_sandbox: WorkflowSandbox) -> None:
    fault = workflow_sandbox.throttle("omflow", "open", retry_after=1)
    assert opening().run() == "1"
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("omflow")["opened"] == 1


@pytest.mark.workflow_sandbox(
    processes={
        "omflow": {
            "latency": 600,
            "processes": {
                "slow": {"flow": {"start": {"kind": "start", "to": "Hold"}, "Hold": {"kind": "human"}}}
            },
        }
    }
)
def test_the_vendors_time_and_the_hand_of_a_person(workflow_sandbox: WorkflowSandbox) -> None:
    data_no = OMFlowHook().open_order("slow")
    (order,) = workflow_sandbox.records("omflow")
    assert (data_no, order["state"]) == ("1", "running")
    workflow_sandbox.advance(600)
    (order,) = workflow_sandbox.records("omflow")
    assert order["standing"] == ["Hold"]
    action = order["actions"][0]
    workflow_sandbox.command("omflow", action["command"], **action["arguments"])
    workflow_sandbox.advance(600)
    workflow_sandbox.restart("omflow")
    (order,) = workflow_sandbox.records("omflow")
    assert (order["stops"], order["actions"]) == (["Hold"], [])


def until(
    sandbox: WorkflowSandbox, vendor: str, holds: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Return the vendor's records once all are as wanted."""
    deadline = time.monotonic() + 60
    while not all(map(holds, sandbox.records(vendor))):
        assert time.monotonic() < deadline, sandbox.records(vendor)
        time.sleep(0.02)
    return sandbox.records(vendor)


def finished(record: dict[str, Any]) -> bool:
    return bool(record["state"] == "finished")


def test_somebody_acts_once_their_time_has_come(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.person("omflow", at="Review", after=7 * 86400)
    workflow_sandbox.person("omflow", at="Approve")
    OMFlowHook().open_order("two-step", [{"id": "FORMITM_1", "value": "Desk"}])
    (somebody,) = (one for one in workflow_sandbox._people if one._after)
    while not somebody._seen:
        time.sleep(0.02)
    (order,) = workflow_sandbox.records("omflow")
    assert order["standing"] == ["Review"]
    workflow_sandbox.advance(7 * 86400)
    (order,) = until(workflow_sandbox, "omflow", finished)
    assert order["stops"] == ["Review", "Approve"]


def test_somebody_chooses_by_the_words_of_an_action(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.person("blizwork", at="application", action="withdrawn")
    case = BlizWorkHook().init_case("credit")
    (record,) = until(workflow_sandbox, "blizwork", finished)
    assert str(case) in record["id"]
    assert record["stops"] == ["application"]


def test_somebody_fills_in_a_form(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.person("kiban", at="Applicant")
    KibanHook().start("64b5f0c2a1d3e4f5a6b7c801", scenario_id="64b5f0c2a1d3e4f5a6b7a001")
    until(workflow_sandbox, "kiban", lambda execution: "Applicant" in execution["stops"])


def test_somebody_decides_on_an_instance(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.person("mybpm", at="Decide", action="Refuse")
    MyBPMHook().upsert("REQUEST", {"SUBJECT": "Desk"})
    (request,) = until(workflow_sandbox, "mybpm", lambda request: "DECISION" in request["fields"])
    assert request["fields"]["DECISION"] == "no"


def test_an_action_that_is_not_there_is_an_error_at_the_end(workflow_sandbox: WorkflowSandbox) -> None:
    workflow_sandbox.person("omflow", action="Review")
    OMFlowHook().open_order("simple", [{"id": "FORMITM_1", "value": "Desk"}])
    (somebody,) = workflow_sandbox._people
    somebody.join(60)
    with pytest.raises(LookupError, match=r"order simple/1 has no action 'Review'\. Actions: Push"):
        workflow_sandbox.close()


@pytest.mark.parametrize(
    ("vendor", "stop", "known"),
    [
        ("omflow", "Reveiw", "'Review'"),
        ("mybpm", "Decided", "'Decide'"),
        ("blizwork", "Application", "'application'"),
        ("robusta", "waiting", "'WAITING'"),
        ("kiban", "Applicnt", "'Applicant'"),
    ],
)
def test_a_misspelled_stop_is_an_error_at_once(
    workflow_sandbox: WorkflowSandbox, vendor: str, stop: str, known: str
) -> None:
    with pytest.raises(LookupError, match=f"no process of {vendor} has a stop '{stop}'.* Stops: .*{known}"):
        workflow_sandbox.person(vendor, at=stop)


@pytest.mark.parametrize(
    ("vendor", "stop", "action", "known"),
    [
        ("omflow", "Review", "Sign", "'Push “Review”'"),
        ("mybpm", "Decide", "refuse", "'Refuse'"),
        ("blizwork", "application", "withdraw it", "'Run “application” → “withdrawn”'"),
        ("robusta", "", "Go", "'Run now', 'Stop'"),
        ("kiban", "Applicant", "Approve", "'Answer “Applicant”'"),
    ],
)
def test_a_misspelled_action_is_an_error_at_once(
    workflow_sandbox: WorkflowSandbox, vendor: str, stop: str, action: str, known: str
) -> None:
    with pytest.raises(LookupError, match=f"{vendor} offers no action '{action}' .* Actions: .*{known}"):
        workflow_sandbox.person(vendor, at=stop, action=action)


def test_a_mapping_is_not_kept(workflow_sandbox: WorkflowSandbox) -> None:
    declared: dict[str, Any] = {"omflow": {"users": []}}
    load_declaration(declared)["omflow"]["users"].append({"name": "x"})
    assert declared == {"omflow": {"users": []}}
