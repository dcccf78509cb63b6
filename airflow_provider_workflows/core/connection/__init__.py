"""An Airflow connection: its form, its settings, and the hook that calls the vendor by it."""
