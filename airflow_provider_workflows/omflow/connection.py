"""What Airflow shows and checks of an OMFlow connection."""

from __future__ import annotations

from airflow_provider_workflows.base.form import PORT, ConnectionForm, Field
from airflow_provider_workflows.base.page import VendorPage

FORM = ConnectionForm(
    conn_type="omflow",
    hook_name="OMFlow",
    hook_class="airflow_provider_workflows.omflow.hook.OMFlowHook",
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
        "schema": "https or http, if Server does not say it",
        "port": PORT,
        "login": "a user's name, no e-mail, that is not part of another user's name; ask your administrator",
        "password": "of that user; without a colon",
    },
    fields=(
        Field(
            name="language",
            label="Language",
            choices=("zh-hant", "en", "ja", "zh-hans"),
            words={"zh-hant": "繁體中文", "en": "English", "ja": "日本語", "zh-hans": "简体中文"},
            help="Language of the messages that the server sends; if empty, its own default. Your choice.",
        ),
        Field(
            name="server_version",
            label="Server version",
            choices=("1.2", "1.1"),
            default="1.2",
            words={"1.2": "1.2, as in the manual", "1.1": "1.1.0.0"},
            help="1.1 for servers that call themselves 1.1.0.0, as the public source code does, and 1.2 for "
            "later ones. Whoever runs the server knows it.",
        ),
    ),
    page=VendorPage(
        of="an order",
        parts=("api_path", "data_no"),
        example="https://omflow.example.com/orders/{api_path}/{data_no}",
    ),
)
