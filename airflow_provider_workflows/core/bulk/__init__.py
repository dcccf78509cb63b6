"""Many records in one task: rows of a table, each sent to a vendor exactly once."""
