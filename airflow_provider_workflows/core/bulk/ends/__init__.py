"""The ends of many runs, as one condition to wait for."""
