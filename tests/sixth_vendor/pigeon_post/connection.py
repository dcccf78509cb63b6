"""What Airflow shows and checks of a Pigeon Post connection."""

from __future__ import annotations

from airflow_provider_workflows.core.connection.form import ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

FORM = ConnectionForm(
    conn_type="pigeon",
    hook_name="Pigeon Post",
    hook_class=f"{__package__}.hooks.PigeonHook",
    vendor_docs="https://example.com/docs",
    required=("host", "password"),
    labels={"host": "Loft", "password": "Ring number"},
    hidden=("login", "schema", "port"),
    ui_link=UiLink(record="a letter", parts=("letter",), example="https://loft.example.com/letters/{letter}"),
    fields=(Field(name="flock", label="Flock", choices=("grey", "white"), default="grey"),),
    notifiers=("PigeonSendNotifier",),
)
