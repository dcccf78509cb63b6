"""
The provider info of this package.

Every Airflow process that lists providers loads this module when it starts, so it imports nothing beyond the
standard library. A new vendor adds its form to :data:`FORMS`; see CONTRIBUTING.md.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows import __version__
from airflow_provider_workflows.blizwork import connection as blizwork
from airflow_provider_workflows.core.connection.form import provider_info
from airflow_provider_workflows.kiban import connection as kiban
from airflow_provider_workflows.mybpm import connection as mybpm
from airflow_provider_workflows.omflow import connection as omflow
from airflow_provider_workflows.robusta import connection as robusta

#: A dotted path, because the class imports Airflow.
RECORD_LINK = "airflow_provider_workflows.core.tasks.links.RecordLink"

#: Airflow's options for this package, in its own words for them.
CONFIG = {
    "workflows": {
        "description": "Options for the operators of the workflow systems.",
        "options": {
            "allowed_paths": {
                "description": (
                    "Folders whose files tasks may attach or read records from, separated by commas: "
                    "absolute local paths, and URLs of object storage. A path counts as what it leads to, "
                    "after links and '..'. If empty, tasks may use every file that the worker can read."
                ),
                "version_added": "0.1.0",
                "type": "string",
                "example": "/data/outbox, s3://offers/signed",
                "default": "",
            },
            "results_folder": {
                "description": (
                    "Where a task over many records writes its results if its input is not a file beside "
                    "which they could go, and the task names no folder: an absolute local path, or a URL of "
                    "object storage. DAG, run and task each get a folder of their own in it."
                ),
                "version_added": "0.1.0",
                "type": "string",
                "example": "s3://my_conn_id@lake/workflow-results",
                "default": "",
            },
            "limits_folder": {
                "description": (
                    "Folder by which all tasks of a machine keep together to the rate that a connection's "
                    "plan allows. It must be on a local disk, and all users that tasks run as must be able "
                    "to write in it. If empty, airflow-workflows-limits below the system's temporary folder."
                ),
                "version_added": "0.1.0",
                "type": "string",
                "example": "/var/lib/airflow/limits",
                "default": "",
            },
            "limits_url": {
                "description": (
                    "URL of a Redis by which all machines keep together to the rate that a connection's plan "
                    "allows; rediss:// for TLS. If empty, each machine counts by itself. A connection's own "
                    "limits_url comes first."
                ),
                "version_added": "0.1.0",
                "type": "string",
                "sensitive": True,
                "example": "rediss://:password@redis.example.com:6379/0",
                "default": "",
            },
            "ask_together": {
                "description": (
                    "Whether the triggerer reads the records of many waits by one request where the vendor "
                    "has a call for that. If false, each wait makes its own requests."
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
        },
    }
}

FORMS = (omflow.FORM, mybpm.FORM, blizwork.FORM, robusta.FORM, kiban.FORM)


def get_provider_info() -> dict[str, Any]:
    """Return the provider info, in the form of Airflow's schema."""
    info = provider_info(
        FORMS,
        distribution="airflow-provider-workflows",
        version=__version__,
        name="Workflow systems",
        description=f"{_listed([form.hook_name for form in FORMS])}: start workflow runs exactly once, move "
        "them on, and wait for them, in the worker or deferred.",
    )
    return {**info, "extra-links": [RECORD_LINK], "config": CONFIG}


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
