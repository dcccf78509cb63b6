"""The form of a MyBPM connection."""

from __future__ import annotations

import re

from airflow_provider_workflows.core.connection.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

#: Names of the header that carries the token. The documentation writes ``API-TOKEN/TOKEN`` for one header,
#: and ``API_TOKEN`` in a question about it.
API_TOKEN, SESSION_TOKEN, UNDERSCORED = HEADERS = ("API-TOKEN", "TOKEN", "API_TOKEN")
#: Offset in hours and minutes (vendor's sample code); whether a server accepts other forms is not known.
_ZONE = re.compile(r"GMT[+-]([01][0-9]|2[0-3])[0-5][0-9]")


def zone_problem(timezone: str) -> str | None:
    """Return what is wrong with a time zone, phrased to follow the field's name; None if it is valid."""
    if _ZONE.fullmatch(timezone):
        return None
    return "must be an offset such as GMT+0600; zone names are not known to work"


FORM = ConnectionForm(
    conn_type="mybpm",
    hook_name="MyBPM",
    hook_class="airflow_provider_workflows.mybpm.hooks.MyBPMHook",
    vendor_docs="https://doc.mybpm.kz",
    required=("host", "password"),
    labels={
        "host": "Server",
        "schema": "Scheme",
        "port": "Port",
        "login": "E-mail (session login only)",
        "password": "API token or password",
        "description": "Description",
    },
    placeholders={
        "host": "http://mybpm.example.com, as in the browser when you use MyBPM",
        "schema": "https, or http if the site has no TLS, unless Server includes it",
        "port": PORT,
        "login": "of the user to log in as; empty with an API token",
        "password": "the token from your MyBPM administrator, or the user's password",
    },
    fields=(
        Field(
            # Without "token" in the name, because Airflow's form would mask the choice.
            name="header",
            label="Token header",
            choices=HEADERS,
            help=f"Header that carries the token; if empty, {API_TOKEN} for an API token and {SESSION_TOKEN} "
            "for a session login. MyBPM's documentation does not say which is for which. Change it only if a "
            "valid token is refused.",
        ),
        Field(
            name="timezone",
            label="Time zone of the login",
            default="GMT+0000",
            examples=("GMT+0000", "GMT+0500", "GMT+0600"),
            help="Sent with a session login, in the form GMT+0600; the time zone of the user.",
            check=zone_problem,
        ),
        Field(
            name="test_bo_code",
            label="BO for the Test button",
            help="Code of any business object that the token may read, from its settings in MyBPM. The Test "
            "button reads its structure; without it, an API token cannot be checked.",
        ),
    ),
    ui_link=UiLink(
        record="an instance of a business object (BOI)",
        parts=("bo_code", "boi_id"),
        example="https://mybpm.example.com/records/{bo_code}/{boi_id}",
    ),
)
