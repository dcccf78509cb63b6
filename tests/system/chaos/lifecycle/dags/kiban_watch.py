"""Airflow's DAGs whose sensors watch what a cell has made at the vendor ``kiban``."""

from __future__ import annotations

from tests.system.chaos.lifecycle.written import watching_dags

globals().update(watching_dags("kiban"))
