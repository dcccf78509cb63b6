"""Tools for developing the package: its environments, an isolated Airflow, the demo."""
