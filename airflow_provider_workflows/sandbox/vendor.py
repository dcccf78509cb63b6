"""What the sandbox asks of a vendor: the contract between the common part and a vendor's folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.plan import Plan


class CommandError(Exception):
    """A command of the control API that cannot be carried out; the text says why."""


@dataclass(frozen=True)
class Head:
    """
    A request before its body is read; header names in lower case, the path below the vendor's mount.

    :param query: what follows the question mark, as it came.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""


@dataclass(frozen=True)
class Upload:
    """
    One file of a multipart request, of which only the measures are kept.

    :param field: name of the part.
    :param name: file name that the client gave.
    :param size: in bytes.
    :param sha256: of the bytes, in hex.
    """

    field: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Call:
    """
    A request whose body has been read.

    :param body: of anything but multipart; empty if it was beyond the vendor's limit.
    :param form: the text parts of a multipart body, in order.
    :param uploads: the file parts of a multipart body, in order.
    :param is_multipart: whether the body was a readable multipart form.
    """

    head: Head
    body: bytes = b""
    form: tuple[tuple[str, str], ...] = ()
    uploads: tuple[Upload, ...] = ()
    is_multipart: bool = False


@dataclass(frozen=True)
class Answer:
    """What the vendor says."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Routed:
    """Which endpoint a request is for, and the work itself, which a fault may let happen or not."""

    endpoint: str
    perform: Callable[[], Answer]


@dataclass(frozen=True)
class Input:
    """
    A value that a person may fill in with an action.

    :param name: the vendor's name of it; the command gets it under that in ``values``.
    :param label: what a person reads; the name if empty.
    :param value: what is filled in already.
    :param required: whether the action cannot do without it.
    :param choices: what may be chosen: value -> label; any text if empty.
    :param hint: what is expected, in a few words.
    :param is_file: whether it takes files; the command gets ``name``, ``size`` and ``sha256`` of each.
    """

    name: str
    label: str = ""
    value: str = ""
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    is_file: bool = False


@dataclass(frozen=True)
class Action:
    """
    Something that a person may do to a record on the desk: a command with its arguments.

    :param at: label of the stop at which it is offered; empty if it is for the record as a whole.
    :param inputs: what may be filled in. The command takes it as its argument ``values``, and does without.
    :param button: what its button says beside the name of the stop; the label if empty.
    :param tone: ``good`` or ``bad`` if it is a plain yes or no, ``bad`` also if it ends something.
    """

    label: str
    command: str
    arguments: Mapping[str, str]
    at: str = ""
    inputs: tuple[Input, ...] = ()
    button: str = ""
    tone: Literal["", "good", "bad"] = ""


@dataclass(frozen=True, slots=True)
class Event:
    """
    Something that happened to a record.

    :param at: when, by the sandbox's clock, in seconds since the epoch.
    :param what: in a few words.
    :param by: who did it; the vendor itself if empty.
    """

    at: float
    what: str
    by: str = ""


@dataclass(frozen=True)
class Record:
    """
    One order, case or run, as the vendor's own staff would see it.

    :param kind: the vendor's word for it.
    :param id: its name, unique at the vendor.
    :param state: ``running``, ``waiting``, ``failed`` or ``finished``.
    :param standing: labels of the stops where it waits or has failed.
    :param stops: labels of the stops passed, in order.
    :param fields: its values.
    :param files: name, size and SHA-256 of its files.
    :param error: message of a failure.
    :param process: what it is a record of, as people call it.
    :param title: what it is about, in a few words.
    :param labels: what people call its fields, by name; those without have none.
    :param history: what happened to it, oldest first.
    """

    vendor: str
    kind: str
    id: str
    state: str
    standing: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Mapping[str, str | int], ...] = ()
    error: str | None = None
    actions: tuple[Action, ...] = ()
    process: str = ""
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Event, ...] = ()


Command = Callable[..., Any]


class Double(Protocol):
    """
    One server of a vendor, mounted at ``/<name>``.

    All calls come from the server's one event loop and return without waiting: that is the lock.
    """

    @property
    def name(self) -> str:
        """Of the mount."""

    @property
    def endpoint_names(self) -> Collection[str]:
        """What a fault may be ordered for."""

    @property
    def body_limit(self) -> int:
        """Bytes of a body, or of a field of a form, that the vendor reads; a longer one looks empty."""

    @property
    def journal(self) -> Journal:
        """Its counters."""

    @property
    def plan(self) -> Plan:
        """The limit of its accounts, which its work asks for each request of an account that it knows."""

    @property
    def agenda(self) -> Agenda:
        """Its work that is still to do."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """What the control API can do to it: keyword arguments, a JSON value in return."""

    @property
    def stops(self) -> Mapping[str, Collection[str]]:
        """
        Where its records may wait for a person, by the declaration, and the labels of what can be done there.

        Under an empty text, what can be done to a record as a whole.
        """

    def public_path(self, head: Head) -> str:
        """Return the path of a request, without anything secret that the vendor may want in it."""

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the endpoints that a request can be for, as far as its head tells."""

    def route(self, call: Call) -> Routed:
        """
        Return the endpoint that a request is for, and its work.

        An ``OverPlanError`` of the work is answered with 429 and ``Retry-After``.
        """

    def records(self) -> Sequence[Record]:
        """Everything it holds, oldest first; a ``Records`` if that may be much."""

    def restart(self) -> None:
        """Lose what a server keeps in memory only, and begin interrupted work again."""

    def reset(self) -> None:
        """Go back to the declared beginning."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """
    Who an Airflow connection says that it is.

    :param extra: fields of the connection beside login and password.
    """

    login: str
    password: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Login:
    """
    Somebody else who is declared, to try what a connection may not do.

    :param login: empty if the password is all.
    :param note: what is special.
    """

    login: str = ""
    password: str
    note: str = ""


def first_active(users: Sequence[Table]) -> Table:
    """Return the first of some declared users who may log in."""
    return next((user for user in users if user.get("active", True)), users[0])


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """
    A vendor that the sandbox plays.

    :param name: of its table in a declaration, and the type of the Airflow connections to it.
    :param title: what tasks call it.
    :param processes: declaration file with its table alone: what it begins with if no other is given.
    :param build: makes its servers from its table.
    :param account: who a connection to it says that it is, from its table.
    :param logins: all who are declared, from its table.
    :param process: what its people call that of which a record is one.
    :param account_keys: the keys of its table that say who may come in. Those that another declaration does
        not have are taken from ``processes``; if one is empty, there is no connection.
    :param other_account_keys: likewise, but a connection does not need them.
    :param record: what the page of a record is called, with placeholders as in a connection's ``ui_url``.
    :param mounts: its servers, each with the extra fields of a connection to it. Connections lead to the
        first if nobody asks for another. One that is called ``name`` if there are none.
    """

    name: str
    title: str
    processes: Path
    build: Callable[[Table, Clock], Iterable[Double]]
    account: Callable[[Table], Account]
    logins: Callable[[Table], Iterable[Login]] = lambda table: ()
    process: str = "Process"
    account_keys: tuple[str, ...] = ()
    other_account_keys: tuple[str, ...] = ()
    record: str
    mounts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
