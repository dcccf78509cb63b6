"""What a person may do to a record: offered on its page, pressed, and carried out if it is still offered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from airflow_provider_workflows.sandbox.vendor import Action, CommandError, Input, Record

#: Before the name of a field in a form.
FIELD = "value."


@dataclass(frozen=True)
class Form:
    """Fields to fill in, and the buttons below them."""

    at: str
    inputs: tuple[Input, ...]
    actions: tuple[Action, ...]


def forms_of(record: Record) -> list[Form]:
    """Return the forms of a record's page: what is done at a stop first, then to the record as a whole."""
    ordered = sorted(record.actions, key=lambda action: not action.at)
    grouped = groupby(ordered, key=lambda action: (action.at, action.inputs))
    return [Form(at, inputs, tuple(actions)) for (at, inputs), actions in grouped]


def quick_actions(record: Record) -> Sequence[Action]:
    """Return what can be done from a list: choices at a stop that take what is filled in already."""
    return [action for action in record.actions if action.at][:4]


def key_of(action: Action) -> str:
    """Return what the button of an action sends: which one it is, whatever else comes or goes."""
    return json.dumps([action.command, dict(action.arguments)], sort_keys=True)


def pressed(record: Record, form: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """
    Return the command of a pressed button, with its arguments.

    :raises CommandError: if it is not offered now: an old page in another tab must not do it twice.
    """
    action = next((one for one in record.actions if key_of(one) == form.get("action")), None)
    if action is None:
        raise CommandError(
            "Nothing was done: that choice is not offered any more. This is how it stands now."
        )
    arguments: dict[str, Any] = dict(action.arguments)
    values = {one.name: form[FIELD + one.name] for one in action.inputs if FIELD + one.name in form}
    if values:
        arguments["values"] = values
    return action.command, arguments
