"""What Airflow shows and checks of a MyBPM connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field

API_TOKEN, SESSION_TOKEN = "API-TOKEN", "TOKEN"

FORM = ConnectionForm(
    conn_type="mybpm",
    hook_name="MyBPM",
    hook_class="airflow_provider_workflows.mybpm.hook.MyBPMHook",
    vendor_docs="https://doc.mybpm.kz",
    required=("host", "password"),
    labels={
        "host": "Server",
        "schema": "Scheme",
        "login": "E-mail (session login only)",
        "password": "API token, or password of the e-mail",
    },
    placeholders={
        "host": "http://mybpm.example.com, or a host name with scheme and port below",
        "schema": "https; http if the site has no TLS",
        "login": "empty for an API token",
    },
    fields=(
        Field(
            name="token_header",
            label="Token header",
            choices=(API_TOKEN, SESSION_TOKEN),
            help=f"Header of the token; if empty, {API_TOKEN}, and {SESSION_TOKEN} with a session login.",
        ),
        Field(
            name="timezone",
            label="Time zone of the login",
            default="GMT+0000",
            help="Sent with a session login, in the form GMT+0600.",
        ),
        Field(
            name="test_bo_code",
            label="BO for the Test button",
            help="Code of a business object whose structure the test reads; needed with an API token only.",
        ),
    ),
)
