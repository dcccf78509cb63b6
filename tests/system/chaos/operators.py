"""The variants as Airflow operators, for the DAG files; see :mod:`tests.system.chaos.variants`."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator, get_parsing_context

from tests.system.chaos.tables.settings import CONCURRENCY
from tests.system.chaos.variants import VARIANTS
from tests.system.chaos.vendor import Submitter, Variant

SETTLE = 25
#: Of a task's process; Airflow's components have 0.
TASK_NICENESS = 10

MODES: Mapping[str, Mapping[str, Any]] = {
    "sync": {"wait_for_completion": True, "deferrable": False},
    "deferrable": {"wait_for_completion": True, "deferrable": True, "prepoll": 0},
    "no-wait": {"wait_for_completion": False, "deferrable": False},
}


def class_at(path: str) -> type[BaseOperator]:
    """
    An operator or sensor; imported now, since every task reads its DAG file and needs one vendor at the most.

    :param path: below the package
    """
    module, _, name = f"airflow_provider_workflows.{path}".rpartition(".")
    found: type[BaseOperator] = getattr(importlib.import_module(module), name)
    return found


def submitter(variant: str) -> Submitter:
    """How a variant is written in a DAG."""
    how = VARIANTS[variant].how
    assert how is not None, "it only watches"
    return how


def is_wanted(dag_id: str) -> bool:
    """Whether a DAG is to be made now: a task that reads its DAG file needs its own alone."""
    wanted = get_parsing_context().dag_id
    return wanted is None or wanted == dag_id


def give_way() -> None:
    """
    Let Airflow's components go before this process, if a task is what it runs.

    For the DAG files, which a task reads before all else. On two cores the reading of dozens keeps the
    scheduler waiting; once it is more than ``hand_over_lag`` late, it takes the end of a task that deferred
    for the end of the resumed one, and fails it.
    """
    if get_parsing_context().dag_id is not None:
        os.nice(TASK_NICENESS)


def mapped(
    variant: str, *, conn_id: str, size: int, mode: str = "no-wait", task_id: str = "submit", **arguments: Any
) -> Any:
    """
    One mapped task that submits ``size`` times.

    :param variant: its name
    :param conn_id: the Airflow connection
    :param size: how many
    :param mode: sync, deferrable or no-wait
    :param task_id: of the task
    :param arguments: of the operator, in place of the usual; ``operator`` is a class to use instead
    """
    how, operator, fixed = _prepared(variant, conn_id, mode, arguments)
    tag = "{{ dag_run.conf['tag'] }}"
    values = [how.value(f"{tag}.{index}", index) for index in range(size)]
    return operator.partial(task_id=task_id, **fixed).expand(**{how.each: values})


def single(
    variant: str, *, conn_id: str, tag: str, mode: str = "no-wait", task_id: str = "submit", **arguments: Any
) -> Any:
    """One task that submits once, with a tag of its own; otherwise as :func:`mapped`."""
    how, operator, fixed = _prepared(variant, conn_id, mode, arguments)
    return operator(task_id=task_id, **fixed, **{how.each: how.value(tag, 0)})


def table(variant: Variant, *, conn_id: str, **more: Any) -> BaseOperator:
    """
    One task that sends the table that the run's conf names; how many are rejected, others count.

    :param variant: what a record submits
    :param conn_id: the Airflow connection
    :param more: further arguments of the operator
    """
    how, many = submitter(variant.name), variant.table
    assert many is not None, "it has no operator for many records"
    arguments: dict[str, Any] = {**many.fixed, how.conn: conn_id, **more}
    return class_at(many.path)(
        task_id="submit",
        records="{{ dag_run.conf['records'] }}",
        key="key",
        fields=many.fields,
        columns=many.columns,
        max_rejects=1_000_000,
        concurrency=CONCURRENCY,
        settle=SETTLE,
        **arguments,
    )


def _prepared(
    variant: str, conn_id: str, mode: str, arguments: Mapping[str, Any]
) -> tuple[Submitter, type[BaseOperator], dict[str, Any]]:
    how = submitter(variant)
    rest = dict(arguments)
    operator = rest.pop("operator", None) or class_at(how.path)
    usual = {"settle": SETTLE, "poke_interval": 2, "timeout": 300, **MODES[mode], **how.fixed}
    taken = _parameters(operator)
    fixed = {name: value for name, value in usual.items() if name in taken}
    return how, operator, {**fixed, how.conn: conn_id, **rest}


def _parameters(operator: type[BaseOperator]) -> set[str]:
    """The arguments that an operator takes beside Airflow's own: moves, for one, do not wait."""
    own = operator.__mro__[: operator.__mro__.index(BaseOperator)]
    return {name for cls in own if "__init__" in vars(cls) for name in inspect.signature(cls).parameters}
