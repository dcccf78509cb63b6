"""Airflow itself: what moved between its versions, the task state store, templates, serialization."""
