"""
What a vendor declares in ``tests/<vendor>/declared.py`` for the tests that all vendors share.

The chaos matrix has a declaration of its own, see :mod:`tests.system.chaos.vendor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.sandbox.declaration import Table
from tests.browser.account import Person

#: By label: the vendor's own name for its password, token or key, and labels of its choice for others.
Secrets = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """
    Tasks that run into faults in the system tests. Nothing that they start ends by itself.

    :param start: an operator
    :param arguments: its arguments
    :param wrong: arguments that it refuses
    :param wait: a sensor
    :param of: its arguments, from what the operator returned
    """

    start: Any
    arguments: Mapping[str, Any]
    wrong: Mapping[str, Any]
    wait: Any
    of: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class VendorTests:
    """
    A vendor in the tests that all vendors share.

    :param reached: what the Test button says of the sandbox's connection, up to ", at"
    :param may_answer_pages: an answer that is a page, and no JSON, is not known to be wrong
    :param own: a table of the sandbox's declaration with accounts of its own
    :param own_login: login and password that a connection then has
    :param own_extra: fields of its extra that come from the table
    :param condition: one of its conditions
    :param reads: the sandbox's endpoint that ``trouble``'s sensor asks
    :param starts: the one that its operator asks
    :param trouble: see there
    :param let_in: writes secrets into the vendor's table of the shipped declaration
    :param more_secrets: labels of secrets beside the vendor's own
    :param with_secrets: adds those to the connection; the vendor's own is its password already
    :param issuers: its mounts in the sandbox that issue something secret
    :param examples: ids of its example DAGs that come to an end by themselves
    :param person: how a person fills in the form of its connection
    """

    reached: str
    own: Table
    own_login: tuple[str, str]
    condition: Condition
    reads: str
    starts: str
    trouble: Trouble
    let_in: Callable[[Table, Secrets], None]
    examples: tuple[str, ...]
    person: Person
    may_answer_pages: bool = False
    own_extra: Mapping[str, Any] = field(default_factory=dict)
    more_secrets: tuple[str, ...] = ()
    with_secrets: Callable[[dict[str, Any], Secrets], dict[str, Any]] = lambda fields, secrets: fields
    issuers: tuple[str, ...] = ()
