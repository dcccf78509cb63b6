"""Says what breaks when Airflow changes one of its private parts that tests call."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import airflow.sdk
import pytest

from tests.core.airflow_private import PARTS, RETRY_POLICY, private

TESTS = Path(__file__).parents[1]
#: May name the private modules: the parts themselves, and the logger and registry of metrics.
PLACES = {"core/airflow_private.py", "core/statsd.py"}


@pytest.mark.parametrize("path", PARTS)
def test_it_is_as_it_was(path: str) -> None:
    arguments, rests_on_it = PARTS[path]
    if path == RETRY_POLICY and not hasattr(airflow.sdk, "RetryPolicy"):
        pytest.skip("Airflow 3.3 brought retry policies")
    try:
        inspect.signature(private(path)).bind(*range(arguments))
    except (ImportError, AttributeError, TypeError) as change:
        pytest.fail(f"{path}: {change}; no longer proven: {rests_on_it}")


def test_no_other_file_names_a_private_module_of_airflow() -> None:
    private_module = re.compile(r"\bairflow(\.\w+)*\._\w+|\b(runner|processor)\._[a-z]")
    naming = {
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if path != Path(__file__) and private_module.search(path.read_text())
    }
    assert naming == PLACES
