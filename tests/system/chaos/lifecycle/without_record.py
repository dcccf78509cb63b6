"""The control: an operator as it would be without the record of what it started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


def without_record(operator: type[BaseOperator]) -> type[BaseOperator]:
    """
    The same operator with its record switched off: each attempt knows of none before it.

    :param operator: the class
    """

    class RecordSwitchedOff(operator):  # type: ignore[misc,valid-type]
        def execute(self, context: Context) -> Any:
            return super().execute(
                {key: value for key, value in context.items() if key != "task_state_store"}
            )

    return RecordSwitchedOff
