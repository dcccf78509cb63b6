"""``python -m airflow_provider_workflows.sandbox``."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
