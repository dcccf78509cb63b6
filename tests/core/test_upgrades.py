"""
What earlier versions left in Airflow's database can be read: triggers, their events, and tasks' records.

``tests/data/upgrades``, and ``upgrades`` in a vendor's folder of tests, have a folder of samples for each
version, written by that version. What is there stays
as it is: a change of the package that a sample does not survive would strand the tasks that wait or retry
while a user upgrades. A version that writes something new gets a folder of its own with samples of that.
"""

from __future__ import annotations

import copy
import inspect
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import airflow_provider_workflows
from airflow_provider_workflows.blizwork.operators import BlizWorkInitCaseOperator
from airflow_provider_workflows.core.bulk.ends.conditions import ManyEnded
from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.protocol.operation import Renew
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.core.waiting.poller import result_of
from airflow_provider_workflows.core.waiting.schedule import WaitState
from airflow_provider_workflows.core.waiting.trigger import WaitTrigger
from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from tests.core.airflow_names import deserialize
from tests.vendors import VENDORS, connection_of

TESTS = Path(__file__).parent.parent
SAMPLES = TESTS / "data" / "upgrades"
PACKAGE = airflow_provider_workflows.__name__
#: Errors that only a worker raises, so that no event carries them.
IN_WORKERS_ONLY = {"NoSlot", "RecordsRejected", "RetryWouldRepeat", "RunMayRerun"}
#: What the package, or Python, says of a sample that it cannot read.
UNREADABLE = (ImportError, AttributeError, TypeError, ValueError, KeyError, AssertionError, WorkflowError)


def samples(kind: str) -> dict[str, Any]:
    """All samples of a kind, by version and name; a vendor may keep its own in its folder of tests."""
    folders = [SAMPLES, *(TESTS / vendor / "upgrades" for vendor in VENDORS)]
    return {
        f"{file.parent.name} {name}": sample
        for folder in folders
        for file in sorted(folder.glob(f"*/{kind}.json"))
        for name, sample in json.loads(file.read_text()).items()
    }


TRIGGERS, EVENTS = samples("triggers"), samples("events")


def family(cls: type[Any]) -> set[type[Any]]:
    """The class and its subclasses, of this package only: other tests make some of their own."""
    found = {cls}.union(*(family(child) for child in cls.__subclasses__()))
    return {one for one in found if one.__module__.startswith(f"{PACKAGE}.")}


def conditions() -> set[type[Condition]]:
    """Every condition of the package, wherever in it."""
    for module in pkgutil.walk_packages(airflow_provider_workflows.__path__, f"{PACKAGE}."):
        if ".sandbox" not in module.name:
            import_module(module.name)
    return {cls for cls in family(Condition) if not inspect.isabstract(cls)}


def stored_condition(sample: dict[str, Any]) -> dict[str, Any]:
    return dict(deserialize(copy.deepcopy(sample["kwargs"]))["condition"])


def plain(value: Any) -> Any:
    """A value as JSON has it: what was a tuple in one version may be a list in the next."""
    return json.loads(json.dumps(value))


def read_trigger(sample: dict[str, Any]) -> tuple[WaitTrigger, Condition, WaitState]:
    """Read a trigger as the triggerer does, and check that nothing of it was left out."""
    kwargs = deserialize(copy.deepcopy(sample["kwargs"]))
    trigger = import_string(sample["path"])(**kwargs)
    assert isinstance(trigger, WaitTrigger)
    condition, state = Condition.from_json(trigger.condition), WaitState.from_json(trigger.state)
    assert condition.remote_id == sample["watches"]
    for name, value in kwargs["state"].items():
        assert getattr(state, name) == value, name
    # A version that raises the format may store the same otherwise; the remote id must then do.
    if kwargs["condition"]["format"] == condition.format:
        for name, value in kwargs["condition"]["values"].items():
            assert plain(getattr(condition, name)) == plain(value), name
    return trigger, condition, state


def read_event(event: dict[str, Any]) -> Any:
    """Read an event as the resumed task does, and check that nothing of it was left out."""
    found = outcome_of(copy.deepcopy(event))
    if isinstance(found, WorkflowError):
        assert found.to_json() == event["error"]
    else:
        assert found == event["result"]
    return found


def outcome_of(event: Any) -> Any:
    try:
        return result_of(event)
    except WorkflowError as error:
        return error


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS:
        connection = connection_of(vendor).fields("https://vendor.example.com")
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(connection))


@pytest.mark.parametrize("name", TRIGGERS)
@pytest.mark.usefixtures("connections")
def test_a_trigger_is_read_and_looks_where_it_did(name: str) -> None:
    trigger, condition, _ = read_trigger(TRIGGERS[name])
    watches = TRIGGERS[name]["watches"]
    if isinstance(condition, ManyEnded):
        condition = Condition.from_json(condition.run)
        watches = condition.remote_id
    looking = condition.check(import_string(condition.hook_class)(trigger.conn_id).get_conn())
    asked = next(looking)
    while isinstance(asked, Renew):
        asked = looking.send("a credential")
    assert isinstance(asked, Request)
    for part in watches.split("/"):
        assert part in unquote(asked.path) + json.dumps(asked.json)


