"""
What Airflow is told of this package.

Every Airflow process that lists providers loads this module at its start, so it and what it imports load
nothing but the standard library. A new vendor adds its form to :data:`FORMS`, see CONTRIBUTING.md.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows import __version__
from airflow_provider_workflows.blizwork import connection as blizwork
from airflow_provider_workflows.kiban import connection as kiban
from airflow_provider_workflows.mybpm import connection as mybpm
from airflow_provider_workflows.omflow import connection as omflow
from airflow_provider_workflows.robusta import connection as robusta

#: By its name, since it imports Airflow.
RECORD_LINK = "airflow_provider_workflows.base.links.RecordLink"

FORMS = (omflow.FORM, mybpm.FORM, blizwork.FORM, robusta.FORM, kiban.FORM)

#: What each vendor's room has, and in which module.
ROOMS = {"operators": "operators", "sensors": "sensors", "hooks": "hook"}

#: Classes for callbacks, by dotted path, since they import Airflow; of the vendors that have one.
NOTIFIERS = (
    "airflow_provider_workflows.omflow.notifier.OMFlowOpenOrderNotifier",
    "airflow_provider_workflows.blizwork.notifier.BlizWorkSendNotificationNotifier",
    "airflow_provider_workflows.kiban.notifier.KibanStartWorkflooNotifier",
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's schema for it wants."""
    return {
        # Must be the distribution's canonical name, or Airflow finds no provider at all.
        "package-name": "airflow-provider-workflows",
        "name": "Workflow systems",
        "description": (
            f"{_listed([form.hook_name for form in FORMS])}: start what they run, move it on, and "
            "wait for it, in the worker or deferred, with care for what must not happen twice."
        ),
        "versions": [__version__],
        "integrations": [
            {"integration-name": form.hook_name, "external-doc-url": form.vendor_docs, "tags": ["service"]}
            for form in FORMS
        ],
        "extra-links": [RECORD_LINK],
        "connection-types": [form.connection_type() for form in FORMS],
        "notifications": list(NOTIFIERS),
        **{kind: [_modules(form.hook_name, form.hook_class, kind) for form in FORMS] for kind in ROOMS},
    }


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _modules(name: str, hook_class: str, kind: str) -> dict[str, Any]:
    room = hook_class.rsplit(".", 2)[0]
    return {"integration-name": name, "python-modules": [f"{room}.{ROOMS[kind]}"]}
