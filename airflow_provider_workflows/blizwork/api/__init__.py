"""BlizWork's protocol: pure, no Airflow, no HTTP library."""
