"""What a person is given to fill in a connection's form, and what a vendor declares of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

USER, E_MAIL = "airflow", "airflow@example.com"


class Choice(str):
    """A value that is one of several, so that the form must offer it."""


class Secret(str):
    """A value that nobody must see again once it is saved; one that no other text happens to hold."""

    @classmethod
    def random(cls) -> Secret:
        return cls(f"secret-{secrets.token_hex(8)}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """
    What a vendor does in the example DAG that crosses several.

    :param task: the task that begins something at the vendor
    :param record: what is written at the head of the page to which its link leads; a pattern
    """

    task: str
    record: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """
    How a person fills in the form of a vendor's connection, by the labels of the form.

    :param server: label of the field for the vendor's address
    :param password: label of the field for the secret
    :param standard: further values of the section that is open from the beginning
    :param extra: values of the vendor's own section; a class of which each person gets a value of their own
    :param tested: what Test says, up to ", at"
    :param let_in: the sandbox's command that lets the person in, given the secret: its name and arguments
    :param step: of the vendor in the example DAG; None if it has none
    """

    server: str
    password: str
    tested: str
    let_in: Callable[[str], tuple[str, Mapping[str, Any]]]
    standard: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str | type[Secret]] = field(default_factory=dict)
    step: Step | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """
    A connection as a person fills it in, by the labels of the form.

    :param type_name: what the person looks for among the types
    :param standard: values of the section that is open from the beginning
    :param extra: values of the vendor's own section
    :param tested: what Test says
    :param step: of the vendor in the example DAG
    """

    conn_id: str
    type_name: str
    standard: Mapping[str, str]
    extra: Mapping[str, str]
    tested: str
    step: Step | None

    @property
    def conn_type(self) -> str:
        return self.conn_id.removesuffix("_default")

    @property
    def picture(self) -> str:
        """Name of its pictures."""
        return f"connection-{self.conn_type}"

    @property
    def link(self) -> str:
        """What leads from a task to the vendor's page."""
        return f"Open in {self.type_name}"

    @property
    def secrets(self) -> list[str]:
        """What must not be seen; the vendor's own first."""
        return [value for value in (*self.standard.values(), *self.extra.values()) if type(value) is Secret]

    def but_for(self, conn_id: str, **standard: str) -> Account:
        """The same connection under another name and with other values, by label."""
        return replace(self, conn_id=conn_id, standard={**self.standard, **standard})
