"""
No secret in anything that Airflow keeps or shows, after runs with faults at DEBUG level against all vendors.

It runs last, and searches what the tests before it have left in their Airflow as well.
"""

from __future__ import annotations

import configparser
import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_client import TERMINAL
from dev.airflow_home import CONFIGURATION
from dev.ports import HeldPort
from dev.sandbox_process import running_sandbox
from tests.system.conftest import HOME, ISSUERS, PATIENCE, System
from tests.system.dags.canary import planted
from tests.system.http_answers import airflow_answers, sandbox_answers
from tests.system.search import ENCRYPTED, Place, database, decrypted, files, found
from tests.vendors import VENDORS, connection_of

pytestmark = [pytest.mark.system, pytest.mark.last]

EXAMPLES = (*(dag_id for vendor in VENDORS.values() for dag_id in vendor.examples), "loan_origination")
#: What a wait or a repeated request survives.
PASSING = ("echo", "not_json", "lost_answer", "bad_gateway", "truncated", "reset_before")
#: What the DAG ``plant`` plants, and the places, by their beginning, where it must be found.
PLANTED = {
    "log": ("logs/dag_id=plant/",),
    "log in Base64": ("logs/dag_id=plant/",),
    "exception": ("logs/dag_id=plant/",),
    "xcom": ("xcom.value",),
    "state store": ("task_state_store.value", "plant.plant/state-store"),
    "rendered": (
        "rendered_task_instance_fields.",
        "/dags/~/dagRuns/~/taskInstances",
        "log.extra",
        "/eventLogs",
    ),
}
HARSH_SANDBOX = HOME.with_name("harsh-sandbox")


class Canary:
    """The system with a second sandbox, where what goes wrong spares the example DAGs."""

    def __init__(self, system: System, harsh: Control, nobody: HeldPort) -> None:
        self.system = system
        self.nobody = nobody
        self.harsh = harsh
        self.faults: list[tuple[Control, str]] = []
        self._key = self._configured("core", "fernet_key")

    def connect(self) -> dict[str, dict[str, Any]]:
        """Make the connections to the second sandbox, and return them."""
        connections = {
            f"{conn_id.removesuffix('_default')}_canary": fields
            for conn_id, fields in self.system.accounts.connections(self.harsh.url).items()
            if conn_id.endswith("_default")
        }
        known = self.system.accounts.secrets
        connections["mybpm_canary"].update(login="", password=known["mybpm_api_token"])
        proxy = f"http://someone:{quote(known['proxy'], safe='')}@127.0.0.1:{self.nobody.number}"
        proxied = {**connections["omflow_canary"]}
        proxied["extra"] = {**proxied["extra"], "proxies": {"http": proxy}}
        connections["omflow_proxied"] = proxied
        for conn_id, fields in connections.items():
            self.system.airflow.add_connection(conn_id, fields)
        return connections

    def fault(self, control: Control, vendor: str, endpoint: str, kind: str, **details: Any) -> None:
        """Order a fault that must have struck in the end."""
        self.faults.append((control, control.fault(connection_of(vendor).mount, endpoint, kind, **details)))

    def unstruck(self, at: Control | None = None) -> list[str]:
        """The faults that have struck nothing, at one sandbox or both."""
        return [
            fault
            for control, fault in self.faults
            if (at is None or at is control) and not control.hits(fault)
        ]

    def known(self) -> dict[str, str]:
        """All secrets by label, those that the vendors have issued by number."""
        self.system.note_issued()
        issued = self.system.issued.union(*(self.harsh.issued(vendor) for vendor in ISSUERS))
        numbered = {f"issued {number}": secret for number, secret in enumerate(sorted(issued))}
        return {**self.system.accounts.secrets, **numbered}

    def kept(self) -> Iterator[Place]:
        """All that Airflow and the sandboxes keep and show."""
        yield from files(HOME)
        yield from self.in_database()
        yield from airflow_answers(self.system.airflow)
        for folder in (self.system.folder, HARSH_SANDBOX):
            yield from ((f"{folder.name}: {place}", content) for place, content in files(folder))
        for control in (self.system.control, self.harsh):
            yield from sandbox_answers(control)

    def in_database(self) -> Iterator[Place]:
        """All that the metadata database holds, in readable form but for the connections' own columns."""
        return database(self.system.airflow.database, self._key)

    def encrypted(self) -> list[Place]:
        """What the connections' own columns hold."""
        path = self.system.airflow.database
        return [(place, decrypted(path, self._key, place)) for place in ENCRYPTED]

    @staticmethod
    def _configured(section: str, name: str) -> str:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(HOME / CONFIGURATION)
        return parser[section][name]


@pytest.fixture
def canary(system: System) -> Iterator[Canary]:
    declaration = HARSH_SANDBOX / "processes.toml"
    system.accounts.declare(declaration)
    with running_sandbox(HARSH_SANDBOX, processes=declaration) as sandbox, HeldPort() as nobody:
        declaration.unlink()
        yield Canary(system, Control(sandbox.url, timeout=PATIENCE), nobody)


