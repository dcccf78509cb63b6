"""
The private parts of Airflow that tests call, each in this file alone, but for the metrics' in ``statsd.py``.

With them, tests prove that Airflow's own code gets along with this package. Airflow promises none of them:
``test_airflow_private.py`` says which one has changed, and what is then no longer proven.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Dotted path -> how many arguments it is given, and what rests on it.
PARTS: dict[str, tuple[int, str]] = {
    "airflow.sdk._shared.secrets_masker.redact": (
        1,
        "that what the package asks Airflow to mask is masked",
    ),
    "airflow.sdk._shared.secrets_masker.reset_secrets_masker": (
        0,
        "that a test is as fast late in a run as early: each secret makes Airflow compile all of them anew",
    ),
    "airflow.sdk._shared.secrets_masker.should_hide_value_for_key": (
        1,
        "that Airflow hides exactly the secret fields of a connection form by their names",
    ),
    "airflow.sdk.execution_time.task_runner._run_task_state_change_callbacks": (
        4,
        "that a notifier works as a task's callback",
    ),
    "airflow.sdk.execution_time.task_runner._evaluate_retry_policy": (
        4,
        "that Airflow follows WorkflowRetryPolicy",
    ),
    "airflow.dag_processing.processor._execute_dag_callbacks": (
        3,
        "that a notifier works as a run's callback",
    ),
}
REDACT, FORGET_SECRETS, HIDES, TASK_CALLBACKS, RETRY_POLICY, RUN_CALLBACKS = PARTS


def private(path: str) -> Any:
    """
    One of the parts.

    :param path: a key of :data:`PARTS`
    :raises ImportError, AttributeError: if this Airflow does not have it
    """
    assert path in PARTS
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
