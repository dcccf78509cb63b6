"""What Airflow shows and checks of a Kiban connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

#: By environment (vendor's SDK); everybody shares them.
HOSTS = {
    "production": "https://workfloo.kiban.com",
    "sandbox": "https://sandbox.workfloo.kiban.com",
}

FORM = ConnectionForm(
    conn_type="kiban",
    hook_name="Kiban Workfloo",
    hook_class="airflow_provider_workflows.kiban.hook.KibanHook",
    vendor_docs="https://docs.kiban.cloud",
    required=("password",),
    labels={"host": "Base URL", "port": "Port", "password": "API key", "description": "Description"},
    placeholders={
        "host": "empty for the environment's own host",
        "port": PORT,
        "password": "the bare key, without Bearer; whoever manages your space at Kiban has it",
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
            help="Production runs are billed. With sandbox, every call also says sandbox=true, which puts "
            "the production host, or a gateway before it, into sandbox mode.",
        ),
        Field(
            name="callback_x_api_key",
            label="Callback API key",
            secret=True,
            help="Sent along with every callback_url, so that the receiver knows that it is Kiban who calls; "
            "a secret of the receiver's.",
        ),
    ),
    page=VendorPage(
        of="an execution",
        parts=("execution_id",),
        example="https://kiban.example.com/executions/{execution_id}",
    ),
)
