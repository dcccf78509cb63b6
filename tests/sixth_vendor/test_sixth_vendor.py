"""
A vendor more takes its own room and no change in ``core``.

The room is beside this file. What it gets from those three is proven here over a real socket.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_provider_workflows import provider
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    OutcomeUnknown,
    RunFailed,
)
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.harness import Clock, Runner
from tests.sixth_vendor.conftest import RING, sending
from tests.sixth_vendor.pigeon_post.connection import FORM
from tests.sixth_vendor.pigeon_post.hooks import PigeonHook
from tests.sixth_vendor.pigeon_post.sensors import PigeonArrivalSensor

PACKAGE = Path(provider.__file__).parent
CORE = ("core", "exceptions")
VENDORS = (*(form.conn_type for form in provider.FORMS), FORM.conn_type)

MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False},
    "reschedule": {"deferrable": False, "mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}


def waiting(letter: str, clock: Clock, **how: Any) -> Runner:
    how = {"timeout": 120, "poke_interval": 20, **how}
    return Runner(lambda: PigeonArrivalSensor(task_id="wait", letter=letter, **how), clock=clock)


class TestItWorks:
    def test_in_a_worker_and_on_an_event_loop(self, loft: SandboxServer) -> None:
        hook = PigeonHook()
        letter = hook.send("Ada", "hello")
        assert hook.look_at(letter)["state"] == "flying"
        loft.control.advance(40)

        async def look() -> Any:
            return await hook.alook_at(letter)

        assert asyncio.run(look())["state"] == "arrived"

    def test_an_operator_that_starts_once(self, loft: SandboxServer) -> None:
        runner = sending()
        assert runner.run() == runner.retry() == "letter-1"
        url = "https://loft.example.com/letters/letter-1?as=page"
        assert runner.ti.xcoms["remote"] == {"vendor": "Pigeon Post", "id": "letter-1", "url": url}
        # The retry has asked how it stands.
        assert loft.control.effects("pigeon") == {"sent": 1, "requests": {"send": 1, "look": 1}}

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_an_operator_that_waits(self, loft: SandboxServer, clock: Clock, deferrable: bool) -> None:
        runner = sending(clock, wait_for_completion=True, deferrable=deferrable)
        assert runner.run() == "Ada"
        assert len(runner.deferrals) == deferrable

    def test_a_lost_answer_is_a_doubt_and_no_second_letter(self, loft: SandboxServer) -> None:
        fault = loft.control.fault("pigeon", "send", "lost_answer")
        runner = sending()
        for attempt in (runner.run, runner.retry):
            with pytest.raises(OutcomeUnknown):
                attempt()
        assert loft.control.hits(fault) == 1
        assert loft.control.effects("pigeon")["sent"] == 1

    @pytest.mark.parametrize("mode", MODES)
    def test_a_sensor_in_every_mode(self, loft: SandboxServer, clock: Clock, mode: str) -> None:
        letter = PigeonHook().send("Ada", "hello")
        runner = waiting(letter, clock, **MODES[mode])
        assert runner.run() == "Ada"
        assert bool(runner.reschedules) == (mode == "reschedule")
        assert bool(runner.deferrals) == (mode == "deferrable")
        assert RING not in json.dumps(runner.triggers)

    @pytest.mark.parametrize("mode", MODES)
    def test_a_sensor_whose_thing_fails_or_never_comes(
        self, loft: SandboxServer, clock: Clock, mode: str
    ) -> None:
        letter = PigeonHook().send("nowhere", "hello")
        with pytest.raises(AirflowSensorTimeout):
            waiting(letter, clock, **MODES[mode], timeout=15).run()
        with pytest.raises(RunFailed):
            waiting(letter, clock, **MODES[mode]).run()

    def test_answers_that_are_broken_are_asked_for_again(self, loft: SandboxServer, clock: Clock) -> None:
        letter = PigeonHook().send("Ada", "hello")
        fault = loft.control.fault("pigeon", "look", "bad_gateway", times=2)
        assert waiting(letter, clock, deferrable=True, prepoll=0).run() == "Ada"
        assert loft.control.hits(fault) == 2

    def test_a_connection_is_checked_by_its_form(
        self, loft: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert PigeonHook().test_connection()[0]
        fields = {"conn_type": "pigeon", "host": loft.vendor_url("pigeon"), "password": "wrong-ring"}
        monkeypatch.setenv("AIRFLOW_CONN_PIGEON_DEFAULT", json.dumps(fields))
        with pytest.raises(AuthenticationFailed):
            PigeonHook().send("Ada", "hello")
        monkeypatch.setenv("AIRFLOW_CONN_PIGEON_DEFAULT", json.dumps({**fields, "extra": {"flock": "pink"}}))
        with pytest.raises(InvalidConnection, match=r"'flock' \(Flock\) must be one of grey, white"):
            PigeonHook().get_conn()


def test_one_entry_tells_airflow_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "FORMS", (*provider.FORMS, FORM))
    info = provider.get_provider_info()
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    assert info["connection-types"][-1]["connection-type"] == "pigeon"
    for kind in ("operators", "sensors", "hooks"):
        (path,) = info[kind][-1]["python-modules"]
        assert importlib.import_module(path).__name__ == path


def imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_it_knows_nothing_of_the_package_but_the_core() -> None:
    room = Path(__file__).with_name("pigeon_post")
    modules = set().union(*(imported(path) for path in room.glob("*.py")))
    ours = {name for name in modules if name.startswith("airflow_provider_workflows")}
    assert {name.split(".")[1] for name in ours} <= set(CORE)
    assert {
        "airflow_provider_workflows.core.tasks.operator",
        "airflow_provider_workflows.core.tasks.sensor",
    } <= ours


def naming(folder: Path) -> dict[str, list[str]]:
    """Names of vendors that occur in a folder's sources, by file."""
    texts = {path.name: path.read_text(encoding="utf-8").lower() for path in folder.rglob("*.py")}
    return {
        name: found for name, text in texts.items() if (found := [word for word in VENDORS if word in text])
    }


def test_no_vendors_name_is_in_the_core() -> None:
    assert len(list((PACKAGE / "core").rglob("*.py"))) > 30
    assert naming(PACKAGE / "core") == {}


def test_a_vendors_name_would_be_found() -> None:
    assert naming(PACKAGE / "omflow")["connection.py"] == ["omflow"]
    assert "pigeon" in naming(Path(__file__).parent)["api.py"]
