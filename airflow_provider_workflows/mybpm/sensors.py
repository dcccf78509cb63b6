"""MyBPM's sensors: they wait until an instance's field has a value, or until it is in a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.mybpm.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.mybpm.conditions import FieldReached, StateReached


class _BoiSensor(WorkflowSensor):
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "mybpm_conn_id"

    bo_code: str
    boi_id: str
    failed_states: Sequence[str]

    def _instance(self) -> dict[str, Any]:
        """Return the arguments that all conditions on an instance share."""
        return {"bo_code": self.bo_code, "boi_id": self.boi_id, "failed_states": self.failed_states}


class MyBPMFieldSensor(_BoiSensor):
    """
    Waits until a field of an instance has a certain value, one of several values, or a new value.

    Returns ``{"boi_id", "boCode", "state", "isTouched", "field", "apiValue", "displayValue", "type"}``.
    The sensor compares the ``apiValue``: numbers as numbers, dates as dates, everything else as text. For a
    selection field, the ``apiValue`` is the option's id, not its label.

    :param bo_code: code of the business object
    :param boi_id: id of the instance
    :param field: code of the field
    :param value: the value to wait for, see :func:`~airflow_provider_workflows.mybpm.api.values.to_text`
    :param values: instead of ``value``, any of these
    :param changed_from: instead of both, wait for any other value than this one, such as the ``apiValue``
        that an upsert has returned; "" for a field without a value. The sensor does not read this value
        itself when it starts, because it would then miss an earlier change
    :param failed_states: states in which the sensor fails at once if the value is not there
    :param mybpm_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        "bo_code",
        "boi_id",
        "field",
        "value",
        "values",
        "changed_from",
        "failed_states",
        "mybpm_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"values": "json", "failed_states": "json"}
    # A field without a value has the value "".
    empty_text_fields = ("value", "changed_from")

    def __init__(
        self,
        *,
        bo_code: Templated[str],
        boi_id: Templated[str],
        field: Templated[str],
        value: Any = None,
        values: Templated[Sequence[Any] | None] = None,
        changed_from: Any = None,
        failed_states: Templated[Sequence[str]] = ("REMOVED", "ARCHIVED"),
        mybpm_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.bo_code = rendered(bo_code)
        self.boi_id = rendered(boi_id)
        self.failed_states = rendered(failed_states)
        self.field = rendered(field)
        self.value = value
        self.values = rendered(values)
        self.changed_from = changed_from
        self.mybpm_conn_id = rendered(mybpm_conn_id)

    def condition(self) -> FieldReached:
        """Return what is waited for."""
        from airflow_provider_workflows.mybpm.conditions import FieldReached

        return FieldReached.read(
            **self._instance(),
            field=self.field,
            value=self.value,
            values=self.values,
            changed_from=self.changed_from,
        )


class MyBPMStateSensor(_BoiSensor):
    """
    Waits until an instance is in a state.

    Returns ``{"boi_id", "boCode", "state", "isTouched"}``.

    Assumption: a server still shows a removed instance, in the state ``REMOVED``. Wrong if the
    sensor fails with :class:`~airflow_provider_workflows.exceptions.NotFound` when an instance is removed.

    :param bo_code: code of the business object
    :param boi_id: id of the instance
    :param states: any of ``ALL`` (live), ``REMOVED``, ``ARCHIVED`` and ``DEV`` (used to test processes)
    :param failed_states: states in which the sensor fails at once, unless they are also in ``states``
    :param mybpm_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("bo_code", "boi_id", "states", "failed_states", "mybpm_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"states": "json", "failed_states": "json"}

    def __init__(
        self,
        *,
        bo_code: Templated[str],
        boi_id: Templated[str],
        states: Templated[Sequence[str]],
        failed_states: Templated[Sequence[str]] = ("REMOVED",),
        mybpm_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.bo_code = rendered(bo_code)
        self.boi_id = rendered(boi_id)
        self.failed_states = rendered(failed_states)
        self.states = rendered(states)
        self.mybpm_conn_id = rendered(mybpm_conn_id)

    def condition(self) -> StateReached:
        """Return what is waited for."""
        from airflow_provider_workflows.mybpm.conditions import StateReached

        return StateReached.read(**self._instance(), states=self.states)
