"""The form of a Robusta connection."""

from __future__ import annotations

from airflow_provider_workflows.core.connection.form import ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

FORM = ConnectionForm(
    conn_type="robusta",
    hook_name="Robusta RPA",
    hook_class="airflow_provider_workflows.robusta.hooks.RobustaHook",
    vendor_docs="https://docs.robusta.ai",
    required=("host", "login", "password"),
    labels={
        "host": "Orchestrator",
        "schema": "Scheme",
        "port": "Port",
        "login": "API user",
        "password": "Password",
        "description": "Description",
    },
    placeholders={
        "host": "https://robusta.example.com, as in the browser when you use the Scheduler",
        "schema": "https or http, unless Orchestrator includes it; http sends the password unencrypted",
        "port": "as in the browser's address bar, often 8443; the Test button of Airflow 3.3.2 needs it",
        "login": "the user that Robusta created for the API; ask your Robusta administrator",
        "password": "of that user",
    },
    fields=(
        Field(
            name="time_zone",
            label="Time zone",
            examples=("Europe/Istanbul", "UTC"),
            # Assumption: Robusta reads dates in its server's zone; they carry none. Wrong if a
            # process that is scheduled for a time runs at another.
            help="Time zone in which the server reads dates, as an IANA name such as Europe/Istanbul; the "
            "server's administrator knows it. Needed only for schedule_start and schedule_end.",
        ),
    ),
    ui_link=UiLink(
        record="a process", parts=("spid",), example="https://robusta.example.com/processes/{spid}"
    ),
)
