"""What Airflow shows and checks of a MyBPM connection."""

from __future__ import annotations

import re

from airflow_provider_workflows.base.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

API_TOKEN, SESSION_TOKEN = "API-TOKEN", "TOKEN"
#: Hours and minutes from Greenwich (vendor's sample code); whether a server takes other forms is not known.
_ZONE = re.compile(r"GMT[+-]([01][0-9]|2[0-3])[0-5][0-9]")


def zone_problem(timezone: str) -> str | None:
    """Return what is expected of the zone of a login, to follow the field's name; None if it is one."""
    if _ZONE.fullmatch(timezone):
        return None
    return "must be hours and minutes from Greenwich in the form GMT+0600; MyBPM is not known to take names"


FORM = ConnectionForm(
    conn_type="mybpm",
    hook_name="MyBPM",
    hook_class="airflow_provider_workflows.mybpm.hook.MyBPMHook",
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
        "schema": "https, or http if the site has no TLS, if Server does not say it",
        "port": PORT,
        "login": "of the user to log in as; empty for an API token",
        "password": "the token, which your MyBPM administrator gives you, or the user's password",
    },
    fields=(
        Field(
            # Not with "token" in its name, or Airflow's form would mask the choice.
            name="header",
            label="Token header",
            choices=(API_TOKEN, SESSION_TOKEN),
            help=f"Header in which the token is sent; if empty, {API_TOKEN} for an API token and "
            f"{SESSION_TOKEN} for a session login, as the vendor's pages have it. Change it only if a good "
            "token is refused.",
        ),
        Field(
            name="timezone",
            label="Time zone of the login",
            default="GMT+0000",
            examples=("GMT+0000", "GMT+0500", "GMT+0600"),
            help="Sent with a session login, in the form GMT+0600; the zone in which the user works.",
            check=zone_problem,
        ),
        Field(
            name="test_bo_code",
            label="BO for the Test button",
            help="Code of any business object that the token may read, as in its settings in MyBPM. Test "
            "reads its structure; without one it cannot tell whether an API token is good.",
        ),
    ),
    page=VendorPage(
        of="an instance of a business object (BOI)",
        parts=("bo_code", "boi_id"),
        example="https://mybpm.example.com/records/{bo_code}/{boi_id}",
    ),
)
