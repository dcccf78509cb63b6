"""What Airflow shows and checks of a Robusta connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

FORM = ConnectionForm(
    conn_type="robusta",
    hook_name="Robusta RPA",
    hook_class="airflow_provider_workflows.robusta.hook.RobustaHook",
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
        "schema": "https or http, if Orchestrator does not say it; with http the password travels readable",
        "port": "as in the browser's address bar, often 8443; Airflow 3.3.2's Test button needs it filled in",
        "login": "the user that Robusta made for the API; your Robusta administrator has it",
        "password": "of that user",
    },
    fields=(
        Field(
            name="time_zone",
            label="Time zone",
            examples=("Europe/Istanbul", "UTC"),
            help="IANA name, such as Europe/Istanbul, of the zone in which the server reads dates, which "
            "carry none; whoever runs the server knows it. Needed only for schedule_start and schedule_end.",
        ),
    ),
    page=VendorPage(of="a process", parts=("spid",), example="https://robusta.example.com/processes/{spid}"),
)
