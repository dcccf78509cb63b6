"""The variants as Airflow operators, for the DAG files; see :mod:`tests.system.chaos.variants`."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import BaseOperator, get_parsing_context

SETTLE = 25
#: Of a task's process; Airflow's components have 0.
TASK_NICENESS = 10
#: Ids of the workfloos that ``processes.toml`` declares.
KIBAN_SHORT, KIBAN_PATIENT = "64b5f0c2a1d3e4f5a6b7c901", "64b5f0c2a1d3e4f5a6b7c902"
TAG = "{{ dag_run.conf['tag'] }}.{{ ti.map_index }}"

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


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """
    How a variant is written in a DAG.

    :param path: of its class, below the package
    :param conn: name of the argument for the connection id
    :param fixed: arguments that are the same for all
    :param each: name of the argument that differs
    :param value: that argument, given a tag and an index
    """

    path: str
    conn: str
    each: str
    value: Callable[[str, int], Any]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operator(self) -> type[BaseOperator]:
        """The class."""
        return class_at(self.path)


def _target(tag: str, index: int) -> str:
    return f"{{{{ dag_run.conf['targets'][{index}] }}}}"


SUBMITTERS: Mapping[str, Submitter] = {
    "omflow_keyed": Submitter(
        path="omflow.operators.OMFlowOpenOrderOperator",
        conn="omflow_conn_id",
        fixed={"api_path": "short", "run_key_field": "FORMITM_2"},
        each="form_data",
        value=lambda tag, index: {"FORMITM_1": tag},
    ),
    "omflow_plain": Submitter(
        path="omflow.operators.OMFlowOpenOrderOperator",
        conn="omflow_conn_id",
        fixed={"api_path": "short"},
        each="form_data",
        value=lambda tag, index: {"FORMITM_1": tag},
    ),
    "mybpm_unique": Submitter(
        path="mybpm.operators.MyBPMUpsertBOIOperator",
        conn="mybpm_conn_id",
        fixed={"bo_code": "REQUEST", "unique_field": "NUM"},
        each="field_values",
        value=lambda tag, index: {"NUM": tag},
    ),
    "mybpm_once": Submitter(
        path="mybpm.operators.MyBPMUpsertBOIOperator",
        conn="mybpm_conn_id",
        fixed={"bo_code": "NOTE"},
        each="field_values",
        value=lambda tag, index: {"TEXT": tag},
    ),
    "blizwork": Submitter(
        path="blizwork.operators.BlizWorkInitCaseOperator",
        conn="blizwork_conn_id",
        each="workflow_id",
        value=lambda tag, index: "short",
    ),
    "robusta": Submitter(
        path="robusta.operators.RobustaStartProcessOperator",
        conn="robusta_conn_id",
        fixed={"process_name": "ShortBot", "worker": "3"},
        each="values",
        value=lambda tag, index: {"tag": tag},
    ),
    "kiban_keyed": Submitter(
        path="kiban.operators.KibanStartWorkflooOperator",
        conn="kiban_conn_id",
        fixed={"workfloo_id": KIBAN_SHORT, "run_key_field": "run_key"},
        each="form",
        value=lambda tag, index: {"tag": tag},
    ),
    "kiban_plain": Submitter(
        path="kiban.operators.KibanStartWorkflooOperator",
        conn="kiban_conn_id",
        fixed={"workfloo_id": KIBAN_SHORT},
        each="form",
        value=lambda tag, index: {"tag": tag},
    ),
    "omflow_push": Submitter(
        path="omflow.operators.OMFlowPushOrderOperator",
        conn="omflow_conn_id",
        fixed={"api_path": "signing", "stop_chart_text": "Sign", "form_data": {"FORMITM_1": TAG}},
        each="data_no",
        value=_target,
    ),
    "blizwork_exec": Submitter(
        path="blizwork.operators.BlizWorkExecActivityOperator",
        conn="blizwork_conn_id",
        fixed={
            "workflow_id": "signing",
            "form_id": "sign",
            "next_form_id": "sign",
            "form_data": {"text": TAG},
        },
        each="case_number",
        value=_target,
    ),
    "kiban_answer": Submitter(
        path="kiban.operators.KibanAnswerStepOperator",
        conn="kiban_conn_id",
        fixed={"form": {"a": TAG}},
        each="execution_id",
        value=_target,
    ),
}


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


def _prepared(
    variant: str, conn_id: str, mode: str, arguments: Mapping[str, Any]
) -> tuple[Submitter, type[BaseOperator], dict[str, Any]]:
    how = SUBMITTERS[variant]
    rest = dict(arguments)
    operator = rest.pop("operator", how.operator)
    usual = {"settle": SETTLE, "poke_interval": 2, "timeout": 300, **MODES[mode], **how.fixed}
    taken = _parameters(operator)
    fixed = {name: value for name, value in usual.items() if name in taken}
    return how, operator, {**fixed, how.conn: conn_id, **rest}


def _parameters(operator: type[BaseOperator]) -> set[str]:
    """The arguments that an operator takes beside Airflow's own: moves, for one, do not wait."""
    own = operator.__mro__[: operator.__mro__.index(BaseOperator)]
    return {name for cls in own if "__init__" in vars(cls) for name in inspect.signature(cls).parameters}
