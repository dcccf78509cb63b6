"""What Airflow shows and checks of a BlizWork connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field

#: Transactions per second that a plan allows (vendor documentation); None for no fixed limit.
RATES: dict[str, float | None] = {
    "free": 0.0,
    "basico": 0.5,
    "medio": 1.0,
    "avanzado": 5.0,
    "empresa": 50.0,
    "corporativo": None,
}

FORM = ConnectionForm(
    conn_type="blizwork",
    hook_name="BlizWork",
    hook_class="airflow_provider_workflows.blizwork.hook.BlizWorkHook",
    vendor_docs="https://blizwork.com/docs",
    default_host="https://api.blizwork.com",
    required=("login", "password"),
    labels={"host": "Server", "login": "User e-mail", "password": "API token"},
    placeholders={
        "host": "https://api.blizwork.com",
        "login": "e-mail of an active and verified user",
        "password": "from the web application; valid for a year at most, and for one organisation",
    },
    hidden=("schema", "port"),
    fields=(
        Field(
            name="company_id",
            label="Company id",
            required=True,
            help="Id of the organisation that the token belongs to, shown under Mi Cuenta.",
        ),
        Field(
            name="environment",
            label="Environment",
            choices=("production", "draft"),
            default="production",
            help="draft runs the unpublished version of a process.",
        ),
        Field(
            name="plan",
            label="Plan",
            choices=tuple(RATES),
            help="The organisation's plan, which limits the calls per second: free 0, basico 0.5, medio 1, "
            "avanzado 5, empresa 50, corporativo without a fixed limit.",
        ),
    ),
)
