"""The fixture ``workflow_sandbox`` in projects of users: each test runs pytest in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import airflow.sdk
import pytest

from dev.layout import ROOT
from tests.documents import files_of

PLUGIN = {"airflow_provider_workflows", "airflow_provider_workflows.pytest_plugin"}
PROCESSES = """
[omflow.processes.invoice.fields]
FORMITM_1 = { label = "Supplier" }
[omflow.processes.invoice.flow]
start = { kind = "start", to = "Review" }
Review = { kind = "human" }
"""
WITH_DAG_TEST = pytest.mark.skipif(
    not hasattr(airflow.sdk, "RetryPolicy"), reason="the page's conftest is for Airflow 3.3"
)
#: Refuses to reach anything but this machine, wherever in the process it is tried.
ONLY_LOOPBACK = """
import sys
def refuse(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        assert arguments[1][0] in ("127.0.0.1", "::1"), arguments[1]
sys.addaudithook(refuse)
"""


def project(folder: Path, files: dict[str, str]) -> Path:
    """Write a project; it has an ini file of its own, so that pytest looks for none above."""
    for name, text in {"pytest.ini": "[pytest]\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user does, without what this run of pytest has put into the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AIRFLOW"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "AIRFLOW_HOME": str(folder / "airflow"), **environment},
        capture_output=True,
        text=True,
        timeout=900,  # a busy machine is no defect of the code
    )


def outcomes(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Return the numbers of pytest's last line."""
    found = re.findall(r"(\d+) (passed|failed|error|skipped)", run.stdout.splitlines()[-1])
    assert found, run.stdout + run.stderr
    return {word: int(number) for number, word in found}


def test_the_plugin_imports_nothing_but_itself() -> None:
    script = (
        "import json, sys, pytest\n"
        "before = set(sys.modules)\n"
        "import airflow_provider_workflows.pytest_plugin\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(json.loads(run.stdout)) == PLUGIN


def test_a_run_without_the_fixture_loads_nothing_else(tmp_path: Path) -> None:
    dump = "import json, sys\ndef test_it(): open('modules.json', 'w').write(json.dumps(list(sys.modules)))\n"
    loaded = {}
    for choice in ("workflow_sandbox", "no:workflow_sandbox"):
        folder = project(tmp_path / choice.replace(":", "-"), {"test_it.py": dump})
        run = run_pytest(folder, "-p", choice, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert outcomes(run) == {"passed": 1}
        loaded[choice] = set(json.loads((folder / "modules.json").read_text()))
    assert loaded["workflow_sandbox"] - loaded["no:workflow_sandbox"] == PLUGIN


def test_pytest_finds_it_and_airflow_is_not_needed_for_it(tmp_path: Path) -> None:
    test = (
        "import sys\n"
        "def test_it(workflow_sandbox):\n"
        "    assert workflow_sandbox.records('kiban') == []\n"
        "    assert not {'airflow', 'requests', 'aiohttp'} & set(sys.modules)\n"
    )
    assert outcomes(run_pytest(project(tmp_path, {"test_it.py": test}))) == {"passed": 1}


@pytest.mark.parametrize("name", ["fastapi", "uvicorn", "python_multipart"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, name: str) -> None:
    files = {
        "conftest.py": f"import sys\nsys.modules[{name!r}] = None\n",  # as if it were not installed
        "test_it.py": "def test_other(): pass\ndef test_it(workflow_sandbox): pass\n",
    }
    run = run_pytest(project(tmp_path, files))
    assert outcomes(run) == {"passed": 1, "error": 1}
    assert (
        f"needs {name}, which is not installed. Run pip install 'airflow_provider_workflows[sandbox]'"
        in run.stdout
    )
    assert "Traceback" not in run.stdout


KNOWS = """
import pytest
from airflow_provider_workflows.sandbox.control import ControlError

def knows(sandbox, api_path):
    try:
        sandbox.command("omflow", "set_process", api_path=api_path, enabled=True)
    except ControlError:
        return False
    return True
"""


def test_processes_by_option_by_marker_and_by_fixture(tmp_path: Path) -> None:
    of_option = KNOWS + (
        "def test_option(workflow_sandbox):\n"
        "    assert knows(workflow_sandbox, 'invoice') and not knows(workflow_sandbox, 'purchase')\n"
        "@pytest.mark.workflow_sandbox(processes={'omflow': {'processes': {}}})\n"
        "def test_mapping(workflow_sandbox):\n"
        "    assert not knows(workflow_sandbox, 'invoice')\n"
        "@pytest.mark.workflow_sandbox(processes='other/processes.toml')\n"
        "def test_file(workflow_sandbox):\n"
        "    assert knows(workflow_sandbox, 'claim')\n"
        "@pytest.mark.workflow_sandbox(processes=None)\n"
        "def test_shipped(workflow_sandbox):\n"
        "    assert knows(workflow_sandbox, 'purchase')\n"
    )
    of_fixture = KNOWS + (
        "@pytest.fixture\n"
        "def workflow_sandbox_processes(tmp_path):\n"
        "    path = tmp_path / 'processes.toml'\n"
        f"    path.write_text({PROCESSES.replace('invoice', 'travel')!r})\n"
        "    return path\n"
        "def test_fixture(workflow_sandbox):\n"
        "    assert knows(workflow_sandbox, 'travel') and not knows(workflow_sandbox, 'invoice')\n"
    )
    files = {
        "pytest.ini": "[pytest]\naddopts = --strict-markers\nworkflow_sandbox_processes = processes.toml\n",
        "processes.toml": PROCESSES,
        "other/processes.toml": PROCESSES.replace("invoice", "claim"),
        "deep/test_option.py": of_option,
        "deep/test_fixture.py": of_fixture,
    }
    run = run_pytest(project(tmp_path, files))
    assert outcomes(run) == {"passed": 5}, run.stdout


def test_connections_end_with_the_test(tmp_path: Path) -> None:
    test = (
        "import os\n"
        "def test_in(workflow_sandbox):\n"
        "    workflow_sandbox.connect('kiban', 'score')\n"
        "    assert {'AIRFLOW_CONN_SCORE', 'AIRFLOW_CONN_KIBAN_DEFAULT'} <= set(os.environ)\n"
        "def test_after():\n"
        "    assert not {'AIRFLOW_CONN_SCORE', 'AIRFLOW_CONN_KIBAN_DEFAULT'} & set(os.environ)\n"
    )
    assert outcomes(run_pytest(project(tmp_path, {"test_it.py": test}))) == {"passed": 2}


def test_what_cannot_be_used_is_said_in_a_line(tmp_path: Path) -> None:
    test = (
        "import pytest\n"
        "@pytest.mark.workflow_sandbox(processes='gone.toml')\n"
        "def test_gone(workflow_sandbox): pass\n"
        "@pytest.mark.workflow_sandbox('processes.toml')\n"
        "def test_nameless(workflow_sandbox): pass\n"
        "@pytest.mark.workflow_sandbox(processes={'onflow': {}})\n"
        "def test_misspelt(workflow_sandbox): pass\n"
    )
    run = run_pytest(project(tmp_path, {"test_it.py": test}))
    assert outcomes(run) == {"error": 3}
    assert f"cannot read {tmp_path / 'gone.toml'}: No such file" in run.stdout
    assert "takes only the argument processes=" in run.stdout
    assert "unknown onflow" in run.stdout
    assert "Traceback" not in run.stdout


SHARED = """
import os
import pytest

@pytest.mark.parametrize("number", range(8))
def test_it(workflow_sandbox, number):
    assert workflow_sandbox.effects("OMFlow")["requests"] == {}
    workflow_sandbox.command("omflow", "add_user", name="one", password="one", rights=[])
    worker = os.environ.get("PYTEST_XDIST_WORKER", "only")
    with open("servers.txt", "a") as file:
        file.write(f"{worker} {workflow_sandbox.url}\\n")
"""


@pytest.mark.parametrize(("arguments", "servers"), [((), 1), (("-n", "2"), 2)])
def test_one_server_a_process(tmp_path: Path, arguments: tuple[str, ...], servers: int) -> None:
    run = run_pytest(project(tmp_path, {"test_it.py": SHARED}), *arguments)
    assert outcomes(run) == {"passed": 8}
    used = (tmp_path / "servers.txt").read_text().splitlines()
    assert (len(used), len(set(used)), len({line.split()[1] for line in used})) == (8, servers, servers)


def _hear_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background: it does not hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    test = (
        "import urllib.request\n"
        "def test_it(workflow_sandbox):\n"
        "    workflow_sandbox.fault('robusta', 'any', 'hang')\n"
        "    open('url.part', 'w').write(workflow_sandbox.url)\n"
        "    __import__('os').rename('url.part', 'url.txt')\n"
        "    urllib.request.urlopen(workflow_sandbox.url + '/robusta/rpa/anything')\n"
    )
    project(tmp_path, {"test_it.py": test})
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,
    )
    told = tmp_path / "url.txt"
    deadline = time.monotonic() + 60
    while not told.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    port = int(told.read_text().rpartition(":")[2])
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    """The example of docs/testing.md, file by file."""
    files = files_of(ROOT / "docs" / "testing.md")
    assert set(files) == {
        "dags/invoice.py",
        "dags/reviewed_invoice.py",
        "pytest.ini",
        "tests/conftest.py",
        "tests/processes.toml",
        "tests/test_invoice.py",
        "tests/test_reviewed_invoice.py",
    }
    return files | {"only_loopback.py": ONLY_LOOPBACK}


@WITH_DAG_TEST
def test_the_documented_example_passes_offline(example: dict[str, str], tmp_path: Path) -> None:
    run = run_pytest(project(tmp_path, example), "-p", "only_loopback")
    assert outcomes(run) == {"passed": 5}, run.stdout


@WITH_DAG_TEST
def test_the_documented_example_catches_a_broken_dag(example: dict[str, str], tmp_path: Path) -> None:
    dag = example["dags/invoice.py"]
    keyless = dag.replace('        run_key_field="FORMITM_3",\n', "")
    assert keyless != dag
    run = run_pytest(project(tmp_path, {**example, "dags/invoice.py": keyless}), "-k", "lost_answer")
    assert outcomes(run) == {"failed": 1}
    assert "FAILED tests/test_invoice.py::test_a_lost_answer_opens_no_second_order" in run.stdout
