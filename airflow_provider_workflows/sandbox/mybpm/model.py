"""What a MyBPM server is told to hold: business objects, their fields and processes, users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# The first four are the vendor's, as far as documented. How it calls a reference field is not; this is ours.
FieldType = Literal["INPUT_TEXT", "INPUT_NUMBER", "FULL_DATE", "RADIO_BUTTON_GROUP", "REFERENCE"]
BoType = Literal["PROCESS", "DICTIONARY", "PANEL", "CO", "BO"]
STATES = ("ALL", "REMOVED", "ARCHIVED", "DEV")


@dataclass(frozen=True)
class Field:
    """A field of a business object.

    :param id: 16 characters.
    :param options: of a selection field: id of the option -> label.
    :param to: of a reference field: code of the nested object.
    :param held_by: inside a CO: code of the grouped object that the field belongs to.
    """

    id: str
    code: str
    label: str
    type: FieldType = "INPUT_TEXT"
    unique: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    to: str | None = None
    held_by: str | None = None


@dataclass(frozen=True)
class Step:
    """A step of an object's process, done some seconds after the step before, or by a person.

    :param after: seconds.
    :param values: what it writes: field code -> text.
    :param state: the state it brings the instance to.
    :param choices: makes it a step for a person: label of a button -> what that writes. So does an update
        that writes the same.
    """

    name: str
    after: float = 0.0
    values: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class BusinessObject:
    """A business object.

    :param fields: by code.
    :param process: what happens to an instance once it is created.
    :param reticent: its structure tells neither types nor options nor what is unique.
    """

    id: str
    code: str
    name: str
    type: BoType
    fields: Mapping[str, Field]
    process: tuple[Step, ...] = ()
    reticent: bool = False


@dataclass(frozen=True)
class Declared:
    """All that a declaration says.

    :param users: e-mail -> password.
    :param timezone: of the user behind the API tokens, in the form ``GMT+0600``.
    :param session_seconds: how long a session token lives.
    :param page_limit: instances in a page at the most, whatever is asked for.
    :param instances: what is there from the beginning: code of the object and values.
    """

    objects: Mapping[str, BusinessObject]
    users: Mapping[str, str]
    api_tokens: frozenset[str]
    timezone: str
    session_seconds: float
    page_limit: int
    instances: tuple[tuple[str, Mapping[str, str]], ...]
