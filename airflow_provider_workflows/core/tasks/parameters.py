"""
The parameters that operators, sensors and notifiers share, for editors and type checkers.

A constructor that passes ``**kwargs`` on says by ``Unpack`` which ones there are, so that an editor completes
them and a type checker refuses a misspelt one. Nothing here is needed at run time: import it for types alone.

Each parameter of a class of this package is a named one of that class's constructor as well. Airflow reads a
DAG's ``default_args`` by the names in a constructor's signature, which do not include these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Required, TypeAlias, TypedDict, TypeVar

from airflow.sdk import Context, XComArg

from airflow_provider_workflows.core.runtime.durations import Duration

if TYPE_CHECKING:
    from airflow.sdk import DAG, ObjectStoragePath, RetryPolicy, TaskGroup
    from airflow.sdk.types import WeightRuleParam

    from airflow_provider_workflows.core.submission.terms import (
        OnAskTimeout,
        OnClear,
        OnFailedRun,
        OnLostAnswer,
    )

T = TypeVar("T")

#: What a template field takes: its value, text with Jinja, or another task's output.
Templated: TypeAlias = T | str | XComArg
#: What Airflow calls when a task's state changes; a notifier is one.
Callback: TypeAlias = Callable[[Context], None]
#: What is called when a person is asked.
Notifiers: TypeAlias = Callback | Sequence[Callback]
#: Who may answer: ``{"id": "ada", "name": "Ada"}``, as Airflow's auth manager knows them.
Users: TypeAlias = Mapping[str, str] | Sequence[Mapping[str, str]] | None


class BaseParameters(TypedDict, total=False):
    """The parameters of Airflow's ``BaseOperator`` that no class here has a default of its own for."""

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    retry_policy: RetryPolicy | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: WeightRuleParam
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Callback | list[Callback] | None
    on_failure_callback: Callback | list[Callback] | None
    on_success_callback: Callback | list[Callback] | None
    on_retry_callback: Callback | list[Callback] | None
    on_skipped_callback: Callback | list[Callback] | None
    pre_execute: Callback | None
    post_execute: Callable[[Context, Any], None] | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    inlets: object
    outlets: object
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class BaseSensorParameters(BaseParameters, total=False):
    """The parameters of Airflow's ``BaseSensorOperator``."""

    poke_interval: timedelta | float
    timeout: timedelta | float | None
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class OperatorParameters(BaseParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.tasks.operator.WorkflowOperator`."""

    multiple_outputs: bool | None


class AskingParameters(OperatorParameters, total=False):
    """How a person is asked about a lost answer, with ``on_lost_answer="ask"``."""

    on_lost_answer: OnLostAnswer
    ask_timeout: Duration | None
    on_ask_timeout: OnAskTimeout
    ask_notifiers: Notifiers
    assigned_users: Users


class OnceParameters(AskingParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.tasks.operator.OnceOperator`."""

    settle: Duration


class WaitingParameters(OnceParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.tasks.operator.WaitingOperator`."""

    wait_for_completion: bool
    deferrable: bool | None
    timeout: Duration
    poke_interval: Duration
    tolerance: Duration
    prepoll: Duration
    on_failed_run: OnFailedRun
    on_clear: OnClear


class ManyParameters(AskingParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`."""

    records: Required[
        Templated[Iterable[Mapping[str, object]] | Mapping[str, object] | Path | ObjectStoragePath]
    ]
    fields: Templated[Mapping[str, object] | None]
    columns: Templated[Mapping[str, str] | None]
    key: Templated[str | None]
    keep: Templated[Sequence[str]]
    results: Templated[str | None]
    validate: bool
    max_rejects: float
    concurrency: int
    settle: Duration
    tolerance: Duration


class SensorParameters(BaseSensorParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`."""

    multiple_outputs: bool | None
    deferrable: bool | None
    tolerance: Duration
    prepoll: Duration


class ManySensorParameters(SensorParameters, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.bulk.sensor.ManySensor`."""

    results: Required[Templated[Mapping[str, object] | Path | ObjectStoragePath]]
    id_column: Templated[str]
    ends: Templated[str | None]
    max_failed: float
    concurrency: int


class NotifierParameters(TypedDict, total=False):
    """The parameters of :class:`~airflow_provider_workflows.core.notifications.notifier.WorkflowNotifier`."""

    context: Context | None
