"""
Airflow's DAGs for lanes of the variant ``omflow_plain``.

A file for each variant, since a task reads its whole file.
"""

from __future__ import annotations

from tests.system.chaos.lifecycle.written import write_dags

globals().update(write_dags("omflow_plain"))
