"""
The declaration of a connection type: its form in Airflow's UI and the fields that the hook reads.

Airflow 3.2 and later build the form from ``conn-fields`` in the provider info; Airflow 3.1 calls methods of
the hook. Both are generated from one :class:`ConnectionForm`, and the hook validates connections against it.
:func:`provider_info` generates the provider info from the forms of all vendors. Every process that lists
providers imports this module, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_workflows.core.connection.ui_link import UiLink

Kind = Literal["string", "number", "integer", "boolean", "object"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """
    One field of a connection's extra.

    :param kind: JSON type of the value; text that can be parsed as that type is accepted too, because a
        connection URI holds only text
    :param choices: the allowed values; empty to allow any
    :param words: display text of each choice (Airflow 3.2 and later)
    :param examples: suggestions while the field is empty; other values are allowed (Airflow 3.2 and later)
    :param minimum: exclusive lower limit of a number
    :param required: whether a connection without the field is refused
    :param secret: whether the value is masked in the UI and left out of messages. Airflow's API masks by
        field name, so the name must contain ``secret``, ``token``, ``api_key`` or the like
    :param help: what the field is for and where to find its value
    :param section: heading of the folded section that holds the field; by default, it is among the vendor's
        fields
    :param check: returns what is wrong with a value, phrased to follow the field's name; None if it is valid
    :param forgiving: whether a choice may also be written with capitals and accents; the choices have none
    :param hosts: URL by choice, used when the connection has no host, for vendors with several shared hosts
    """

    name: str
    label: str
    kind: Kind = "string"
    default: str | float | None = None
    choices: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    minimum: float | None = None
    required: bool = False
    secret: bool = False
    help: str = ""
    section: str = ""
    check: Callable[[str], str | None] | None = None
    forgiving: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)

    def conn_field(self) -> dict[str, object]:
        """Return the field as an entry of ``conn-fields``."""
        # Without "null", the form marks the field as required and does not save without it.
        schema: dict[str, object] = {"type": self.kind if self.required else [self.kind, "null"]}
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.words:
            schema["values_display"] = {choice: self.words.get(choice, choice) for choice in self.choices}
        if self.examples:
            schema["examples"] = list(self.examples)
        if self.minimum is not None:
            # The form's arrows use "minimum"; JSON Schema needs "exclusiveMinimum".
            schema |= {"minimum": self.minimum, "exclusiveMinimum": self.minimum}
        if self.secret:
            schema["format"] = "password"
        if self.section:
            schema["section"] = self.section
        shown: dict[str, object] = {"label": self.label, "schema": schema}
        return {**shown, "description": self.help} if self.help else shown


#: Placeholder of the port. If the port is empty, the Test button of Airflow 3.3.2 does not recognise the
#: stored connection and refuses to test it.
PORT = "443 for https, 80 for http; the Test button of Airflow 3.3.2 needs it"

#: Headings of the fields that most connections do not need.
NETWORK = "Network and TLS"
LIMIT = "Limit of requests"


def redis_problem(url: str) -> str | None:
    """Return what is wrong with a URL of Redis, phrased to follow the field's name; None if it is valid."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        return "must begin with redis://, or with rediss:// for TLS"
    if ":" in url.partition("://")[2].rpartition("@")[0]:
        return (
            "contains a password, which everyone who can see the connection could read; use 'limits_password'"
        )
    return None


#: Fields that every vendor's connection has, under the names that the http provider uses for them.
COMMON_FIELDS: tuple[Field, ...] = (
    Field(
        name="timeout",
        label="Timeout (s)",
        kind="number",
        default=30,
        minimum=0,
        help="Seconds to wait for data from the server before an answer counts as lost. Raise it for a slow "
        "server. A whole call ends after at most four times as long, plus 10 seconds to connect and the time "
        "of an upload; resolving the host's name is not part of it.",
        section=NETWORK,
    ),
    Field(
        name="max_answer_mb",
        label="Largest answer (MB)",
        kind="number",
        default=16,
        minimum=0,
        help="Megabytes of one answer, decompressed. A larger one counts as unreadable, so that no answer "
        "can exhaust the memory.",
        section=NETWORK,
    ),
    Field(
        name="verify",
        label="Verify TLS",
        default="true",
        examples=("true", "false", "/etc/ssl/certs/own-authority.pem"),
        help="true; false (insecure: others can read the traffic); or the path of a PEM file with the CA "
        "certificates to trust, on every Airflow machine, for a server whose certificate your own CA issued. "
        "The administrators of the CA have the file.",
        section=NETWORK,
    ),
    Field(
        name="cert",
        label="Client certificate",
        help="Path of a PEM file with certificate and key, or the two paths separated by a comma, on every "
        "Airflow machine. Needed only if the server requires one; its administrators issue it.",
        section=NETWORK,
    ),
    Field(
        name="cert_password",
        label="Passphrase of the client certificate's key",
        secret=True,
        help="Only if the key in the client certificate's file is encrypted.",
        section=NETWORK,
    ),
    Field(
        name="proxies",
        label="Proxies",
        kind="object",
        help='Proxy by scheme, such as {"https": "http://proxy:3128"}; by default, from the environment '
        "(https_proxy and the like). Ask your network administrators.",
        section=NETWORK,
    ),
    Field(
        name="namespace",
        label="Namespace",
        help="Only if several Airflow installations share this account: a word of your choice that "
        "distinguishes the notifications of this one, and before Airflow 3.3 also its runs.",
        section=NETWORK,
    ),
    Field(
        name="requests_per_second",
        label="Requests per second",
        kind="number",
        minimum=0,
        help="How many requests a second the vendor allows this account. All tasks, triggers and tests then "
        "keep to it together, by whichever connection they use the account. If empty, nothing is counted.",
        section=LIMIT,
    ),
    Field(
        name="limits_url",
        label="Redis for the limit",
        examples=("redis://redis:6379/0", "rediss://redis.example.com:6380/0"),
        help="URL of a Redis in which all machines count together, without its password. If empty, that of "
        "Airflow's option [workflows] limits_url; without either, each machine counts by itself.",
        section=LIMIT,
        check=redis_problem,
    ),
    Field(
        name="limits_password",
        label="Password of that Redis",
        secret=True,
        help="Only if the field above names a Redis that needs one.",
        section=LIMIT,
    ),
)


