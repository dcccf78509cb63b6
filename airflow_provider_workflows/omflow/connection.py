"""What Airflow shows and checks of an OMFlow connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import ConnectionForm, Field

FORM = ConnectionForm(
    conn_type="omflow",
    hook_name="OMFlow",
    hook_class="airflow_provider_workflows.omflow.hook.OMFlowHook",
    vendor_docs="https://github.com/syscomgo/omflow",
    required=("host", "login", "password"),
    labels={"host": "Server", "schema": "Scheme", "login": "Service user"},
    placeholders={
        "host": "https://omflow.example.com, or a host name with scheme and port below",
        "schema": "https",
        "login": "a user whose name is not part of another user's name",
    },
    fields=(
        Field(
            name="language",
            label="Language",
            choices=("zh-hant", "en", "ja", "zh-hans"),
            help="Language of the messages that the server sends; its own default if empty.",
        ),
        Field(
            name="server_version",
            label="Server version",
            choices=("1.2", "1.1"),
            default="1.2",
            help="1.2 as the vendor's manual describes; 1.1 for servers that call themselves 1.1.0.0.",
        ),
    ),
)
