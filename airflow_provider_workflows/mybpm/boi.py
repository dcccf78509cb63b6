"""What MyBPM answers: instances (BOIs) in the old flat form and the new, and structures; pure functions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.mybpm.values import KINDS, Kind, to_python

#: States of an instance: live, softly deleted, archived, used to test processes (vendor documentation).
LIVE, REMOVED, ARCHIVED, DEV = STATES = ("ALL", "REMOVED", "ARCHIVED", "DEV")


@dataclass(frozen=True)
class FieldValue:
    """
    One field's value.

    :param api_value: as the API takes it; of a selection field the option's id
    :param display_value: as people see it; of a selection field the option's label. None from older servers,
        which answer with plain text
    :param type: such as ``INPUT_NUMBER``; None from older servers
    """

    api_value: str | None
    display_value: str | None = None
    type: str | None = None

    def to_python(self, kind: Kind | None = None) -> Any:
        """
        Return the value as Python's.

        :param kind: what to read it as; by default what the field's type says, or text
        :raises ValueError: it cannot be read so
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
    :param is_touched: the vendor's ``isTouched``; None if the answer did not tell
    :param fields: values by field code
    :param languages: with ``multi_language``, the vendor's ``fieldValuesLang`` as it came
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

        :param fields: codes of the fields to tell; all if None
        """
        told = self.fields if fields is None else {code: self.fields.get(code) for code in fields}
        return {
            "boi_id": self.boi_id,
            "boCode": self.bo_code,
            "state": self.state,
            "isTouched": self.is_touched,
            "fields": {code: (value or FieldValue(None)).to_json() for code, value in told.items()},
        }


@dataclass(frozen=True, kw_only=True)
class StructureField:
    """
    A field of a business object; what the answer does not tell is None.

    :param unique: whether no two instances share a value
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

    :param bo_code: taken where the answer names none
    :raises ValueError: it is none
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("boiId"), str) or not raw["boiId"]:
        raise ValueError("no boiId")
    values = raw.get("fieldValues") or {}
    if not isinstance(values, Mapping):
        raise ValueError("fieldValues is no object")
    return Boi(
        boi_id=raw["boiId"],
        bo_code=str(raw.get("boCode") or bo_code),
        state=_text(raw.get("state")),
        is_touched=_flag(raw.get("isTouched")),
        fields={str(code): _field_value(value) for code, value in values.items()},
        languages=raw.get("fieldValuesLang"),
    )


def read_bois(raw: Any, *, bo_code: str = "", key: str = "records") -> list[Boi]:
    """
    Return instances: from an array, from an array under a key, or from one object where an array is promised.

    :raises ValueError: it is nothing of these
    """
    if isinstance(raw, Mapping) and "boiId" not in raw:
        raw = raw.get(key)
    if isinstance(raw, Mapping):
        raw = [raw]
    if not isinstance(raw, list):
        raise ValueError(f"neither an array of instances nor one under {key!r}")
    return [read_boi(one, bo_code=bo_code) for one in raw]


def read_structure(raw: Any) -> Structure:
    """
    Return a field catalogue.

    :raises ValueError: it is none
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


#: Names that a structure may use for what the readable part of the vendor documentation does not show
#: (assumption); where none of them is there, the structure does not tell.
_UNIQUE, _OPTIONS = ("unique", "isUnique", "uniq", "isUniq"), "options"


def _structure_field(raw: Any) -> StructureField:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("code"), str):
        raise ValueError("a field without code")
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
    """Return a value as text: whether some are text or numbers is unclear in the vendor documentation."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _flag(value: Any) -> bool | None:
    """Read a boolean, described as text but shown as a boolean (vendor documentation)."""
    return {"true": True, "false": False}.get(str(value).lower())
