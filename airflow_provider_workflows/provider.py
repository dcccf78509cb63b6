"""
What Airflow is told of this package.

Every Airflow process that lists providers loads this module at its start, so it and what it imports load
nothing but the standard library. A new vendor adds its form to :data:`FORMS`.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows import __version__
from airflow_provider_workflows.omflow import connection as omflow

FORMS = (omflow.FORM,)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's schema for it wants."""
    return {
        # Must be the distribution's canonical name, or Airflow finds no provider at all.
        "package-name": "airflow-provider-workflows",
        "name": "Workflow systems",
        "description": "OMFlow: open orders, push them, wait for them, exactly once and deferrable.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": form.hook_name, "external-doc-url": DOCUMENTATION, "tags": ["service"]}
            for form in FORMS
        ],
        "connection-types": [form.connection_type() for form in FORMS],
        **{kind: [_modules(form.hook_name, form.hook_class, kind) for form in FORMS] for kind in ROOMS},
    }


DOCUMENTATION = "https://github.com/airflow-provider-workflows/airflow_provider_workflows#readme"

#: What each vendor's room has, and in which module.
ROOMS = {"operators": "operators", "sensors": "sensors", "hooks": "hook"}


def _modules(name: str, hook_class: str, kind: str) -> dict[str, Any]:
    room = hook_class.rsplit(".", 2)[0]
    return {"integration-name": name, "python-modules": [f"{room}.{ROOMS[kind]}"]}
