"""Exactly once: what a task writes down before it sends, and what a new attempt does about it."""
