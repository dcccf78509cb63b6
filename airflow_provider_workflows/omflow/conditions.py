"""What can be waited for in OMFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.omflow.api import DataNo, OMFlowApi
from airflow_provider_workflows.omflow.call import VENDOR
from airflow_provider_workflows.omflow.formdata import column
from airflow_provider_workflows.omflow.order import Order, describe
from airflow_provider_workflows.protocol.errors import InvalidInput, RunFailed
from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True, kw_only=True)
class _OfOrder(Condition):
    """A condition on one order."""

    api_path: str
    data_no: DataNo

    hook_class: ClassVar[str] = "airflow_provider_workflows.omflow.hook.OMFlowHook"

    @property
    def remote_id(self) -> str:
        """The process and the order's number."""
        return f"{self.api_path}/{self.data_no}"

    def _failed(self, order: Order) -> RunFailed:
        return self._over(f"OMFlow order {self.remote_id} failed: {order.failure}")

    def _over(self, message: str) -> RunFailed:
        return RunFailed(message, vendor=VENDOR, operation="wait for order")


@dataclass(frozen=True, kw_only=True)
class OrderAtStop(_OfOrder):
    """
    The order waits for a push.

    :param stop_chart_text: at this stop; None for any
    :param all_stops: done only when no branch is still running; the result is then a list with an object for
        each stop, ``{"data_id": int, "stop_chart_text": str}``, instead of one data_id
    :param after_data_id: in a process with loops, the data_id pushed last: only what came after it counts
    """

    stop_chart_text: str | None = None
    all_stops: bool = False
    after_data_id: int = 0

    def __str__(self) -> str:
        stop = f"stop {self.stop_chart_text!r}" if self.stop_chart_text is not None else "a stop"
        return f"OMFlow order {self.remote_id} at {stop}"

    def check(self, api: OMFlowApi) -> Operation[Pending | Done]:
        """
        Look where the order stands.

        :raises RunFailed: it failed, ended without reaching the stop, or has passed it
        :raises InvalidInput: it stands at several stops that match, and one was asked for
        """
        order = yield from api.order_state(self.api_path, self.data_no)
        if order.status == "failed":
            raise self._failed(order)
        here = [
            stop
            for stop in order.stops
            if self.stop_chart_text in (None, stop.stop_chart_text) and stop.data_id > self.after_data_id
        ]
        if here and self.all_stops and order.status != "running":
            return Done([{"data_id": stop.data_id, "stop_chart_text": stop.stop_chart_text} for stop in here])
        if here and not self.all_stops:
            if len(here) > 1:
                raise InvalidInput(
                    f"OMFlow order {self.remote_id} stands at {describe(here)}: "
                    "name one by stop_chart_text, or ask for all stops"
                )
            return Done(here[0].data_id)
        return self._not_there(order)

    def _not_there(self, order: Order) -> Pending:
        match order.status:
            case "unknown":
                # Not written yet, or for a moment not readable; never an end.
                return Pending("no rows of it are listed")
            case "finished":
                raise self._over(f"OMFlow order {self.remote_id} is closed, {self._when_passed(order)}")
        passed = self.stop_chart_text is not None and order.arrivals(
            self.stop_chart_text, since=self.after_data_id
        )
        if passed and order.status == "waiting":
            raise self._over(
                f"OMFlow order {self.remote_id} now stands at {describe(order.stops)}, "
                f"{self._when_passed(order)}"
            )
        return Pending(f"{order.status} at {describe(order.stops)}" if order.stops else order.status)

    def _when_passed(self, order: Order) -> str:
        if self.stop_chart_text is None:
            return "so it will not stop again"
        arrivals = order.arrivals(self.stop_chart_text, since=self.after_data_id)
        if not arrivals:
            return f"without having reached {self.stop_chart_text!r}"
        return f"having passed {self.stop_chart_text!r}, reached {arrivals[-1].get('stoptime')} (server time)"


@dataclass(frozen=True, kw_only=True)
class OrderClosed(_OfOrder):
    """
    The order has ended.

    OMFlow gives an order no outcome; success or refusal must be read from a field or the closing stop
    (recorded).

    :param fields: ``FORMITM_n`` or columns (``status``, ``title``, ...) whose last values belong to the
        result
    """

    fields: tuple[str, ...] | list[str] = ()

    def __str__(self) -> str:
        return f"end of OMFlow order {self.remote_id}"

    def check(self, api: OMFlowApi) -> Operation[Pending | Done]:
        """
        Look whether it has ended.

        :raises RunFailed: it failed
        """
        columns = {name: column(name) if name.startswith("FORMITM_") else name for name in self.fields}
        order = yield from api.order_state(self.api_path, self.data_no, columns=tuple(columns.values()))
        match order.status:
            case "failed":
                raise self._failed(order)
            case "finished":
                return Done(self._result(order, columns))
            case "unknown":
                return Pending("no rows of it are listed")
        return Pending(f"waiting at {describe(order.stops)}" if order.stops else order.status)

    def _result(self, order: Order, columns: dict[str, str]) -> dict[str, Any]:
        closing = [str(row.get("stop_chart_text") or "") for row in order.closing_rows]
        last = order.closing_rows[-1]
        return {
            "data_no": self.data_no,
            "closing_stop": closing[-1],
            "closing_stops": closing,
            "fields": {name: last.get(source) for name, source in columns.items()},
        }
