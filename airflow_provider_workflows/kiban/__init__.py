"""Kiban Workfloo: start an execution, answer its steps, wait for its steps and its end."""
