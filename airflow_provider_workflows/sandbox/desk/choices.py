"""What a person may do to a record: offered on its page, pressed, and carried out if it is still offered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from airflow_provider_workflows.sandbox.vendor import Action, CommandError, Input, Record

#: Before the name of a field in a form.
FIELD = "value."


@dataclass(frozen=True)
class Form:
    """Fields to fill in, and the buttons below them."""

    inputs: tuple[Input, ...]
    actions: tuple[Action, ...]


def forms_at_stops(record: Record) -> list[tuple[str, list[Form]]]:
    """Return what can be done at each stop where a record waits: the stop's label, and the forms."""
    stops = groupby((one for one in record.actions if one.at), key=lambda action: action.at)
    return [(label, _forms(actions)) for label, actions in stops]


def other_forms(record: Record) -> list[Form]:
    """Return what can be done to a record as a whole."""
    return _forms(one for one in record.actions if not one.at)


def _forms(actions: Iterable[Action]) -> list[Form]:
    return [Form(inputs, tuple(same)) for inputs, same in groupby(actions, key=lambda action: action.inputs)]


def quick_actions(record: Record) -> Sequence[Action]:
    """Return what can be done from a list: choices at a stop that take what is filled in already."""
    return [one for one in record.actions if one.at and not any(given.is_file for given in one.inputs)][:4]


def key_of(action: Action) -> str:
    """Return what the button of an action sends: which one it is, whatever else comes or goes."""
    return json.dumps([action.command, dict(action.arguments)], sort_keys=True)


def pressed(record: Record, form: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """
    Return the command of a pressed button, with its arguments.

    :param form: what was filled in; of files, what the command gets of them.
    :raises CommandError: if it is not offered now: an old page in another tab must not do it twice.
    """
    action = next((one for one in record.actions if key_of(one) == form.get("action")), None)
    if action is None:
        raise CommandError(
            "Nothing was done: that choice is not offered any more. This is how it stands now."
        )
    arguments: dict[str, Any] = dict(action.arguments)
    given = {one.name: FIELD + one.name for one in action.inputs if FIELD + one.name in form}
    values: dict[str, Any] = {name: form[field] for name, field in given.items()}
    if values:
        arguments["values"] = values
    return action.command, arguments
