"""Operators for many records, record by record: what they send, without the engine that sends it once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.submission.effect import AnyEffect, LookupResult
from airflow_provider_workflows.core.submission.record import Record

OperatorT = TypeVar("OperatorT", bound=ManyOperator)


def prepared(operator: OperatorT) -> OperatorT:
    """Return the operator after it has asked the vendor what it needs to know."""
    operator.hook.run(operator.prepare)
    return operator


def intent(mark: int | str = 1, **known: Any) -> Record:
    """Return the record of a request that is sent now."""
    return Record(mark=mark_of(mark), generation=0, **{"intended_at": time.time(), **known})


def mark_of(number: int | str) -> str:
    return f"af-table-load-{number:0>12}"


def submit(operator: ManyOperator, effect: AnyEffect, record: Record | None = None) -> Any:
    """Send the request of one record, with the baseline that it needs, and return its id."""
    record = record or intent()
    if effect.reads_baseline:
        baseline = operator.hook.run(effect.baseline)
        record = replace(record, baseline=baseline)
    return operator.hook.run(lambda api: effect.submit(api, record, again=False))


def send(operator: ManyOperator, values: Mapping[str, Any], mark: int | str = 1, **arguments: Any) -> Any:
    """Send one record and return its id."""
    return submit(operator, operator.effect(values, arguments), intent(mark))


def look_up(operator: ManyOperator, *records: Record) -> Mapping[str, LookupResult]:
    """Look up records together, by the effect of one of them."""
    effect = operator.effect({}, {})
    found: Mapping[str, LookupResult] = operator.hook.run(lambda api: effect.look_up_many(api, records))
    return found
