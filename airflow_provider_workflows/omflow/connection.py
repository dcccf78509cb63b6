"""The form of an OMFlow connection."""

from __future__ import annotations

from airflow_provider_workflows.core.connection.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.core.connection.ui_link import UiLink

FORM = ConnectionForm(
    conn_type="omflow",
    hook_name="OMFlow",
    hook_class="airflow_provider_workflows.omflow.hooks.OMFlowHook",
    vendor_docs="https://github.com/syscomgo/omflow",
    required=("host", "login", "password"),
    labels={
        "host": "Server",
        "schema": "Scheme",
        "port": "Port",
        "login": "Service user",
        "password": "Password",
        "description": "Description",
    },
    placeholders={
        "host": "https://omflow.example.com, as in the browser when you use OMFlow",
        "schema": "https or http, unless Server includes it",
        "port": PORT,
        "login": "a user name, not an e-mail, and not part of another user's name; ask your administrator",
        "password": "of that user; without a colon",
    },
    fields=(
        Field(
            name="language",
            label="Language",
            choices=("zh-hant", "en", "ja", "zh-hans"),
            words={"zh-hant": "繁體中文", "en": "English", "ja": "日本語", "zh-hans": "简体中文"},
            help="Language of the server's messages; if empty, the server's default. Your choice.",
        ),
        Field(
            name="server_version",
            label="Server version",
            choices=("1.2", "1.1"),
            default="1.2",
            words={"1.2": "1.2, as in the manual", "1.1": "1.1.0.0"},
            help="1.1 for servers that report 1.1.0.0, like the public source code, and 1.2 for later ones. "
            "The server's administrator knows it.",
        ),
    ),
    ui_link=UiLink(
        record="an order",
        parts=("api_path", "data_no"),
        example="https://omflow.example.com/orders/{api_path}/{data_no}",
    ),
    notifiers=("OMFlowOpenOrderNotifier",),
)
