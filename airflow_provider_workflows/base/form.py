"""
The declaration of a connection type, from which everything that shows or reads its fields is made.

Airflow 3.2 and later draw the form from ``conn-fields`` in the provider's information; Airflow 3.1 asks the
hook's methods. Both come from one :class:`ConnectionForm`, and the hook checks a connection against the same.
This module is imported wherever Airflow lists providers, so it imports nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_workflows.base.page import VendorPage

Kind = Literal["string", "number", "integer", "boolean", "object"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """
    One field of a connection's extra.

    :param kind: JSON type of the value; text that reads as such a value is taken too, since connections that
        come from URIs hold nothing but text
    :param choices: the only values allowed, if any
    :param words: what a person reads in place of a choice (Airflow 3.2 and later)
    :param examples: offered while nothing is filled in, beside which anything else may be (3.2 and later)
    :param minimum: the smallest number allowed, itself excluded
    :param required: a connection without it is refused
    :param secret: shown masked and never repeated in a message. Airflow's API masks by name, so the name must
        be one of which it sees that: with ``secret``, ``token``, ``api_key`` or the like in it
    :param help: what it is for, and where its value is found
    :param section: heading below which the form has it, folded away; by default with the vendor's fields
    :param check: returns what is expected of a value that is wrong, to follow the field's name
    :param hosts: by choice, the URL used when the connection names no host, for vendors with several for
        everybody
    """

    name: str
    label: str
    kind: Kind = "string"
    default: Any = None
    choices: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    minimum: float | None = None
    required: bool = False
    secret: bool = False
    help: str = ""
    section: str = ""
    check: Callable[[str], str | None] | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)

    def conn_field(self) -> dict[str, Any]:
        """Return the field as an entry of ``conn-fields``."""
        # Without "null" the form has a star at the field and does not save without it.
        schema: dict[str, Any] = {"type": self.kind if self.required else [self.kind, "null"]}
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.words:
            schema["values_display"] = {choice: self.words.get(choice, choice) for choice in self.choices}
        if self.examples:
            schema["examples"] = list(self.examples)
        if self.minimum is not None:
            # The form's arrows know only the one, JSON Schema means the other.
            schema |= {"minimum": self.minimum, "exclusiveMinimum": self.minimum}
        if self.secret:
            schema["format"] = "password"
        if self.section:
            schema["section"] = self.section
        shown: dict[str, Any] = {"label": self.label, "schema": schema}
        return {**shown, "description": self.help} if self.help else shown


#: Placeholder of the port. With an empty one, Airflow 3.3.2's Test button takes the stored connection for
#: another and refuses.
PORT = "443 for https, 80 for http; the Test button of Airflow 3.3.2 needs it filled in"

#: Heading of the fields that most connections do without.
NETWORK = "Network and TLS"

#: Fields that every vendor's connection has, under the names that the http provider uses for them.
COMMON_FIELDS: tuple[Field, ...] = (
    Field(
        name="timeout",
        label="Timeout (s)",
        kind="number",
        default=30,
        minimum=0,
        help="Seconds without a byte from the server before an answer counts as lost. More for slow servers.",
        section=NETWORK,
    ),
    Field(
        name="verify",
        label="Verify TLS",
        default="true",
        examples=("true", "false", "/etc/ssl/certs/own-authority.pem"),
        help="true, false (anybody can then read along), or the path, on all machines of Airflow's, of a PEM "
        "file with the certificates to trust: for a server with a certificate of your own authority, whose "
        "administrators have the file.",
        section=NETWORK,
    ),
    Field(
        name="cert",
        label="Client certificate",
        help="Path of a PEM file with certificate and key, or both paths with a comma between, on every "
        "machine of Airflow's. Only if the server asks for one; its administrators issue it.",
        section=NETWORK,
    ),
    Field(
        name="proxies",
        label="Proxies",
        kind="object",
        help='Proxy by scheme, such as {"https": "http://proxy:3128"}; by default that of the environment '
        "(https_proxy and the like). Your network's administrators know it.",
        section=NETWORK,
    ),
    Field(
        name="namespace",
        label="Namespace",
        help="Only if several installations of Airflow share this account: a word of your choice that tells "
        "this one's notifications, and before Airflow 3.3 its runs, from the others'.",
        section=NETWORK,
    ),
)


@dataclass(frozen=True, kw_only=True)
class ConnectionForm:
    """
    A connection type.

    :param conn_type: Airflow's name of it, letters and underscores
    :param hook_name: the name a person sees
    :param hook_class: dotted path of the hook
    :param vendor_docs: where the vendor describes its system
    :param default_host: URL used when the connection names no host, for vendors with one for everybody
    :param required: standard fields (host, login, password, ...) that must be filled
    :param labels: names of standard fields in the vendor's words
    :param placeholders: examples, by field
    :param hidden: standard fields that mean nothing here
    :param fields: the vendor's own fields, beside :data:`COMMON_FIELDS`
    :param page: the vendor's page of what a task works on; gives the connection a field ``ui_url``
    """

    conn_type: str
    hook_name: str
    hook_class: str
    vendor_docs: str
    default_host: str | None = None
    required: tuple[str, ...] = ("host", "login", "password")
    labels: Mapping[str, str] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    page: VendorPage | None = None

    @property
    def default_conn_id(self) -> str:
        """The connection id that operators use unless told otherwise."""
        return f"{self.conn_type}_default"

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The vendor's fields and the common ones."""
        pages = (_ui_url(self.page),) if self.page else ()
        return (*self.fields, *pages, *COMMON_FIELDS)

    def named(self, name: str) -> str:
        """Return a field's name with its label, as messages say it: ``'password' (API key)``."""
        labels = {one.name: one.label for one in self.all_fields} | dict(self.labels)
        label = labels.get(name, name)
        return f"{name!r}" if label == name else f"{name!r} ({label})"

    def connection_type(self) -> dict[str, Any]:
        """Return the entry of ``connection-types`` in the provider's information."""
        behaviour = {
            "hidden-fields": list(self.hidden),
            "relabeling": dict(self.labels),
            "placeholders": dict(self.placeholders),
        }
        return {
            "connection-type": self.conn_type,
            "hook-class-name": self.hook_class,
            "hook-name": self.hook_name,
            "ui-field-behaviour": behaviour,
            "conn-fields": {one.name: one.conn_field() for one in self.all_fields},
        }

    def ui_field_behaviour(self) -> dict[str, Any]:
        """Return what Airflow 3.1 asks of a hook's ``get_ui_field_behaviour``."""
        return {
            "hidden_fields": list(self.hidden),
            "relabeling": dict(self.labels),
            "placeholders": dict(self.placeholders),
        }

    def widgets(self) -> dict[str, Any]:
        """Return what Airflow 3.1 asks of a hook's ``get_connection_form_widgets``."""
        return {one.name: _widget(one) for one in self.all_fields}


def _ui_url(page: VendorPage) -> Field:
    return Field(
        name="ui_url",
        label="Link to the page",
        examples=(page.example,),
        help=f"URL of the page of {page.of}, with {page.placeholders} in place of what differs; tasks then "
        "have a link to it. Copy it from the browser's address bar with such a page open. It must not hold "
        "a secret: whoever sees a task sees its link.",
        check=page.problem,
    )


def _widget(one: Field) -> Any:
    from wtforms import BooleanField, IntegerField, PasswordField, StringField
    from wtforms.validators import Optional, any_of

    # Airflow 3.1 drops a hook that uses any other kind of field, and puts stand-ins of its own in the place
    # of these names and of no others.
    kinds = {"integer": IntegerField, "boolean": BooleanField}
    kind = PasswordField if one.secret else kinds.get(one.kind, StringField)
    default = str(one.default) if kind is StringField and one.default is not None else one.default
    validators = [Optional(), any_of(list(one.choices))] if one.choices else [Optional()]
    return kind(one.label, validators=validators, description=one.help, default=default)
