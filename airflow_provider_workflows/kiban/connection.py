"""The form of a Kiban connection."""

from __future__ import annotations

from airflow_provider_workflows.core.connection.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

#: Shared hosts by environment (vendor's SDK).
HOSTS = {
    "production": "https://workfloo.kiban.com",
    "sandbox": "https://sandbox.workfloo.kiban.com",
}

FORM = ConnectionForm(
    conn_type="kiban",
    hook_name="Kiban Workfloo",
    hook_class="airflow_provider_workflows.kiban.hooks.KibanHook",
    vendor_docs="https://docs.kiban.cloud",
    required=("password",),
    labels={"host": "Base URL", "port": "Port", "password": "API key", "description": "Description"},
    placeholders={
        "host": "empty for the environment's own host",
        "port": PORT,
        "password": "the key alone, without Bearer; ask whoever manages your Kiban space",
    },
    hidden=("login", "schema"),
    fields=(
        Field(
            name="environment",
            label="Environment",
            choices=tuple(HOSTS),
            default="production",
            hosts=HOSTS,
            words={"production": "Production (billed)", "sandbox": "Sandbox"},
            help="Production runs are billed. With sandbox, every call also sends sandbox=true, which "
            "selects sandbox mode on the production host or a gateway in front of it.",
        ),
        Field(
            name="callback_x_api_key",
            label="Callback API key",
            secret=True,
            help="Sent with every callback_url, so that the receiver can verify that the call is from Kiban; "
            "the receiver's secret.",
        ),
    ),
    ui_link=UiLink(
        record="an execution",
        parts=("execution_id",),
        example="https://kiban.example.com/executions/{execution_id}",
    ),
    notifiers=("KibanStartWorkflooNotifier",),
)
