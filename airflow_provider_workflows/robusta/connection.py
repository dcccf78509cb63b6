"""What Airflow shows and checks of a Robusta connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field

FORM = ConnectionForm(
    conn_type="robusta",
    hook_name="Robusta RPA",
    hook_class="airflow_provider_workflows.robusta.hook.RobustaHook",
    vendor_docs="https://docs.robusta.ai",
    required=("host", "login", "password"),
    labels={"host": "Orchestrator", "schema": "Scheme", "login": "API user"},
    placeholders={
        "host": "https://robusta.example.com:8443, or a host name with scheme and port below",
        "schema": "https; with http the password travels readable",
        "login": "the user that was made for the API",
    },
    fields=(
        Field(
            name="time_zone",
            label="Time zone",
            help="IANA name, such as Europe/Istanbul, of the zone in which the server reads dates, which "
            "carry none. Needed only for schedule_start and schedule_end.",
        ),
    ),
)