@pytest.mark.parametrize("name", TRIGGERS)
def test_what_is_read_is_written_again(name: str) -> None:
    trigger, condition, state = read_trigger(TRIGGERS[name])
    again = WaitTrigger(
        conn_id=trigger.conn_id,
        condition=condition.to_json(),
        state=state.to_json(),
        not_before=trigger.not_before,
    )
    path, kwargs = again.serialize()
    rebuilt = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert str(Condition.from_json(rebuilt.condition)) == str(condition)
    assert WaitState.from_json(rebuilt.state) == state


def test_every_condition_has_samples() -> None:
    sampled = {stored_condition(sample)["condition"] for sample in TRIGGERS.values()}
    missing = {f"{cls.__module__}.{cls.__qualname__}" for cls in conditions()} - sampled
    assert not missing, "add samples of these to the folder of the version that brings them"


def test_every_argument_of_every_condition_is_in_a_sample() -> None:
    read = [read_trigger(sample)[1] for sample in TRIGGERS.values()]
    missing = {
        f"{cls.__name__}.{field.name}"
        for cls in conditions()
        for field in fields(cls)
        if not any(type(one) is cls and getattr(one, field.name) != default(field) for one in read)
    }
    assert not missing, "add samples that give these another value than the default"


def default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def renamed(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    return {f"{key}_then" if key == name else key: value for key, value in mapping.items()}


def strange_triggers(sample: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sample as if a path or a name in it were not, or no longer, the package's."""
    yield "path of the trigger", {**sample, "path": f"{sample['path']}Then"}
    yield "module of the trigger", {**sample, "path": sample["path"].replace(".core.", ".core_then.")}
    kwargs = deserialize(copy.deepcopy(sample["kwargs"]))
    condition, state = kwargs["condition"], kwargs["state"]
    for name in kwargs:
        yield name, {**sample, "kwargs": renamed(kwargs, name)}
    for name in state:
        yield f"state {name}", {**sample, "kwargs": {**kwargs, "state": renamed(state, name)}}
    path, values = condition["condition"], condition["values"]
    others = [
        {**condition, "condition": f"{path}Then"},
        {**condition, "condition": path.replace(".conditions.", ".conditions_then.")},
        {**condition, "condition": "datetime.timedelta"},
        {**condition, "format": condition["format"] + 1000},
        *(renamed(condition, name) for name in condition),
        *({**condition, "values": renamed(values, name)} for name in values),
    ]
    for number, other in enumerate(others):
        yield f"condition {number}", {**sample, "kwargs": {**kwargs, "condition": other}}


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_changed_path_or_name_in_a_trigger_is_noticed(name: str) -> None:
    unnoticed = []
    for what, sample in strange_triggers(TRIGGERS[name]):
        try:
            read_trigger(sample)
        except UNREADABLE:
            continue
        unnoticed.append(what)
    assert not unnoticed


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read(name: str) -> None:
    found = read_event(EVENTS[name])
    if "error" in EVENTS[name]:
        assert isinstance(found, WorkflowError)
        assert type(found).__name__ == EVENTS[name]["error"]["error"]


def test_every_error_has_samples() -> None:
    sampled = {event["error"]["error"] for event in EVENTS.values() if "error" in event}
    assert {cls.__name__ for cls in family(WorkflowError)} - IN_WORKERS_ONLY <= sampled


def test_every_fact_of_an_error_is_in_a_sample() -> None:
    told = [set(event["error"]) for event in EVENTS.values() if "error" in event]
    assert {"error", "message", *WorkflowError.facts} <= set.union(*told)


@pytest.mark.parametrize("name", EVENTS)
def test_a_changed_name_in_an_event_is_noticed(name: str) -> None:
    event = EVENTS[name]
    # A failure is known by its error; its status says nothing more.
    strange = [renamed(event, key) for key in event if (key, "error" in event) != ("status", True)]
    if "error" in event:
        error = event["error"]
        strange += [{**event, "error": renamed(error, key)} for key in error]
        strange.append({**event, "error": {**error, "error": f"{error['error']}Then"}})
    for other in strange:
        with pytest.raises(UNREADABLE):
            read_event(other)


def test_operators_understand_what_their_wait_brought() -> None:
    order = OMFlowOpenOrderOperator(task_id="open", api_path="purchase", form_data={})
    assert order.execute_complete({}, EVENTS["0.1 done: order"]) == 17
    case = BlizWorkInitCaseOperator(task_id="init", workflow_id="credit")
    assert case.execute_complete({}, EVENTS["0.1 done: case"]) == 1
