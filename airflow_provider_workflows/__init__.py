"""Airflow provider for driving workflow systems over HTTP: connections, hooks, operators, deferrable sensors."""

__version__ = "0.1.0"
