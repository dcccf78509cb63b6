"""Waiting for a condition: in the worker, by reschedule, or in the triggerer."""
