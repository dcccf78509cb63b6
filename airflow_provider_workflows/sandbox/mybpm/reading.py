"""Answers about instances and structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from airflow_provider_workflows.sandbox.mybpm.declared import BusinessObject, Field
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal
from airflow_provider_workflows.sandbox.mybpm.sessions import Caller
from airflow_provider_workflows.sandbox.mybpm.store import Instance, Store
from airflow_provider_workflows.sandbox.mybpm.values import told, told_moment

# What the page of the vendor's documentation names, beside those that are required.
_LIST_OPTIONS = (
    "headCodes",
    "orderingFieldCode",
    "orderState",
    "search",
    "state",
    "touchedFilter",
    "brackets",
)
# The native (system) fields that hold a moment.
_MOMENTS = ("CREATED_AT", "LAST_MODIFIED_AT")


@dataclass
class Dialect:
    """
    How the server words its answers.

    :param flat: as in the vendor's sample of 2023: values are plain text and ``isTouched`` is text.
    """

    flat: bool = False


def shown(one: Instance, caller: Caller, dialect: Dialect, *, languages: bool = False) -> dict[str, Any]:
    """Return an instance; fields that were never set are left out."""
    values = {code: told(one.bo.fields[code], value, caller.zone) for code, value in one.values.items()}
    touched = caller.name in one.readers
    plain = {code: value["apiValue"] for code, value in values.items()}
    body: dict[str, Any] = {
        "boiId": one.boi_id,
        "boCode": one.bo.code,
        "state": one.state,
        "isTouched": str(touched).lower() if dialect.flat else touched,
        "fieldValues": plain if dialect.flat else values,
    }
    if languages:
        # Its shape is not documented.
        body["fieldValuesLang"] = {code: {"ENG": value["displayValue"]} for code, value in values.items()}
    return body


def structure(bo: BusinessObject) -> dict[str, Any]:
    """Return a field catalogue; what a field tells beside id, code and label is this sandbox's choice."""
    return {
        "boId": bo.id,
        "boCode": bo.code,
        "name": bo.name,
        "nameEng": bo.name,
        "recordName": bo.name,
        "actual": True,
        "boType": bo.type,
        "fields": {item.id: _field(item, reticent=bo.reticent) for item in bo.fields.values()},
    }


def _field(item: Field, *, reticent: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"id": item.id, "code": item.code, "label": item.label}
    if not reticent:
        body |= {"type": item.type, "unique": item.unique}
        if item.options:
            body["options"] = [{"id": option, "label": label} for option, label in item.options.items()]
    return body


def page(found: list[Any], body: Mapping[str, Any], *, limit: int) -> list[Any]:
    """
    Return the page that is asked for, never more than the server gives.

    :raises Refusal: if ``paging`` is missing or unreadable.
    """
    paging = body.get("paging")
    offset, size = (paging.get("offset"), paging.get("limit")) if isinstance(paging, dict) else (None, None)
    if not isinstance(offset, int) or not isinstance(size, int) or offset < 0 or size < 1:
        raise Refusal(400, "paging needs offset and limit")
    return found[offset : offset + min(size, limit)]


def listed(store: Store, bo: BusinessObject, body: Mapping[str, Any]) -> list[Instance]:
    """
    Return the instances that a listing asks for, in order.

    ``ALL`` as a state means live ones, as it does in an instance: a choice, the vendor does not say.

    :raises Refusal: if an option has a value that is not documented, or a filter is not one that is known.
    """
    _check_options(bo, body)
    state, search = body.get("state"), str(body.get("search", "")).lower()
    found = [one for one in store if one.bo is bo and (one.state == state or state is None)]
    found = [one for one in found if all(_in_bracket(one, each) for each in body.get("brackets") or ())]
    if search:
        found = [one for one in found if any(search in value.lower() for value in one.values.values())]
    if (code := body.get("orderingFieldCode")) is not None:
        found.sort(key=lambda one: one.values.get(code, ""), reverse=body.get("orderState") == "DESC")
    return found


def columns(
    body: Mapping[str, Any], one: Instance, shown: dict[str, Any], caller: Caller, dialect: Dialect
) -> dict[str, Any]:
    """Return an instance with the columns that were asked for; by default all of the object's own fields."""
    wanted = body.get("headCodes")
    if wanted is None:
        return shown
    values = {code: value for code, value in shown["fieldValues"].items() if code in wanted}
    for code in set(wanted) & set(_MOMENTS):
        moment = datetime.fromtimestamp(_moment(one, code), UTC)
        value = {**told_moment(moment, caller.zone), "type": code}
        values[code] = value["apiValue"] if dialect.flat else value
    return {**shown, "fieldValues": values}


def _check_options(bo: BusinessObject, body: Mapping[str, Any]) -> None:
    if unknown := set(body) - {"boCode", "paging", *_LIST_OPTIONS}:
        raise Refusal(400, f"unknown {', '.join(sorted(unknown))}")
    if body.get("orderState", "ASC") not in ("ASC", "DESC"):
        raise Refusal(400, "orderState must be ASC or DESC")
    heads = body.get("headCodes", [])
    if not isinstance(heads, list) or any(code not in (*bo.fields, *_MOMENTS) for code in heads):
        raise Refusal(400, f"headCodes names what is no field of {bo.code}")
    for bracket in body.get("brackets") or ():
        _check_bracket(bracket)


def _check_bracket(bracket: Any) -> None:
    if not isinstance(bracket, dict) or bracket.get("connectionType") not in ("AND", "OR"):
        raise Refusal(400, "a bracket needs connectionType AND or OR")
    carried = [name for name in ("brackets", "dynamicFilters", "nativeFilters") if bracket.get(name)]
    if len(carried) > 1:
        raise Refusal(400, f"a bracket cannot have {' and '.join(carried)}")
    if bracket.get("dynamicFilters"):
        raise Refusal(400, "this sandbox knows no filters of an object's own fields")
    for native in bracket.get("nativeFilters") or ():
        if not isinstance(native, dict) or native.get("type") not in _MOMENTS:
            raise Refusal(400, f"this sandbox knows native filters only of {' and '.join(_MOMENTS)}")
        _days(native)
    for inner in bracket.get("brackets") or ():
        _check_bracket(inner)


def _in_bracket(one: Instance, bracket: Mapping[str, Any]) -> bool:
    """Return whether an instance meets a bracket, whose ``connectionType`` is between what is inside."""
    met = [_in_days(one, native) for native in bracket.get("nativeFilters") or ()]
    met += [_in_bracket(one, inner) for inner in bracket.get("brackets") or ()]
    return all(met) if bracket["connectionType"] == "AND" or not met else any(met)


def _in_days(one: Instance, native: Mapping[str, Any]) -> bool:
    first, last = _days(native)
    return first <= datetime.fromtimestamp(_moment(one, native["type"]), UTC).date() <= last


def _days(native: Mapping[str, Any]) -> tuple[date, date]:
    """Return the days of a filter; the time does not count (vendor's pages). In UTC, which is a choice."""
    try:
        first, last = (datetime.fromisoformat(native[name]).date() for name in ("dateFrom", "dateTo"))
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, "a native filter of a moment needs dateFrom and dateTo") from None
    return first, last


def _moment(one: Instance, native: str) -> float:
    return one.created if native == "CREATED_AT" else one.modified
