"""
The fixture ``workflow_sandbox`` for users' tests. See docs/testing.md.

Every pytest run in an environment with this package loads this module, so it imports only pytest until a test
requests the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_workflows.sandbox.registry import Source
    from airflow_provider_workflows.testing import Sandboxes, WorkflowSandbox

_OPTION = "workflow_sandbox_processes"
_MARKER = "workflow_sandbox"
_MISSING = (
    "The fixture workflow_sandbox needs {name}, which is not installed. "
    "Run pip install 'airflow_provider_workflows[sandbox]'"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option for the file with the sandbox's processes."""
    parser.addini(
        _OPTION, "TOML file with the processes of the fixture workflow_sandbox, relative to the project root"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker for the processes of one test."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(processes): the processes of the fixture workflow_sandbox in this test: a TOML file, "
        "relative to the project root, or a mapping with the same content",
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
    Return the processes of the vendors in ``workflow_sandbox``; a conftest or test module may override it.

    By default the file in the option ``workflow_sandbox_processes``, or the processes that ship with the
    sandbox.
    """
    return str(pytestconfig.getini(_OPTION)) or None


@pytest.fixture
def workflow_sandbox(
    request: pytest.FixtureRequest, _workflow_sandboxes: Sandboxes, workflow_sandbox_processes: Source
) -> Iterator[WorkflowSandbox]:
    """
    OMFlow, MyBPM, BlizWork, Robusta RPA and Kiban Workfloo on 127.0.0.1, empty, with connections to them.

    Tests in one process that use the same workflow processes share one server, which starts with the first
    test.
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
            pytest.fail(f"The processes of the fixture workflow_sandbox are invalid: {error}", pytrace=False)
        try:
            yield sandbox
        finally:
            sandbox.close()


def _of_marker(request: pytest.FixtureRequest, otherwise: Source) -> Source:
    marker = request.node.get_closest_marker(_MARKER)
    if marker is None:
        return otherwise
    if marker.args or set(marker.kwargs) != {"processes"}:
        pytest.fail(f"The marker {_MARKER} takes only the argument processes=", pytrace=False)
    source: Source = marker.kwargs["processes"]
    return source
