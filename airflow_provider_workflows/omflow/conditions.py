"""Conditions on OMFlow orders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self, TypedDict

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import (
    MOST_STEPS,
    Done,
    GroupedCondition,
    OnPassed,
    Pending,
    StopCondition,
)
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, RunFailed, one_line
from airflow_provider_workflows.omflow.api.call import VENDOR, number, order_number
from airflow_provider_workflows.omflow.api.form_data import column
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import (
    LONGEST_TEXT,
    NO_ROWS,
    SECOND_LOOK,
    Order,
    OrderStep,
    Stop,
    confirmed,
    describe,
)
from airflow_provider_workflows.omflow.api.reading import MOST_VALUES, DataNo

#: Seconds after the first check for which an order without rows may only be late: a start component that
#: validates writes them after the answer (recorded). Assumption: an order that is without rows for longer is
#: gone, or never existed. Wrong if it appears later.
LATE = 30.0


@dataclass(frozen=True, kw_only=True)
class _OrderCondition(GroupedCondition):
    """A condition on one order."""

    api_path: str
    data_no: DataNo

    hook_class: ClassVar[str] = "airflow_provider_workflows.omflow.hooks.OMFlowHook"
    of_run: ClassVar[tuple[str, ...]] = ("data_no", "after_data_id")
    most_together: ClassVar[int] = MOST_VALUES

    @property
    def remote_id(self) -> str:
        """The process and the order's number."""
        return f"{self.api_path}/{self.data_no}"

    @property
    def group(self) -> tuple[str, ...]:
        """The process, and columns to list beside those that determine an order's state."""
        return (self.api_path,)

    @classmethod
    def read_many(cls, api: OMFlowApi, conditions: Sequence[Self]) -> Operation[Mapping[str, Order]]:
        """Read the rows of several orders of one process."""
        (api_path, *columns), numbers = conditions[0].group, {str(one.data_no): one for one in conditions}
        wanted = [one.data_no for one in numbers.values()]
        orders = yield from api.order_states(api_path, wanted, columns=columns)
        return {numbers[number].remote_id: order for number, order in orders.items()}

    def unsure(self, record: Order) -> float:
        """Return after how long to look again; see :func:`confirmed`."""
        return SECOND_LOOK if self._rests_on_absence(record) else 0.0

    def merged(self, record: Order, again: Order) -> Order:
        """Return what two looks show."""
        return again.after(record)

    @abstractmethod
    def _rests_on_absence(self, order: Order) -> bool:
        """Return whether this look ends the wait by rows that it does not show."""

    def _order(self, api: OMFlowApi, first: Order | None) -> Operation[Order]:
        """
        Return the order, as :func:`confirmed` reads it.

        :param first: the order, if it has just been read
        :raises NotFound: OMFlow lists no rows of it, as after it was deleted
        """
        api_path, *columns = self.group
        read = partial(api.order_state, api_path, self.data_no, columns=columns)
        order = yield from confirmed(
            read, lambda order: not order.rows or self._rests_on_absence(order), first=first
        )
        if not order.rows:
            raise NotFound(
                f"OMFlow lists no rows of order {self.remote_id}\n{NO_ROWS}",
                late=LATE,
                vendor=VENDOR,
                operation="wait for order",
            )
        return order

    def _failed(self, order: Order) -> RunFailed:
        return self._over(f"OMFlow order {self.remote_id} failed: {order.failure}")

    def _over(self, message: str) -> RunFailed:
        return RunFailed(message, vendor=VENDOR, operation="wait for order")


class StopResult(TypedDict):
    """
    What the wait for a stop returns with ``on_passed="succeed"``.

    - ``passed``: whether the order has passed the stop; False if it waits there
    - ``data_id``: what to push; None if the order has passed the stop
    - ``stop_chart_text``: label of the stop
    - ``by``: login of the user who pushed the order from there; None if the order waits there, or if several
      users have pushed it since, since OMFlow does not say which row continues which
    - ``steps``: what happened to the order since it last reached the stop, oldest first, at most 100
    """

    passed: bool
    data_id: int | None
    stop_chart_text: str
    by: str | None
    steps: list[OrderStep]


