"""Links to nested instances, named by the value of one of their unique fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from airflow_provider_workflows.mybpm.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.values import KINDS, check_code, same, to_python, to_text
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text


class FieldReference(NamedTuple):
    """
    An entry of ``field_ref_add`` or ``field_ref_remove``.

    A named tuple, because Airflow renders templates inside of one.

    :param field_code: the reference field
    :param unique_code: the unique field of the nested object by whose value the instance is named; entries
        may use different unique fields of one object
    :param values: values of that field
    :param bo_code: the object that holds the reference field; needed when the field sits inside a CO
    """

    field_code: str
    unique_code: str
    values: Sequence[Any] | str
    bo_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A :class:`FieldReference` that has been checked."""

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
        """The reference field, with the object that holds it where that was named."""
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
    :param name: of the argument, for the error
    :raises InvalidInput: names the entry and what was expected
    """
    entries = from_text(entries or [], name, number=Decimal)
    if isinstance(entries, (FieldReference, Mapping)):
        entries = [entries]
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        raise InvalidInput(f"{name} must be a list of references, got {type(entries).__name__}")
    return tuple(_reference(entry, f"{name}[{place}]") for place, entry in enumerate(entries))


def check_apart(add: Iterable[Reference], remove: Iterable[Reference]) -> None:
    """
    Check that no link is both added and removed.

    :raises InvalidInput: names the field; what is left in the end would depend on how far the call came
    """
    both = _links(add) & _links(remove)
    if both:
        # Not the values: they may be people's numbers.
        fields = ", ".join(sorted({field for (_, field), *_ in both}))
        raise InvalidInput(f"field_ref_add and field_ref_remove both name the same instance, in {fields}")


def linked(one: Reference, nested: Sequence[Boi]) -> set[str] | None:
    """
    Return which of a reference's values are linked.

    :param nested: the instances that the field links to
    :returns: None if that cannot be told, because an instance came without the unique field, or with a value
        that may be the same in another spelling
    """
    shown = [boi.fields.get(one.unique_code) for boi in nested]
    found = {value: {_names(value, field) for field in shown} for value in one.values}
    known = {value for value, named in found.items() if True in named}
    blind = any(None in named for value, named in found.items() if value not in known)
    return None if blind else known


def only(one: Reference, values: set[str]) -> Reference | None:
    """Return the reference with these of its values; None if none is left."""
    kept = tuple(value for value in one.values if value in values)
    return replace(one, values=kept) if kept else None


def _names(value: str, shown: FieldValue | None) -> bool | None:
    """Tell whether a value names the instance that shows this one; None if that cannot be told."""
    if shown is None:
        return None
    if not shown.api_value:
        return False
    if same(value, shown.api_value, shown.type):
        return True
    # Of an unknown type it is not known in how many ways one value can be spelled.
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
        raise InvalidInput(f"{name} has no {', '.join(unknown)}")
    bo_code = given.get("bo_code")
    return Reference(
        field_code=check_code(given.get("field_code"), f"{name} field_code"),
        unique_code=check_code(given.get("unique_code"), f"{name} unique_code"),
        values=_values(given.get("values"), f"{name} values"),
        bo_code=None if bo_code is None else check_code(bo_code, f"{name} bo_code"),
    )


def _links(references: Iterable[Reference]) -> set[tuple[tuple[str | None, str], str, str]]:
    return {(one.place, one.unique_code, value) for one in references for value in one.values}


def _values(values: Any, name: str) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or not values:
        raise InvalidInput(f"{name} must be a list of at least one value, got {values!r}")
    texts = tuple(dict.fromkeys(to_text(value, name) for value in values))
    if not all(text.strip() for text in texts):
        raise InvalidInput(f"{name} must not be blank")
    return texts
