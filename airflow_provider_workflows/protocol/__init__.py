"""
The language in which a vendor's API is written: no HTTP library, no vendor, no Airflow but its exceptions.
"""
