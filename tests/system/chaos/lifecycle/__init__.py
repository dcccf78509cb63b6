"""
The lifecycle cells: processes killed, Airflow's components restarted, vendors away, tasks cleared.

Nothing is imported here: a task whose DAG file takes its DAG from this package would import all the cells.
"""
