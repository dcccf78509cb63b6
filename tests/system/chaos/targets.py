"""What the moves move: made at the vendor through the hooks, before any fault is ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.kiban.hook import KibanHook
from airflow_provider_workflows.omflow.hook import OMFlowHook

KIBAN_SIGNING = "64b5f0c2a1d3e4f5a6b7c903"


def _order(conn_id: str) -> str:
    return str(OMFlowHook(conn_id).open_order("signing", [{"id": "FORMITM_1", "value": "to be signed"}]))


def _case(conn_id: str) -> str:
    return str(BlizWorkHook(conn_id).init_case("signing"))


def _execution(conn_id: str) -> str:
    return str(KibanHook(conn_id).start(workfloo_id=KIBAN_SIGNING))


MAKERS: Mapping[str, Callable[[str], str]] = {
    "omflow_push": _order,
    "blizwork_exec": _case,
    "kiban_answer": _execution,
}


def make(variant: str, conn_id: str, *, size: int) -> list[str]:
    """
    Make what a variant's submissions are to move, and return the ids; nothing for variants that start.

    :param variant: its name
    :param conn_id: a connection that the environment of this process describes
    :param size: how many
    """
    maker = MAKERS.get(variant)
    return [maker(conn_id) for _ in range(size)] if maker else []
