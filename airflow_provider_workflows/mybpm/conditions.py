"""Conditions on MyBPM instances, whose fields and state are all that shows the progress of a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import Done, GroupedCondition, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.mybpm.api.boi import STATES, Boi, FieldValue
from airflow_provider_workflows.mybpm.api.call import VENDOR
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.api.values import check_code, check_id, same, to_text


@dataclass(frozen=True, kw_only=True)
class _BoiCondition(GroupedCondition):
    """
    A condition on one instance.

    :param failed_states: states in which the condition can no longer be met
    """

    bo_code: str
    boi_id: str
    failed_states: tuple[str, ...] | list[str] = ()

    hook_class: ClassVar[str] = "airflow_provider_workflows.mybpm.hooks.MyBPMHook"
    of_run: ClassVar[tuple[str, ...]] = ("boi_id", "changed_from")
    # An answer has all fields of each instance.
    most_together: ClassVar[int] = 100

    @property
    def remote_id(self) -> str:
        """The object's code and the instance's id."""
        return f"{self.bo_code}/{self.boi_id}"

    @property
    def group(self) -> tuple[str, ...]:
        """The object's code."""
        return (self.bo_code,)

    @classmethod
    def read_many(cls, api: MyBPMApi, conditions: Sequence[Self]) -> Operation[Mapping[str, Boi]]:
        """
        Read several instances of one object.

        Assumption: MyBPM returns of several instances what it returns of one. Wrong if a wait in the
        triggerer has another result than one in a worker.
        """
        (bo_code,) = conditions[0].group
        ids = dict.fromkeys(one.boi_id for one in conditions)
        found = yield from api.load_many(bo_code, list(ids), lenient=True)
        return {f"{bo_code}/{boi.boi_id}": boi for boi in found if boi.bo_code == bo_code}

    def _check_failed(self, boi: Boi) -> None:
        if boi.state in self.failed_states:
            raise RunFailed(
                f"MyBPM instance {self.remote_id} is {boi.state}, while waiting for {self}",
                vendor=VENDOR,
                operation="wait for instance",
            )

    def _result(self, boi: Boi) -> dict[str, Any]:
        data = boi.to_json(fields=())
        return {name: data[name] for name in ("boi_id", "boCode", "state", "isTouched")}


@dataclass(frozen=True, kw_only=True)
class FieldReached(_BoiCondition):
    """
    A field has a value.

    :param values: wait for any of these values; if empty, for any value other than ``changed_from``
    """

    field: str
    values: tuple[str, ...] | list[str] = ()
    changed_from: str | None = None

    @classmethod
    def read(cls, *, field: str, value: Any, values: Any, changed_from: Any, **instance: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid, or not exactly one of the three values is given
        """
        asked = {"value": value, "values": values, "changed_from": changed_from}
        given = [name for name, one in asked.items() if one is not None]
        if len(given) != 1:
            raise InvalidInput(
                "Exactly one of value, values and changed_from is required, got "
                f"{' and '.join(given) or 'none'}"
            )
        before = None if changed_from is None else to_text(changed_from, "changed_from")
        return cls(
            **_read_instance(**instance),
            field=check_code(field, "field"),
            values=_read_values(value, values),
            changed_from=before,
        )

    def __str__(self) -> str:
        what = f"to be {' or '.join(map(repr, self.values))}" if self.values else "to change"
        return f"field {self.field} of MyBPM instance {self.remote_id} {what}"

    def check(self, api: MyBPMApi, record: Boi | None = None) -> Operation[Pending | Done]:
        """
        Check the field.

        :raises RunFailed: the instance is in one of ``failed_states`` and the field does not have the value
        """
        boi = record or (yield from api.load(self.bo_code, self.boi_id))
        value = boi.fields.get(self.field)
        if self._is_met(value or FieldValue(None)):
            data = (value or FieldValue(None)).to_json()
            return Done({**self._result(boi), "field": self.field, **data})
        self._check_failed(boi)
        return Pending(f"{self._status(boi, value)}; state {boi.state}")

    def _status(self, boi: Boi, value: FieldValue | None) -> str:
        """Return the field's status without its value, which may be personal data; the detail is stored."""
        if value is None:
            # MyBPM may omit empty fields, so this does not prove a wrong code; the log shows the other
            # fields.
            return f"{self.field} is not among the fields {', '.join(boi.fields) or '(none)'}"
        if not value.api_value:
            return f"{self.field} is empty"
        return f"{self.field} has another value" if self.values else f"{self.field} has not changed"

    def _is_met(self, value: FieldValue) -> bool:
        if self.values:
            return any(same(value.api_value, wanted, value.type) for wanted in self.values)
        return not same(value.api_value, self.changed_from, value.type)


@dataclass(frozen=True, kw_only=True)
class StateReached(_BoiCondition):
    """
    The instance is in a state.

    :param states: wait for any of these states
    """

    states: tuple[str, ...] | list[str]

    @classmethod
    def read(cls, *, states: Any, **instance: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: one of them is wrong, or no state is named
        """
        wanted = _read_states(states, "states")
        if not wanted:
            raise InvalidInput("states must not be empty")
        return cls(**_read_instance(**instance), states=wanted)

    def __str__(self) -> str:
        return f"MyBPM instance {self.remote_id} to be {' or '.join(self.states)}"

    def check(self, api: MyBPMApi, record: Boi | None = None) -> Operation[Pending | Done]:
        """
        Check the state.

        :raises RunFailed: the state is one of ``failed_states`` and not one of ``states``
        """
        boi = record or (yield from api.load(self.bo_code, self.boi_id))
        if boi.state in self.states:
            return Done(self._result(boi))
        self._check_failed(boi)
        return Pending(f"state {boi.state}")


def _read_instance(*, bo_code: str, boi_id: str, failed_states: Any) -> dict[str, Any]:
    """Return the arguments that all conditions on an instance share."""
    return {
        "bo_code": check_code(bo_code, "bo_code"),
        "boi_id": check_id(boi_id, "boi_id"),
        "failed_states": _read_states(failed_states, "failed_states"),
    }


def _read_values(value: Any, values: Any) -> list[str]:
    if value is not None:
        return [to_text(value, "value")]
    if values is None:
        return []
    listed = _read_list(values, "values")
    return [to_text(one, f"values[{place}]") for place, one in enumerate(listed)]


def _read_list(values: Any, name: str) -> list[Any]:
    values = from_text(values, name)
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)) or not values:
        raise InvalidInput(f"{name} must be a list of at least one value, got {values!r}")
    return list(values)


def _read_states(states: Any, name: str) -> list[str]:
    """Return states that exist; one that does not would be waited for in vain."""
    if isinstance(states, str):
        # One state, or a list that a template has turned to text.
        states = _read_list(states, name) if states.lstrip().startswith("[") else [states]
    if wrong := [state for state in states if state not in STATES]:
        raise InvalidInput(f"{name} may contain only {', '.join(STATES)}, got {', '.join(map(str, wrong))}")
    return list(states)
