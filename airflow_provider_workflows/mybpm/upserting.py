"""An upsert as data: what is written, whether it may be sent again, what the structure says against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.mybpm.boi import Boi, Structure, StructureField
from airflow_provider_workflows.mybpm.call import VENDOR
from airflow_provider_workflows.mybpm.references import Reference, check_apart, linked, only, read_references
from airflow_provider_workflows.mybpm.values import (
    KINDS,
    OPTION_TYPES,
    check_code,
    check_id,
    is_id,
    to_python,
    to_text,
)
from airflow_provider_workflows.protocol.errors import InvalidInput, OutcomeUnknown
from airflow_provider_workflows.protocol.jsontext import from_text


@dataclass(frozen=True, kw_only=True)
class Upsert:
    """
    One upsert, checked and with every value as MyBPM takes it.

    :param boi_id: given, the call updates and never creates
    :param values: text by field code
    :param remove_after: add references first, then remove; by default the other way round
    """

    bo_code: str
    boi_id: str | None
    values: Mapping[str, str]
    add: tuple[Reference, ...] = ()
    remove: tuple[Reference, ...] = ()
    remove_after: bool = False

    @classmethod
    def read(
        cls,
        bo_code: Any,
        field_values: Any = None,
        *,
        boi_id: Any = None,
        field_ref_add: Any = (),
        field_ref_remove: Any = (),
        remove_after: bool = False,
    ) -> Upsert:
        """
        Check what is to be written.

        :raises InvalidInput: names the field and what was expected
        """
        add = read_references(field_ref_add, "field_ref_add")
        remove = read_references(field_ref_remove, "field_ref_remove")
        check_apart(add, remove)
        values = read_values(field_values)
        if not (values or add or remove):
            raise InvalidInput("There is nothing to write: neither field_values nor references")
        return cls(
            bo_code=check_code(bo_code, "bo_code"),
            boi_id=None if boi_id is None else check_id(boi_id, "boi_id"),
            values=values,
            add=add,
            remove=remove,
            remove_after=remove_after,
        )

    def body(self) -> dict[str, Any]:
        """Return the request's body."""
        body: dict[str, Any] = {"boCode": self.bo_code, "fieldValues": dict(self.values)}
        if self.boi_id is not None:
            body["boiId"] = self.boi_id
        if self.add:
            body["fieldRefAdd"] = [one.body() for one in self.add]
        if self.remove:
            body["fieldRefRemove"] = [one.body() for one in self.remove]
        if self.add and self.remove:
            body["removeAfter"] = self.remove_after
        return body

    def without_references(self) -> Upsert:
        """Return the same with nothing but its values."""
        return replace(self, add=(), remove=())

    def target(self, unique_field: str | None) -> tuple[str, ...]:
        """
        Return what names the instance of an upsert that may be repeated.

        :param unique_field: by whose value it is named, if not by ``boi_id``
        """
        if self.boi_id is not None:
            return self.bo_code, self.boi_id
        return self.bo_code, str(unique_field), self.values[str(unique_field)]

    def why_once(self, unique_field: str | None, structure: Structure | None) -> str | None:
        """
        Return why a second sending could make a second instance; None if it cannot.

        The vendor's rule: an update names its instance by ``boiId``, and without one the call updates the
        instance with the same value of a unique field or creates it (vendor documentation).

        :param structure: None if it is not known, or the caller may not read it; the user's word counts then
        """
        if self.boi_id is not None:
            return None
        if unique_field is None:
            return "neither boi_id nor unique_field is given"
        if not self.values.get(unique_field, "").strip():
            return f"field_values have no value for the unique_field {unique_field!r}"
        told = structure.fields.get(unique_field) if structure is not None else None
        if told is not None and told.unique is False:
            return f"{self.bo_code} does not hold {unique_field!r} unique"
        return None


def read_values(field_values: Any) -> dict[str, str]:
    """
    Return field values as text by field code.

    :param field_values: mapping field code -> value, or JSON text of one
    :raises InvalidInput: names the field
    """
    values = from_text({} if field_values is None else field_values, "field_values", number=Decimal)
    if not isinstance(values, Mapping):
        raise InvalidInput(f"field_values must be a mapping field code -> value, got {type(values).__name__}")
    return {
        check_code(code, "each key of field_values"): to_text(value, f"field_values {code}")
        for code, value in values.items()
    }


def check_against(upsert: Upsert, structures: Mapping[str, Structure]) -> None:
    """
    Check an upsert against the structures of the objects that it names.

    :param structures: by code: the object's own, and those that references name inside a CO
    :raises InvalidInput: names each wrong field
    """
    own = structures[upsert.bo_code]
    wrong = [
        *_wrong_values(upsert.values, own),
        *_wrong_references("field_ref_add", upsert.add, own, structures),
        *_wrong_references("field_ref_remove", upsert.remove, own, structures),
    ]
    if wrong:
        raise InvalidInput(f"{upsert.bo_code} does not take this: {'; '.join(wrong)}")


def _wrong_values(values: Mapping[str, str], structure: Structure) -> Iterator[str]:
    for code, text in values.items():
        known = structure.fields.get(code)
        if known is None:
            yield f"field_values {code}: no such field"
        elif text and (reason := _unfit(text, known)):
            yield f"field_values {code}: {reason}"


def _unfit(text: str, known: StructureField) -> str | None:
    if known.options is not None and text not in known.options:
        return "the value is not the id of one of its options"
    if known.type in OPTION_TYPES and not is_id(text):
        return "the value is not the id of an option (16 letters, digits, ~ or @)"
    try:
        to_python(text, KINDS.get(known.type or "", str))
    except ValueError:
        return f"the value is not what type {known.type} wants"
    return None


def _wrong_references(
    name: str, references: Sequence[Reference], own: Structure, structures: Mapping[str, Structure]
) -> Iterator[str]:
    for one in references:
        if own.bo_type == "CO" and one.bo_code is None:
            yield f"{name} {one.field_code}: needs bo_code, as {own.bo_code} is a CO"
            continue
        holder = structures[one.bo_code or own.bo_code]
        if one.field_code not in holder.fields:
            yield f"{name} {one.field_code}: {holder.bo_code} has no such field"


def still_pending(wanted: Upsert, nested: Mapping[tuple[str | None, str], Sequence[Boi]]) -> Upsert:
    """
    Return the upsert with only those references that are not yet as wanted.

    :param nested: what each reference field links to, by :attr:`Reference.place`
    :raises OutcomeUnknown: that cannot be told
    """
    present = {one: _linked(one, nested[one.place], wanted) for one in (*wanted.add, *wanted.remove)}
    return replace(
        wanted,
        add=_some((one, set(one.values) - present[one]) for one in wanted.add),
        remove=_some((one, present[one]) for one in wanted.remove),
    )


def _linked(one: Reference, nested: Sequence[Boi], wanted: Upsert) -> set[str]:
    found = linked(one, nested)
    if found is None:
        raise OutcomeUnknown(
            f"What {wanted.bo_code}/{wanted.boi_id} links to in {one.field_code} cannot be read back: nested "
            f"instances came without {one.unique_code}, or with values of it that cannot be compared",
            vendor=VENDOR,
            operation="list nested",
        )
    return found


def _some(parts: Iterable[tuple[Reference, set[str]]]) -> tuple[Reference, ...]:
    return tuple(kept for one, values in parts if (kept := only(one, values)) is not None)