def test_no_secret_is_kept_anywhere(canary: Canary) -> None:
    system, airflow = canary.system, canary.system.airflow
    said = press_test(canary, canary.connect())
    spoil(canary)
    root = secrets.token_hex(16)
    runs = {dag_id: system.run(dag_id) for dag_id in (*EXAMPLES, "canary")}
    runs["plant"] = system.run("plant", root=root, rendered=planted(root, "rendered"))

    # While they wait, what they wait for is in the database.
    airflow.wait_until(partial(all_wait, canary, runs["canary"]), timeout=PATIENCE, what="all to wait")
    waiting = dict(canary.in_database())
    assert b"airflow_provider_workflows" in waiting["trigger.classpath"]
    assert b"omflow_canary" in waiting["trigger.kwargs"], "encrypted, so this was read with the key"
    leaks = found(canary.known(), waiting.items())  # before the assertion, which would tell its arguments
    assert leaks == {}

    end_waits(canary, runs["canary"])
    states = {dag: airflow.wait_for_run(dag, run_id, timeout=PATIENCE) for dag, run_id in runs.items()}
    assert states == {**dict.fromkeys(EXAMPLES, "success"), "canary": "failed", "plant": "failed"}
    tasks = system.tasks("canary", runs["canary"])
    assert {name for name, task in tasks.items() if task.state == "success"} == {
        f"{vendor}_begin" for vendor in VENDORS
    }
    assert any(task.try_number == 2 for task in tasks.values()), "a task was retried"
    assert canary.unstruck() == []

    kept = [*canary.kept(), ("Test connection", said)]
    leaks = found(canary.known(), kept)
    assert leaks == {}

    # That nothing was found means something only if what is there is found.
    told = found({label: planted(root, label) for label in PLANTED}, kept)
    overlooked = [
        (label, place)
        for label, places in PLANTED.items()
        for place in places
        if not any(one.startswith(place) for one in told.get(label, ()))
    ]
    assert overlooked == []
    encrypted = found(system.accounts.secrets, canary.encrypted())
    assert set(encrypted) == set(system.accounts.secrets), "each was in a connection"


def press_test(canary: Canary, connections: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Press each connection's Test button: as it is, with a wrong secret, with a server that tells all."""
    said = []
    for conn_id, fields in connections.items():
        vendor = str(fields["conn_type"])
        wrong = {**fields, "password": canary.system.accounts.secrets[f"{vendor}_wrong"]}
        works, message = canary.system.airflow.test_connection(conn_id, fields)
        assert works == (conn_id != "omflow_proxied")
        passes, reason = canary.system.airflow.test_connection(f"{conn_id}_wrong", wrong)
        assert not passes
        fault = canary.harsh.fault(connection_of(vendor).mount, "any", "echo", times=99)
        _, failure = canary.system.airflow.test_connection(conn_id, fields)
        assert (canary.harsh.hits(fault) > 0) == works
        canary.harsh.clear_faults()
        said += [message, reason, failure]
    return "\n".join(said).encode()


def spoil(canary: Canary) -> None:
    """Order the faults: at the first sandbox some that a task survives, at the second all."""
    for vendor in VENDORS:
        # After each that strikes a request is spared, which is no good for reads that are done but twice.
        for skip, kind in enumerate(PASSING[:3]):
            canary.fault(canary.system.control, vendor, VENDORS[vendor].reads, kind, skip=skip)
        for skip, kind in enumerate(PASSING):
            canary.fault(canary.harsh, vendor, VENDORS[vendor].reads, kind, skip=skip)
        canary.fault(canary.harsh, vendor, VENDORS[vendor].starts, "throttled", retry_after=120)
        canary.fault(canary.harsh, vendor, VENDORS[vendor].starts, "lost_answer")
        canary.fault(canary.harsh, vendor, VENDORS[vendor].starts, "echo")


def all_wait(canary: Canary, run_id: str) -> bool | None:
    """Whether two tasks a vendor are in the triggerer, and all faults at their sandbox have struck."""
    tasks = canary.system.tasks("canary", run_id)
    states = {tasks[f"{vendor}_{name}"].state for vendor in VENDORS for name in ("watch", "killed")}
    assert not states.intersection(TERMINAL | {"upstream_failed"}), states
    return (states == {"deferred"} and not canary.unstruck(canary.harsh)) or None


def end_waits(canary: Canary, run_id: str) -> None:
    """Void all codes and tokens, kill half of the waits, let a server that tells all refuse the others."""
    for control in (canary.system.control, canary.harsh):
        for vendor in ISSUERS:
            control.restart(vendor)
    for vendor in VENDORS:
        canary.system.airflow.set_state("canary", run_id, f"{vendor}_killed", "failed")
        canary.fault(canary.harsh, vendor, VENDORS[vendor].reads, "echo", status=401, times=99)
