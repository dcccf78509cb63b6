"""A vendor's API as operations: messages, bodies, retries, scrubbing; no HTTP library, no Airflow."""
