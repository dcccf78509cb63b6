"""Links to nested instances, which are identified by the value of one of their unique fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.api.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.api.values import KINDS, check_code, same, to_python, to_text


class FieldReference(NamedTuple):
    """
    An entry of ``field_ref_add`` or ``field_ref_remove``.

    This is a named tuple because Airflow renders templates inside named tuples.

    :param field_code: the reference field
    :param unique_code: the unique field of the nested object whose value identifies the instance; entries may
        use different unique fields of one object
    :param values: values of that field
    :param bo_code: the object that has the reference field; required if the field is inside a CO
    """

    field_code: str
    unique_code: str
    values: Sequence[Any] | str
    bo_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A checked :class:`FieldReference`."""

    field_code: str
    unique_code: str
    values: tuple[str, ...]
    bo_code: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the entry under the vendor's names."""
        body: dict[str, Any] = {"fieldCode": self.field_code}
        if self.bo_code is not None:
            body["boCode"] = self.bo_code
        return {**body, "fieldRefUniqCode": self.unique_code, "apiValues": list(self.values)}

    @property
    def place(self) -> tuple[str | None, str]:
        """The object that has the reference field, if given, and the field's code."""
        return self.bo_code, self.field_code


_VENDORS_NAMES = {
    "fieldCode": "field_code",
    "fieldRefUniqCode": "unique_code",
    "apiValues": "values",
    "boCode": "bo_code",
}


def read_references(entries: Any, name: str) -> tuple[Reference, ...]:
    """
    Return checked references.

    :param entries: a list of :class:`FieldReference`, or of mappings with its names or the vendor's; or JSON
        text of such a list
    :param name: name of the argument, for the error
    :raises InvalidInput: an entry is invalid; the message says what is expected
    """
    entries = from_text(entries or [], name, number=Decimal)
    if isinstance(entries, (FieldReference, Mapping)):
        entries = [entries]
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        raise InvalidInput(f"{name} must be a list of references, got {type(entries).__name__}")
    return tuple(_reference(entry, f"{name}[{index}]") for index, entry in enumerate(entries))


def linked(one: Reference, nested: Sequence[Boi]) -> set[str] | None:
    """
    Return which of a reference's values are linked.

    :param nested: the instances that the field links to
    :returns: None if that cannot be determined, because an instance lacks the unique field, or has a value
        that may be equal but written differently
    """
    shown = [boi.fields.get(one.unique_code) for boi in nested]
    found = {value: {_names(value, field) for field in shown} for value in one.values}
    known = {value for value, named in found.items() if True in named}
    blind = any(None in named for value, named in found.items() if value not in known)
    return None if blind else known


def named(one: Reference | None, nested: Sequence[Boi]) -> set[tuple[str, str]]:
    """Return the field and the id of each linked instance that a reference names."""
    if one is None:
        return set()
    return {
        (one.field_code, boi.boi_id)
        for boi in nested
        for value in one.values
        if _names(value, boi.fields.get(one.unique_code))
    }


def only(one: Reference, values: set[str]) -> Reference | None:
    """Return the reference with only some of its values; None if none remain."""
    kept = tuple(value for value in one.values if value in values)
    return replace(one, values=kept) if kept else None


def _names(value: str, shown: FieldValue | None) -> bool | None:
    """Return whether a value identifies an instance by its unique field; None if that cannot be told."""
    if shown is None:
        return None
    if not shown.api_value:
        return False
    if same(value, shown.api_value, shown.type):
        return True
    # For an unknown type, it is not known in how many ways a value can be written.
    kind = KINDS.get(shown.type or "")
    try:
        return None if kind is None else to_python(value, kind) == to_python(shown.api_value, kind)
    except ValueError:
        return None


def _reference(entry: Any, name: str) -> Reference:
    if isinstance(entry, FieldReference):
        entry = entry._asdict()
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{name} must be a FieldReference or a mapping, got {type(entry).__name__}")
    given = {_VENDORS_NAMES.get(key, key): value for key, value in entry.items()}
    if unknown := sorted(str(key) for key in set(given) - set(FieldReference._fields)):
        raise InvalidInput(f"{name} has unknown keys: {', '.join(unknown)}")
    bo_code = given.get("bo_code")
    return Reference(
        field_code=check_code(given.get("field_code"), f"{name} field_code"),
        unique_code=check_code(given.get("unique_code"), f"{name} unique_code"),
        values=_values(given.get("values"), f"{name} values"),
        bo_code=None if bo_code is None else check_code(bo_code, f"{name} bo_code"),
    )


def _values(values: Any, name: str) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or not values:
        raise InvalidInput(f"{name} must be a list of at least one value, got {values!r}")
    texts = tuple(dict.fromkeys(to_text(value, name) for value in values))
    if not all(text.strip() for text in texts):
        raise InvalidInput(f"{name} must not be blank")
    return texts
