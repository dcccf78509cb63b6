"""The form of a BlizWork connection."""

from __future__ import annotations

from airflow_provider_workflows.core.connection.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

#: Transactions per second that a plan allows (vendor documentation); None for no fixed limit.
RATES: dict[str, float | None] = {
    "free": 0.0,
    "basico": 0.5,
    "medio": 1.0,
    "avanzado": 5.0,
    "empresa": 50.0,
    "corporativo": None,
}


def plan_problem(plan: str) -> str | None:
    """Return what is wrong with a plan, phrased to follow the field's name; None if it allows calls."""
    if RATES[plan] == 0:
        return f"is {plan}, a plan that allows no calls to the API"
    return None


FORM = ConnectionForm(
    conn_type="blizwork",
    hook_name="BlizWork",
    hook_class="airflow_provider_workflows.blizwork.hooks.BlizWorkHook",
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
        "password": "of the organisation; from the web application or BlizWork support, valid for a year "
        "at most",
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
            words={"production": "Production", "draft": "Draft (unpublished processes)"},
            help="Draft runs the unpublished version of a process, Production the published one. If empty, "
            "Production, but not sent when a case is opened, as in BlizWork's documentation.",
        ),
        Field(
            name="plan",
            label="Plan",
            choices=tuple(RATES),
            forgiving=True,
            words={
                "free": "Free (no calls)",
                "basico": "Básico (0.5 calls per second)",
                "medio": "Medio (1)",
                "avanzado": "Avanzado (5)",
                "empresa": "Empresa (50)",
                "corporativo": "Corporativo (no fixed limit)",
            },
            help="The organisation's plan, which limits the calls per second. All tasks, triggers and tests "
            "keep to it together. Whoever manages the organisation's BlizWork account knows it. With free, "
            "every call is refused before it is sent.",
            check=plan_problem,
        ),
    ),
    ui_link=UiLink(
        record="a case",
        parts=("workflow_id", "case_number"),
        example="https://blizwork.example.com/cases/{workflow_id}/{case_number}",
    ),
    notifiers=("BlizWorkSendNotificationNotifier",),
)
