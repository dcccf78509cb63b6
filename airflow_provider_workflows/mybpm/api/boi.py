"""Reads MyBPM's answers: instances (BOIs), in the old and the new form, and structures; pure functions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.exceptions import one_line
from airflow_provider_workflows.mybpm.api.values import KINDS, Kind, is_id, to_python

#: Characters of a state in a message.
LONGEST_STATE = 100
#: States of an instance: live, removed, archived, used to test processes (vendor documentation).
LIVE, REMOVED, ARCHIVED, DEV = STATES = ("ALL", "REMOVED", "ARCHIVED", "DEV")


@dataclass(frozen=True)
class FieldValue:
    """
    One field's value.

    :param api_value: the value as the API uses it; for a selection field, the option's id
    :param display_value: the value as people see it; for a selection field, the option's label. None from
        older servers, which answer with plain text
    :param type: the field's type, such as ``INPUT_NUMBER``; None from older servers
    """

    api_value: str | None
    display_value: str | None = None
    type: str | None = None

    def to_python(self, kind: Kind | None = None) -> Any:
        """
        Return the value as a Python value.

        :param kind: the Python type; by default that of the field's type, or text
        :raises ValueError: it cannot be converted
        """
        return to_python(self.api_value, kind or KINDS.get(self.type or "", str))

    def to_json(self) -> dict[str, str | None]:
        """Return the value under the vendor's names."""
        return {"apiValue": self.api_value, "displayValue": self.display_value, "type": self.type}


@dataclass(frozen=True, kw_only=True)
class Boi:
    """
    An instance of a business object.

    :param state: one of :data:`STATES`
    :param is_touched: the vendor's ``isTouched``: whether the current user has read the instance (vendor
        documentation); None if the answer did not have it
    :param fields: values by field code
    :param languages: the vendor's ``fieldValuesLang``, if requested by ``multi_language``
    """

    boi_id: str
    bo_code: str
    state: str | None
    is_touched: bool | None
    fields: Mapping[str, FieldValue]
    languages: Any = None

    def to_json(self, fields: Collection[str] | None = None) -> dict[str, Any]:
        """
        Return the instance as JSON values.

        :param fields: codes of the fields to include; None for all
        """
        included = self.fields if fields is None else {code: self.fields.get(code) for code in fields}
        return {
            "boi_id": self.boi_id,
            "boCode": self.bo_code,
            "state": self.state,
            "isTouched": self.is_touched,
            "fields": {code: (value or FieldValue(None)).to_json() for code, value in included.items()},
        }


@dataclass(frozen=True, kw_only=True)
class StructureField:
    """
    A field of a business object; what the answer does not contain is None.

    :param unique: whether values are unique among the instances
    :param options: ids of a selection field's options
    """

    id: str
    code: str
    label: str | None = None
    type: str | None = None
    unique: bool | None = None
    options: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Structure:
    """
    A business object's field catalogue.

    :param bo_type: ``PROCESS``, ``DICTIONARY``, ``PANEL``, ``CO`` or ``BO``
    :param names: name and record name with their translations, under the vendor's names
    :param fields: by code
    """

    bo_id: str | None
    bo_code: str
    bo_type: str | None
    actual: bool | None
    names: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, StructureField] = field(default_factory=dict)


def read_boi(raw: Any, *, bo_code: str = "") -> Boi:
    """
    Return an instance.

    :param bo_code: used if the answer has no code
    :raises ValueError: the answer is not an instance
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("boiId"), str) or not is_id(raw["boiId"]):
        raise ValueError("no boiId")
    values = raw.get("fieldValues") or {}
    if not isinstance(values, Mapping):
        raise ValueError("fieldValues is not an object")
    return Boi(
        boi_id=raw["boiId"],
        bo_code=str(raw.get("boCode") or bo_code),
        state=None if raw.get("state") is None else one_line(str(_text(raw["state"])), LONGEST_STATE),
        is_touched=_flag(raw.get("isTouched")),
        fields={str(code): _field_value(value) for code, value in values.items()},
        languages=raw.get("fieldValuesLang"),
    )


def read_bois(raw: Any, *, bo_code: str = "", key: str = "records", lenient: bool = False) -> list[Boi]:
    """
    Return instances from an array, from an array under a key, or from a single object instead of an array.

    :param lenient: leave out those that cannot be read
    :raises ValueError: the answer is none of these
    """
    if isinstance(raw, Mapping) and "boiId" not in raw:
        raw = raw.get(key)
    if isinstance(raw, Mapping):
        raw = [raw]
    if not isinstance(raw, list):
        raise ValueError(f"no array of instances, neither at the top nor under {key!r}")
    found = []
    for one in raw:
        try:
            found.append(read_boi(one, bo_code=bo_code))
        except ValueError:
            if not lenient:
                raise
    return found


def read_structure(raw: Any) -> Structure:
    """
    Return a field catalogue.

    :raises ValueError: the answer is not a field catalogue
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("fields"), (Mapping, list)):
        raise ValueError("no fields")
    entries = raw["fields"].values() if isinstance(raw["fields"], Mapping) else raw["fields"]
    fields = [_structure_field(entry) for entry in entries]
    return Structure(
        bo_id=_text(raw.get("boId")),
        bo_code=str(raw.get("boCode") or ""),
        bo_type=_text(raw.get("boType")),
        actual=_flag(raw.get("actual")),
        names={str(key): str(value) for key, value in raw.items() if key.startswith(("name", "recordName"))},
        fields={one.code: one for one in fields},
    )


def _field_value(raw: Any) -> FieldValue:
    if not isinstance(raw, Mapping):
        return FieldValue(_text(raw))
    return FieldValue(_text(raw.get("apiValue")), _text(raw.get("displayValue")), _text(raw.get("type")))


#: Assumption: a structure has this information under one of these keys, if at all; the readable part of the
#: vendor documentation does not show them. Wrong if ``load_structure`` returns ``unique=None``
#: for a field that is unique in MyBPM.
_UNIQUE, _OPTIONS = ("unique", "isUnique", "uniq", "isUniq"), "options"


def _structure_field(raw: Any) -> StructureField:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("code"), str):
        raise ValueError("a field has no code")
    options = raw.get(_OPTIONS)
    listed = isinstance(options, list) and all(isinstance(one, Mapping) and "id" in one for one in options)
    return StructureField(
        id=str(raw.get("id") or ""),
        code=raw["code"],
        label=_text(raw.get("label")),
        type=_text(raw.get("type")),
        unique=next((flag for name in _UNIQUE if (flag := _flag(raw.get(name))) is not None), None),
        options=frozenset(str(one["id"]) for one in options) if listed and options else None,
    )


def _text(value: Any) -> str | None:
    """Return a value as text; the vendor documentation is unclear whether some are text or numbers."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _flag(value: Any) -> bool | None:
    """Return a boolean, which the vendor documentation describes as text but shows as a boolean."""
    return {"true": True, "false": False}.get(str(value).lower())
