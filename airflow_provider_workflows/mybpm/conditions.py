"""What can be waited for in MyBPM, where a workflow shows in nothing but an instance's fields and state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.mybpm.api import MyBPMApi
from airflow_provider_workflows.mybpm.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.call import VENDOR
from airflow_provider_workflows.mybpm.values import same
from airflow_provider_workflows.protocol.errors import RunFailed
from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True, kw_only=True)
class _OfBoi(Condition):
    """
    A condition on one instance.

    :param failed_states: states in which it can no longer come
    """

    bo_code: str
    boi_id: str
    failed_states: tuple[str, ...] | list[str] = ()

    hook_class: ClassVar[str] = "airflow_provider_workflows.mybpm.hook.MyBPMHook"

    @property
    def remote_id(self) -> str:
        """The object's code and the instance's id."""
        return f"{self.bo_code}/{self.boi_id}"

    def _alive(self, boi: Boi) -> None:
        if boi.state in self.failed_states:
            raise RunFailed(
                f"MyBPM instance {self.remote_id} is {boi.state}; it was waited for {self}",
                vendor=VENDOR,
                operation="wait for instance",
            )

    def _result(self, boi: Boi) -> dict[str, Any]:
        told = boi.to_json(fields=())
        return {name: told[name] for name in ("boi_id", "boCode", "state", "isTouched")}


@dataclass(frozen=True, kw_only=True)
class FieldReached(_OfBoi):
    """
    A field has a value.

    :param values: any of these; if there is none, any other than ``changed_from``
    """

    field: str
    values: tuple[str, ...] | list[str] = ()
    changed_from: str | None = None

    def __str__(self) -> str:
        what = f"to be {' or '.join(map(repr, self.values))}" if self.values else "to change"
        return f"field {self.field} of MyBPM instance {self.remote_id} {what}"

    def check(self, api: MyBPMApi) -> Operation[Pending | Done]:
        """
        Look at the field.

        :raises RunFailed: the instance has come to one of ``failed_states`` without the value
        """
        boi = yield from api.load(self.bo_code, self.boi_id)
        value = boi.fields.get(self.field)
        if self._has_come(value or FieldValue(None)):
            told = (value or FieldValue(None)).to_json()
            return Done({**self._result(boi), "field": self.field, **told})
        self._alive(boi)
        return Pending(f"{self._in_words(boi, value)}; state {boi.state}")

    def _in_words(self, boi: Boi, value: FieldValue | None) -> str:
        """Return how the field stands, without its value: it may be personal, and a detail is stored."""
        if value is None:
            # MyBPM may leave out empty fields, so this is no proof of a wrong code; the log shows the others.
            return f"no {self.field} among {', '.join(boi.fields) or 'no fields'}"
        if not value.api_value:
            return f"{self.field} is empty"
        return f"{self.field} has another value" if self.values else f"{self.field} has not changed"

    def _has_come(self, value: FieldValue) -> bool:
        if self.values:
            return any(same(value.api_value, wanted, value.type) for wanted in self.values)
        return not same(value.api_value, self.changed_from, value.type)


@dataclass(frozen=True, kw_only=True)
class StateReached(_OfBoi):
    """
    The instance is in a state.

    :param states: any of these
    """

    states: tuple[str, ...] | list[str]

    def __str__(self) -> str:
        return f"MyBPM instance {self.remote_id} to be {' or '.join(self.states)}"

    def check(self, api: MyBPMApi) -> Operation[Pending | Done]:
        """
        Look at the state.

        :raises RunFailed: it is one of ``failed_states`` and not one that is waited for
        """
        boi = yield from api.load(self.bo_code, self.boi_id)
        if boi.state in self.states:
            return Done(self._result(boi))
        self._alive(boi)
        return Pending(f"state {boi.state}")
