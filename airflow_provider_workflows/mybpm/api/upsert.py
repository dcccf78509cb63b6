"""An upsert as data: what it writes, whether it may be repeated, and whether it fits the structure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown
from airflow_provider_workflows.mybpm.api.boi import Boi, Structure, StructureField
from airflow_provider_workflows.mybpm.api.call import VENDOR
from airflow_provider_workflows.mybpm.api.references import (
    Reference,
    linked,
    named,
    only,
    read_references,
)
from airflow_provider_workflows.mybpm.api.values import (
    KINDS,
    OPTION_TYPES,
    check_code,
    check_id,
    is_id,
    to_python,
    to_text,
)


@dataclass(frozen=True, kw_only=True)
class Upsert:
    """
    One upsert, checked and with all values converted.

    :param boi_id: if given, the call updates and never creates
    :param values: text by field code
    :param remove_after: add references before removing others; by default, they are removed first. It matters
        only for an instance in both lists, which is unlinked at the end if true, and else linked
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
        Check and convert the arguments of an upsert.

        :raises InvalidInput: a field is invalid; the message says what is expected
        """
        add = read_references(field_ref_add, "field_ref_add")
        remove = read_references(field_ref_remove, "field_ref_remove")
        values = read_values(field_values)
        if not (values or add or remove):
            raise InvalidInput("There is nothing to write: field_values and references are empty")
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
        """Return the same upsert without its references."""
        return replace(self, add=(), remove=())

    def target(self, unique_field: str | None) -> tuple[str, ...]:
        """
        Return what identifies the instance of a repeatable upsert.

        :param unique_field: the field whose value identifies it, if there is no ``boi_id``
        """
        if self.boi_id is not None:
            return self.bo_code, self.boi_id
        return self.bo_code, str(unique_field), self.values[str(unique_field)]

    def why_once(self, unique_field: str | None, structure: Structure | None) -> str | None:
        """
        Return why a repetition could create a second instance; None if it cannot.

        The vendor's rule: ``boiId`` identifies the instance to update; without it, the call updates the
        instance with the same value of a unique field, or creates one (vendor documentation).

        :param structure: None if it is not known or may not be read; then ``unique_field`` is trusted
        :raises InvalidInput: the value of ``unique_field`` is empty
        """
        if self.boi_id is not None:
            return None
        if unique_field is None:
            return "neither boi_id nor unique_field is given"
        if not self.values.get(unique_field, "missing").strip():
            raise InvalidInput(
                f"field_values has an empty value for the unique_field {unique_field!r}. Nothing was sent\n"
                "MyBPM would create a new instance each time. If that is meant, leave unique_field out"
            )
        if unique_field not in self.values:
            return f"field_values has no value for the unique_field {unique_field!r}"
        field = structure.fields.get(unique_field) if structure is not None else None
        if field is not None and field.unique is False:
            return f"the field {unique_field!r} of {self.bo_code} is not unique"
        return None


def read_values(field_values: Any) -> dict[str, str]:
    """
    Return field values as text by field code.

    :param field_values: mapping of field code to value, or JSON text of one
    :raises InvalidInput: a field is invalid; the message names it
    """
    values = from_text({} if field_values is None else field_values, "field_values", number=Decimal)
    if not isinstance(values, Mapping):
        raise InvalidInput(
            f"field_values must be a mapping of field code to value, got {type(values).__name__}"
        )
    return {
        check_code(code, "each key of field_values"): to_text(value, f"field_values {code}")
        for code, value in values.items()
    }


def check_against(upsert: Upsert, structures: Mapping[str, Structure]) -> None:
    """
    Check an upsert against the structures of its objects.

    :param structures: structures by code: that of the object, and those of the objects that references name
    :raises InvalidInput: fields are invalid; the message names each
    """
    own = structures[upsert.bo_code]
    wrong = [
        *_wrong_values(upsert.values, own),
        *_wrong_references("field_ref_add", upsert.add, own, structures),
        *_wrong_references("field_ref_remove", upsert.remove, own, structures),
    ]
    if wrong:
        raise InvalidInput(f"The values do not fit {upsert.bo_code}: {'; '.join(wrong)}")


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
        return "the value is not the id of an option, which has 16 characters"
    try:
        to_python(text, KINDS.get(known.type or "", str))
    except ValueError:
        return f"the value is not valid for the type {known.type}"
    return None


def _wrong_references(
    name: str, references: Sequence[Reference], own: Structure, structures: Mapping[str, Structure]
) -> Iterator[str]:
    for one in references:
        if own.bo_type == "CO" and one.bo_code is None:
            yield f"{name} {one.field_code}: requires bo_code, because {own.bo_code} is a CO"
            continue
        holder = structures[one.bo_code or own.bo_code]
        if one.field_code not in holder.fields:
            yield f"{name} {one.field_code}: {holder.bo_code} has no such field"


def still_pending(wanted: Upsert, nested: Mapping[tuple[str | None, str], Sequence[Boi]]) -> Upsert:
    """
    Return the upsert with only those references that are not done yet.

    An instance in both lists counts only for the list that is done last.

    :param nested: the instances that each reference field links to, by :attr:`Reference.place`
    :raises OutcomeUnknown: that cannot be determined
    """
    present = {one: _linked(one, nested[one.place], wanted) for one in (*wanted.add, *wanted.remove)}
    missing = {one: set(one.values) - present[one] for one in wanted.add}
    if not wanted.remove_after:
        kept = {link for one in wanted.add for link in named(one, nested[one.place])}
        removed = ((one, present[one] - _naming(one, kept, nested[one.place])) for one in wanted.remove)
        return replace(wanted, add=_some(missing.items()), remove=_some(removed))
    added = {one: values - _removed_by(one, wanted.remove) for one, values in missing.items()}
    places = {(one.field_code, one.unique_code) for one, values in added.items() if values}
    return replace(
        wanted,
        add=_some(added.items()),
        remove=_some((one, present[one] | _perhaps_added(one, places)) for one in wanted.remove),
    )


def _naming(one: Reference, kept: set[tuple[str, str]], nested: Sequence[Boi]) -> set[str]:
    """Return the values of a reference whose instances are among some."""
    return {value for value in one.values if named(only(one, {value}), nested) & kept}


def _removed_by(one: Reference, remove: Iterable[Reference]) -> set[str]:
    """Return the values of a reference that is added which name what is removed."""
    field = one.field_code, one.unique_code
    same = [other for other in remove if (other.field_code, other.unique_code) == field]
    return {value for other in same for value in other.values}


def _perhaps_added(one: Reference, places: set[tuple[str, str]]) -> set[str]:
    """Return all values if another unique field may name, among what is added, the same instances."""
    other = any(field == one.field_code and code != one.unique_code for field, code in places)
    return set(one.values) if other else set()


def _linked(one: Reference, nested: Sequence[Boi], wanted: Upsert) -> set[str]:
    found = linked(one, nested)
    if found is None:
        raise OutcomeUnknown(
            f"The links of {wanted.bo_code}/{wanted.boi_id} in {one.field_code} cannot be checked\n"
            f"Nested instances lack {one.unique_code}, or have values of it that cannot be compared",
            vendor=VENDOR,
            operation="list nested",
        )
    return found


def _some(parts: Iterable[tuple[Reference, set[str]]]) -> tuple[Reference, ...]:
    return tuple(kept for one, values in parts if (kept := only(one, values)) is not None)
