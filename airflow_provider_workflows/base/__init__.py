"""What every vendor's hook, operator and sensor has in common; knows Airflow, knows no vendor."""
