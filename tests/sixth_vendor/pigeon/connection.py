"""What Airflow shows and checks of a Pigeon Post connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

FORM = ConnectionForm(
    conn_type="pigeon",
    hook_name="Pigeon Post",
    hook_class="tests.sixth_vendor.pigeon.hook.PigeonHook",
    vendor_docs="https://example.com/docs",
    required=("host", "password"),
    labels={"host": "Loft", "password": "Ring number"},
    hidden=("login", "schema", "port"),
    page=VendorPage(of="a letter", parts=("letter",), example="https://loft.example.com/letters/{letter}"),
    fields=(Field(name="flock", label="Flock", choices=("grey", "white"), default="grey"),),
)
