"""
The cells of tables: many records in one task, counted record by record.

Nothing is imported here: a task whose DAG file takes something from this package would import all the cells.
"""
