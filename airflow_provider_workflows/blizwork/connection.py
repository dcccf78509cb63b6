"""What Airflow shows and checks of a BlizWork connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

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
    labels={
        "host": "Server",
        "port": "Port",
        "login": "User e-mail",
        "password": "API token",
        "description": "Description",
    },
    placeholders={
        "host": "empty for https://api.blizwork.com",
        "port": PORT,
        "login": "of an authorised, active and verified user",
        "password": "from the web application or BlizWork's support; for one organisation, a year at most",
    },
    hidden=("schema",),
    fields=(
        Field(
            name="company_id",
            label="Company id",
            required=True,
            help="Id of the organisation that the token belongs to; in BlizWork under Mi Cuenta.",
        ),
        Field(
            name="environment",
            label="Environment",
            choices=("production", "draft"),
            default="production",
            words={"production": "Production", "draft": "Draft (unpublished processes)"},
            help="Draft runs the unpublished version of a process. Your choice.",
        ),
        Field(
            name="plan",
            label="Plan",
            choices=tuple(RATES),
            words={
                "free": "Free (no calls)",
                "basico": "Básico (0.5 calls a second)",
                "medio": "Medio (1)",
                "avanzado": "Avanzado (5)",
                "empresa": "Empresa (50)",
                "corporativo": "Corporativo (no fixed limit)",
            },
            help="The plan that the organisation pays for, which limits the calls a second. Whoever manages "
            "its account at BlizWork knows it.",
        ),
    ),
    page=VendorPage(
        of="a case",
        parts=("workflow_id", "case_number"),
        example="https://blizwork.example.com/cases/{workflow_id}/{case_number}",
    ),
)