@dataclass(frozen=True, kw_only=True)
class ConnectionForm:
    """
    A connection type.

    :param conn_type: its name in Airflow; letters and underscores
    :param hook_name: the name shown in the UI
    :param hook_class: dotted path of the hook
    :param vendor_docs: URL of the vendor's documentation
    :param default_host: URL used when the connection has no host, for vendors with one shared host
    :param required: standard fields (host, login, password, ...) that must not be empty
    :param labels: labels of standard fields, in the vendor's terms
    :param placeholders: placeholder text, by field
    :param hidden: standard fields that are not used
    :param fields: the vendor's own fields, in addition to :data:`COMMON_FIELDS`
    :param ui_link: how to link to a record in the vendor's UI; adds the field ``ui_url`` to the connection
    :param notifiers: names of the classes in the vendor's module ``notifications`` that Airflow lists
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
    ui_link: UiLink | None = None
    notifiers: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """Dotted path of the vendor's package, with ``hooks``, ``operators``, ``sensors`` and so on."""
        return self.hook_class.rsplit(".", 2)[0]

    @property
    def notifier_paths(self) -> tuple[str, ...]:
        """Dotted paths of the vendor's notifiers."""
        return tuple(f"{self.package}.notifications.{name}" for name in self.notifiers)

    @property
    def default_conn_id(self) -> str:
        """The connection id that operators use by default."""
        return f"{self.conn_type}_default"

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """The vendor's fields and the common ones."""
        link = (_ui_url(self.ui_link),) if self.ui_link else ()
        return (*self.fields, *link, *COMMON_FIELDS)

    def named(self, name: str) -> str:
        """Return a field's name and label for messages: ``'password' (API key)``."""
        labels = {one.name: one.label for one in self.all_fields} | dict(self.labels)
        label = labels.get(name, name)
        return f"{name!r}" if label == name else f"{name!r} ({label})"

    def connection_type(self) -> dict[str, Any]:
        """Return the entry of ``connection-types`` in the provider info."""
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

    def ui_field_behaviour(self) -> dict[str, object]:
        """Return the value of the hook's ``get_ui_field_behaviour``, which Airflow 3.1 calls."""
        return {
            "hidden_fields": list(self.hidden),
            "relabeling": dict(self.labels),
            "placeholders": dict(self.placeholders),
        }

    def widgets(self) -> dict[str, object]:
        """Return the value of the hook's ``get_connection_form_widgets``, which Airflow 3.1 calls."""
        return {one.name: _widget(one) for one in self.all_fields}


#: The modules of a vendor's package that Airflow lists.
_LISTED_MODULES = ("operators", "sensors", "hooks")


def provider_info(
    forms: Iterable[ConnectionForm], *, distribution: str, version: str, name: str, description: str
) -> dict[str, object]:
    """
    Return the provider info, in the form of Airflow's schema.

    :param forms: the form of each vendor
    :param distribution: canonical name of the distribution, with hyphens; with any other name, Airflow finds
        no providers at all
    :param version: version of the distribution
    :param name: the name in Airflow's list of providers
    :param description: a sentence for that list
    """
    vendors = list(forms)
    return {
        "package-name": distribution,
        "name": name,
        "description": description,
        "versions": [version],
        "integrations": [
            {"integration-name": form.hook_name, "external-doc-url": form.vendor_docs, "tags": ["service"]}
            for form in vendors
        ],
        "connection-types": [form.connection_type() for form in vendors],
        "notifications": [path for form in vendors for path in form.notifier_paths],
        **{module: [_integration(form, module) for form in vendors] for module in _LISTED_MODULES},
    }


def _integration(form: ConnectionForm, module: str) -> dict[str, object]:
    return {"integration-name": form.hook_name, "python-modules": [f"{form.package}.{module}"]}


def _ui_url(link: UiLink) -> Field:
    return Field(
        name="ui_url",
        label="Link to the page",
        examples=(link.example,),
        help=f"URL of the vendor's page of {link.record}; tasks then link to it. Open such a page, copy its "
        f"address, and replace the parts that vary by {link.placeholders}. It must not contain a secret: "
        "everyone who can see a task sees its link.",
        check=link.problem,
    )


def _widget(one: Field) -> object:
    from wtforms import BooleanField, IntegerField, PasswordField, StringField
    from wtforms.validators import Optional, any_of

    # Airflow 3.1 replaces exactly these names by its own stand-ins, and drops a hook that uses any other kind
    # of field.
    kinds = {"integer": IntegerField, "boolean": BooleanField}
    kind = PasswordField if one.secret else kinds.get(one.kind, StringField)
    default = str(one.default) if kind is StringField and one.default is not None else one.default
    validators = [Optional(), any_of(list(one.choices))] if one.choices else [Optional()]
    return kind(one.label, validators=validators, description=one.help, default=default)
