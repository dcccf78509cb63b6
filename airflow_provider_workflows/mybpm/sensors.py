"""MyBPM's sensors: a field of an instance, its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from airflow_provider_workflows.mybpm.boi import ARCHIVED, REMOVED, STATES
from airflow_provider_workflows.mybpm.call import VENDOR
from airflow_provider_workflows.mybpm.conditions import FieldReached, StateReached
from airflow_provider_workflows.mybpm.connection import FORM
from airflow_provider_workflows.mybpm.values import check_code, check_id, to_text
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text


class _BoiSensor(WorkflowSensor):
    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "mybpm_conn_id"

    def __init__(
        self,
        *,
        bo_code: str,
        boi_id: str,
        failed_states: Sequence[str],
        mybpm_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bo_code = bo_code
        self.boi_id = boi_id
        self.failed_states = failed_states
        self.mybpm_conn_id = mybpm_conn_id

    def _instance(self) -> dict[str, Any]:
        return {
            "bo_code": check_code(self.bo_code, "bo_code"),
            "boi_id": check_id(self.boi_id, "boi_id"),
            "failed_states": _states(self.failed_states, "failed_states"),
        }


class MyBPMFieldSensor(_BoiSensor):
    """
    Waits until a field of an instance has a value, any of several, or another one than before.

    Returns ``{"boi_id", "boCode", "state", "isTouched", "field", "apiValue", "displayValue", "type"}``.
    Numbers and dates are compared as such, everything else as text, by ``apiValue``: of a selection field
    that is the option's id, not its label.

    :param bo_code: code of the business object
    :param boi_id: id of the instance
    :param field: code of the field
    :param value: the value to wait for, see :func:`~airflow_provider_workflows.mybpm.values.to_text`
    :param values: instead of ``value``, any of these
    :param changed_from: instead of both, wait for any other value than this one, such as the ``apiValue``
        that an upsert has returned; "" for a field without value. It is not read when the sensor starts,
        since a change before that would be missed.
    :param failed_states: states in which the sensor fails at once if the value is not there
    :param mybpm_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
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

    def __init__(
        self,
        *,
        field: str,
        value: Any = None,
        values: Sequence[Any] | None = None,
        changed_from: Any = None,
        failed_states: Sequence[str] = (REMOVED, ARCHIVED),
        **kwargs: Any,
    ) -> None:
        super().__init__(failed_states=failed_states, **kwargs)
        self.field = field
        self.value = value
        self.values = values
        self.changed_from = changed_from

    def condition(self) -> FieldReached:
        """Return what is waited for."""
        given = [name for name in ("value", "values", "changed_from") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidInput(
                f"Give one of value, values and changed_from, got {' and '.join(given) or 'none'}"
            )
        before = None if self.changed_from is None else to_text(self.changed_from, "changed_from")
        return FieldReached(
            **self._instance(),
            field=check_code(self.field, "field"),
            values=self._wanted(),
            changed_from=before,
        )

    def _wanted(self) -> list[str]:
        if self.value is not None:
            return [to_text(self.value, "value")]
        if self.values is None:
            return []
        values = _listed(self.values, "values")
        return [to_text(value, f"values[{place}]") for place, value in enumerate(values)]


class MyBPMStateSensor(_BoiSensor):
    """
    Waits until an instance is in a state.

    Returns ``{"boi_id", "boCode", "state", "isTouched"}``. Whether a server still shows removed instances is
    not documented; on one that does not, the sensor fails with
    :class:`~airflow_provider_workflows.protocol.errors.NotFound`.

    :param bo_code: code of the business object
    :param boi_id: id of the instance
    :param states: any of ``ALL`` (live), ``REMOVED``, ``ARCHIVED`` and ``DEV`` (used to test processes)
    :param failed_states: states in which the sensor fails at once, unless they are waited for
    :param mybpm_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("bo_code", "boi_id", "states", "failed_states", "mybpm_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"states": "json", "failed_states": "json"}

    def __init__(
        self,
        *,
        states: Sequence[str],
        failed_states: Sequence[str] = (REMOVED,),
        **kwargs: Any,
    ) -> None:
        super().__init__(failed_states=failed_states, **kwargs)
        self.states = states

    def condition(self) -> StateReached:
        """Return what is waited for."""
        states = _states(self.states, "states")
        if not states:
            raise InvalidInput("states must name a state")
        return StateReached(**self._instance(), states=states)


def _listed(values: Any, name: str) -> list[Any]:
    values = from_text(values, name)
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)) or not values:
        raise InvalidInput(f"{name} must be a list of at least one value, got {values!r}")
    return list(values)


def _states(states: Any, name: str) -> list[str]:
    """Return states that exist; one that does not would be waited for in vain."""
    if isinstance(states, str):
        # One state, or a list that a template has turned to text.
        states = _listed(states, name) if states.lstrip().startswith("[") else [states]
    if wrong := [state for state in states if state not in STATES]:
        raise InvalidInput(f"{name} must be of {', '.join(STATES)}, got {', '.join(map(str, wrong))}")
    return list(states)
