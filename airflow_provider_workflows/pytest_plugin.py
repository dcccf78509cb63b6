"""
The fixture ``workflow_sandbox``, for the tests of those who use this package. See docs/testing.md.

Every pytest run in an environment with this package loads this module, so it imports nothing but pytest
until the fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_workflows.sandbox.declaration import Source
    from airflow_provider_workflows.testing import Sandboxes, WorkflowSandbox

_OPTION = "workflow_sandbox_processes"
_MARKER = "workflow_sandbox"
_MISSING = (
    "The fixture workflow_sandbox needs {name}, which is not installed: "
    "pip install 'airflow_provider_workflows[sandbox]'"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that names the team's processes."""
    parser.addini(
        _OPTION, "TOML file with the processes of the fixture workflow_sandbox, from the root of the project"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that names a test's processes."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(processes): the processes of the fixture workflow_sandbox in this test: a TOML file, "
        "from the root of the project, or a mapping of what it would hold",
    )


@pytest.fixture(scope="session")
def _workflow_sandboxes() -> Iterator[Sandboxes]:
    from airflow_provider_workflows.testing import Sandboxes

    sandboxes = Sandboxes()
    yield sandboxes
    sandboxes.stop()


@pytest.fixture
def workflow_sandbox_processes(pytestconfig: pytest.Config) -> Source:
    """
    The processes that the vendors of ``workflow_sandbox`` know, for a conftest or a test module to override.

    By default the file that the option ``workflow_sandbox_processes`` names, else the shipped processes.
    """
    return str(pytestconfig.getini(_OPTION)) or None


@pytest.fixture
def workflow_sandbox(
    request: pytest.FixtureRequest, _workflow_sandboxes: Sandboxes, workflow_sandbox_processes: Source
) -> Iterator[WorkflowSandbox]:
    """
    OMFlow, MyBPM, BlizWork, Robusta RPA and Kiban Workfloo on 127.0.0.1, empty, with connections to them.

    The server is shared by the tests of a process that want the same processes, and starts with the first.
    """
    from airflow_provider_workflows.sandbox.declaration import DeclarationError

    source = _of_marker(request, workflow_sandbox_processes)
    if isinstance(source, str):
        source = request.config.rootpath / source
    with pytest.MonkeyPatch.context() as patch:
        try:
            sandbox = _workflow_sandboxes.empty(source, patch)
        except ModuleNotFoundError as error:
            name = (error.name or "a library").partition(".")[0]
            pytest.fail(_MISSING.format(name=name), pytrace=False)
        except DeclarationError as error:
            pytest.fail(f"The processes of the fixture workflow_sandbox: {error}", pytrace=False)
        yield sandbox


def _of_marker(request: pytest.FixtureRequest, otherwise: Source) -> Source:
    marker = request.node.get_closest_marker(_MARKER)
    if marker is None:
        return otherwise
    if marker.args or set(marker.kwargs) != {"processes"}:
        pytest.fail(f"The marker {_MARKER} takes processes=, and nothing else", pytrace=False)
    source: Source = marker.kwargs["processes"]
    return source
