"""The rows of a table and what becomes of them: reading, mapping to a vendor's fields, results."""
