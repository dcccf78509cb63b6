"""
The cells of an Airflow on more than one machine: ``make cluster-test``.

Nothing is imported here: a task whose DAG file takes something from this package would import all the cells.
"""
