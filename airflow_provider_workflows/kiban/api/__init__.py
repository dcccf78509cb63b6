"""Kiban Workfloo's protocol: pure, no Airflow, no HTTP library."""
