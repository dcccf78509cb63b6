"""Upsert and create: everything is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.mybpm.declared import BusinessObject
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal
from airflow_provider_workflows.sandbox.mybpm.store import Instance, Store
from airflow_provider_workflows.sandbox.mybpm.values import accept


@dataclass(frozen=True)
class Link:
    """One link to add or remove: a reference field and the instance at its other end."""

    field_code: str
    boi_id: str


class Writer:
    """Changes the instances of a store."""

    def __init__(self, store: Store, objects: Mapping[str, BusinessObject], journal: Journal) -> None:
        self._store = store
        self._objects = objects
        self._journal = journal

    def upsert(self, bo: BusinessObject, body: Mapping[str, Any]) -> Instance:
        """
        Update the instance of ``boiId`` or of a unique value, or create one.

        :raises Refusal: if it cannot be done; nothing has been changed then.
        """
        values = self._values(bo, body.get("fieldValues", {}), "fieldValues")
        add = list(self._links(bo, body.get("fieldRefAdd"), "fieldRefAdd"))
        remove = list(self._links(bo, body.get("fieldRefRemove"), "fieldRefRemove"))
        one = self._known(bo, body.get("boiId"), values)
        if one is None:
            one = self._store.create(bo, values)
            self._journal.effect("created")
        else:
            self._store.update(one, values)
            self._journal.effect("updated")
        if body.get("removeAfter") is True:
            self._link(one, add)
            self._unlink(one, remove)
        else:
            self._unlink(one, remove)
            self._link(one, add)
        return one

    def create(self, bo: BusinessObject, body: Mapping[str, Any]) -> Instance:
        """
        Return a new instance.

        :raises Refusal: also if a unique value is there already, which is this sandbox's choice.
        """
        values = self._values(bo, body.get("initialFieldValues", {}), "initialFieldValues")
        add = list(self._links(bo, body.get("fieldRefAdd"), "fieldRefAdd"))
        if (taken := self._by_unique(bo, values)) is not None:
            raise Refusal(400, f"{taken.boi_id} has this unique value already")
        one = self._store.create(bo, values)
        self._journal.effect("created")
        self._link(one, add)
        return one

    def _known(self, bo: BusinessObject, boi_id: Any, values: Mapping[str, str]) -> Instance | None:
        if boi_id is None:
            return self._by_unique(bo, values)
        one = self._store.find(bo.code, str(boi_id))
        if one is None or one.state == "REMOVED":
            raise Refusal(404, f"there is no {bo.code} {boi_id}")
        return one

    def _by_unique(self, bo: BusinessObject, values: Mapping[str, str]) -> Instance | None:
        for code, value in values.items():
            if bo.fields[code].unique and value.strip():
                found = self._store.by_unique(bo.code, code, value)
                if found is not None:
                    return found
        return None

    def _values(self, bo: BusinessObject, given: Any, name: str) -> dict[str, str]:
        if not isinstance(given, dict):
            raise Refusal(400, f"{name} must be an object")
        for code in given:
            if code not in bo.fields:
                raise Refusal(400, f"{bo.code} has no field {code}")
        return {code: accept(bo.fields[code], value) for code, value in given.items()}

    def _links(self, bo: BusinessObject, entries: Any, name: str) -> Iterator[Link]:
        if not isinstance(entries, list | None):
            raise Refusal(400, f"{name} must be an array")
        for entry in entries or ():
            if not isinstance(entry, dict) or not isinstance(entry.get("apiValues"), list):
                raise Refusal(400, f"{name}: an entry needs apiValues")
            nested = self._nested_object(bo, entry, name)
            for value in entry["apiValues"]:
                yield Link(entry["fieldCode"], self._end(nested, entry, value))

    def _nested_object(self, bo: BusinessObject, entry: Mapping[str, Any], name: str) -> BusinessObject:
        item = bo.fields.get(entry.get("fieldCode", ""))
        if item is None or item.to is None:
            raise Refusal(400, f"{name}: {bo.code} has no reference field {entry.get('fieldCode')!r}")
        if item.held_by is not None and entry.get("boCode") != item.held_by:
            raise Refusal(400, f"{name}: {item.code} sits inside a CO and needs boCode {item.held_by}")
        return self._objects[item.to]

    def _end(self, nested: BusinessObject, entry: Mapping[str, Any], value: Any) -> str:
        code = entry.get("fieldRefUniqCode")
        item = nested.fields.get(code) if isinstance(code, str) else None
        if item is None or not item.unique:
            raise Refusal(400, f"{nested.code} has no unique field {code!r}")
        found = self._store.by_unique(nested.code, item.code, value) if isinstance(value, str) else None
        if found is None:
            raise Refusal(400, f"there is no {nested.code} with {code} {value!r}")
        return found.boi_id

    def _link(self, one: Instance, links: list[Link]) -> None:
        for link in links:
            one.links.setdefault(link.field_code, []).append(link.boi_id)
            self._journal.effect("linked")

    def _unlink(self, one: Instance, links: list[Link]) -> None:
        for link in links:
            there = one.links.get(link.field_code, [])
            # What is not linked is no error, which is this sandbox's choice.
            if link.boi_id in there:
                one.links[link.field_code] = [boi_id for boi_id in there if boi_id != link.boi_id]
                self._journal.effect("unlinked")