@dataclass(frozen=True, kw_only=True)
class OrderAtStop(StopCondition, _OrderCondition):
    """
    The order waits for a push at a stop.

    With ``on_passed="succeed"``, the result is a :class:`StopResult`.

    :param stop_chart_text: label of the stop; None for any stop
    :param all_stops: wait until no branch is running; the result is then a list with an object for each stop,
        ``{"data_id": int, "stop_chart_text": str}``, instead of one data_id
    :param after_data_id: the last data_id that was pushed, in a process with loops; only later rows count
    """

    stop_chart_text: str | None = None
    all_stops: bool = False
    after_data_id: int = 0

    @classmethod
    def read(
        cls,
        *,
        api_path: str,
        data_no: Any,
        stop_chart_text: str | None,
        all_stops: bool,
        after_data_id: Any,
        on_passed: OnPassed = "fail",
    ) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        if on_passed == "succeed" and (stop_chart_text is None or all_stops):
            # The history has labels of all components, and does not say which of them are stops.
            raise InvalidInput("on_passed='succeed' requires stop_chart_text, and not all_stops")
        after = 0 if after_data_id is None else int(number(after_data_id, "after_data_id"))
        return cls(
            api_path=api_path,
            data_no=order_number(data_no),
            stop_chart_text=stop_chart_text,
            all_stops=all_stops,
            after_data_id=after,
            on_passed=on_passed,
        )

    def __str__(self) -> str:
        stop = f"stop {self.stop_chart_text!r}" if self.stop_chart_text is not None else "a stop"
        return f"OMFlow order {self.remote_id} at {stop}"

    def check(self, api: OMFlowApi, record: Order | None = None) -> Operation[Pending | Done]:
        """
        Check at which stops the order waits.

        :raises RunFailed: the order failed, or ended without reaching the stop; also if it passed the stop,
            with ``on_passed="fail"``
        :raises NotFound: OMFlow lists no rows of it
        :raises InvalidInput: the order waits at several matching stops, and ``all_stops`` is False
        """
        order = yield from self._order(api, record)
        if order.status == "failed":
            raise self._failed(order)
        here = self._here(order)
        if here and self.all_stops and order.status != "running":
            return Done([{"data_id": stop.data_id, "stop_chart_text": stop.stop_chart_text} for stop in here])
        if here and not self.all_stops:
            if len(here) > 1:
                raise InvalidInput(
                    f"OMFlow order {self.remote_id} waits at several stops: {describe(here)}. "
                    "Set stop_chart_text to one of them, or all_stops=True"
                )
            return Done(self._found(here[0]) if self.on_passed == "succeed" else here[0].data_id)
        return self._not_there(order)

    def _rests_on_absence(self, order: Order) -> bool:
        """Return whether this look ends the wait by what it does not show: another branch, or the stop."""
        if order.status == "waiting":
            passed = order.arrivals(self.stop_chart_text, since=self.after_data_id)
            return self.all_stops if self._here(order) else bool(passed)
        return order.status == "finished"

    def _here(self, order: Order) -> list[Stop]:
        return [
            stop
            for stop in order.stops
            if self.stop_chart_text in (None, stop.stop_chart_text) and stop.data_id > self.after_data_id
        ]

    def _not_there(self, order: Order) -> Pending | Done:
        arrivals = order.arrivals(self.stop_chart_text, since=self.after_data_id)
        # Not while the order runs: a validation may still refuse the push, and the order stays at the stop.
        if arrivals and self.on_passed == "succeed" and order.status in ("waiting", "finished"):
            return Done(self._passed(order, arrivals[-1]["id"]))
        if order.status == "finished":
            raise self._over(f"OMFlow order {self.remote_id} is closed{self._passing(order)}")
        if order.status == "waiting" and arrivals:
            raise self._over(
                f"OMFlow order {self.remote_id} now waits at {describe(order.stops)}{self._passing(order)}"
            )
        return Pending(f"{order.status} at {describe(order.stops)}" if order.stops else order.status)

    def _found(self, stop: Stop) -> StopResult:
        return {
            "passed": False,
            "data_id": stop.data_id,
            "stop_chart_text": str(self.stop_chart_text),
            "by": None,
            "steps": [],
        }

    def _passed(self, order: Order, arrival: int) -> StopResult:
        steps = order.steps_after(arrival)
        # One of these is the push from the stop. Which one, OMFlow does not say of parallel branches.
        users = {step["by"] for step in steps}
        return {
            "passed": True,
            "data_id": None,
            "stop_chart_text": str(self.stop_chart_text),
            "by": users.pop() if len(users) == 1 else None,
            "steps": steps[:MOST_STEPS],
        }

    def _passing(self, order: Order) -> str:
        if self.stop_chart_text is None:
            return " and will not stop again"
        arrivals = order.arrivals(self.stop_chart_text, since=self.after_data_id)
        if not arrivals:
            return f" and did not reach the stop {self.stop_chart_text!r}"
        reached = one_line(str(arrivals[-1].get("stoptime")), LONGEST_TEXT)
        return (
            f" and has passed the stop {self.stop_chart_text!r}, which it reached at {reached} (server time)"
        )


@dataclass(frozen=True, kw_only=True)
class OrderClosed(_OrderCondition):
    """
    The order is closed.

    An OMFlow order has no outcome of its own; a field or the closing stop shows whether it was approved or
    refused (recorded).

    :param fields: ``FORMITM_n`` or columns (``status``, ``title``, ...) whose last values are added to the
        result
    """

    fields: tuple[str, ...] | list[str] = ()

    @classmethod
    def read(cls, *, api_path: str, data_no: Any, fields: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        if isinstance(fields, str) or not all(isinstance(name, str) for name in fields):
            raise InvalidInput("fields must be a list of FORMITM_n or column names")
        return cls(api_path=api_path, data_no=order_number(data_no), fields=list(fields))

    def __str__(self) -> str:
        return f"the end of OMFlow order {self.remote_id}"

    @property
    def group(self) -> tuple[str, ...]:
        """The process and the columns; one that is wrong must not spoil the request of others."""
        return (self.api_path, *self._sources.values())

    @property
    def _sources(self) -> dict[str, str]:
        """The column of each of the fields."""
        return {name: column(name) if name.startswith("FORMITM_") else name for name in self.fields}

    def check(self, api: OMFlowApi, record: Order | None = None) -> Operation[Pending | Done]:
        """
        Check whether the order is closed.

        :raises RunFailed: the order failed
        :raises NotFound: OMFlow lists no rows of it
        """
        order = yield from self._order(api, record)
        match order.status:
            case "failed":
                raise self._failed(order)
            case "finished":
                return Done(self._result(order))
        return Pending(f"waiting at {describe(order.stops)}" if order.stops else order.status)

    def _rests_on_absence(self, order: Order) -> bool:
        return order.status == "finished"

    def _result(self, order: Order) -> dict[str, Any]:
        closing = [str(row.get("stop_chart_text") or "") for row in order.closing_rows]
        last = order.closing_rows[-1]
        return {
            "data_no": self.data_no,
            "closing_stop": closing[-1],
            "closing_stops": closing,
            "fields": {name: last.get(source) for name, source in self._sources.items()},
        }
