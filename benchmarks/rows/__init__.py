"""The groups of measurements: each is a function that measures, and returns rows."""
